#include "unit.h"

#include "vector/kernels.h"
#include "vector/slots.h"
#include "vector/topk.h"
#include "vector/vector.h"

#include <math.h>
#include <pthread.h>

typedef float (*kernel)(const float *a, const float *b, size_t n);

/* Every kernel that this machine can run. */
static size_t kernels_here(kernel out[4]) {
  size_t count = 0;
  out[count++] = sb_dot;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out[count++] = sb_dot_avx2;
  if (__builtin_cpu_supports("avx512f")) out[count++] = sb_dot_avx512;
#elif defined(__aarch64__)
  out[count++] = sb_dot_neon;
#endif
  return count;
}

static void every_kernel_agrees_with_the_scalar_one_for_any_length_and_alignment(void **state) {
  (void)state;
  enum { LENGTH_MAX = 140 };
  uint64_t seed = 1;
  kernel kernels[4];
  size_t count = kernels_here(kernels);
  for (size_t length = 0; length <= LENGTH_MAX; length++) {
    for (size_t shift = 0; shift < 4; shift++) {
      float *a = sb_alloc(length + shift + 1, sizeof *a, NULL), *b = sb_alloc(length + shift + 1, sizeof *b, NULL);
      for (size_t i = 0; i < length; i++) a[shift + i] = random_float(&seed), b[shift + i] = random_float(&seed);
      a[shift + length] = b[shift + length] = NAN; /* must not be read into the sum */
      double exact = 0;
      for (size_t i = 0; i < length; i++) exact += (double)a[shift + i] * (double)b[shift + i];
      assert_float_equal(sb_dot_scalar(a + shift, b + shift, length), exact, 1e-4);
      for (size_t k = 0; k < count; k++) assert_float_equal(kernels[k](a + shift, b + shift, length), exact, 1e-4);
      free(a);
      free(b);
    }
  }
}

static void normalizing_gives_unit_length_and_leaves_zero_alone(void **state) {
  (void)state;
  float v[3] = {3, 0, 4}, zero[3] = {0}, broken[3] = {1, NAN, 0};
  assert_float_equal(sb_normalize(v, 3), 5, 1e-6);
  assert_float_equal(v[0], 0.6, 1e-6);
  assert_float_equal(sb_dot(v, v, 3), 1, 1e-6);
  assert_float_equal(sb_normalize(zero, 3), 0, 0);
  assert_float_equal(zero[0], 0, 0);
  assert_float_equal(sb_normalize(broken, 3), 0, 0);
}

/* ---- Best hits */

static void the_best_hits_are_one_a_label_in_order(void **state) {
  (void)state;
  sb_hit room[3];
  sb_topk best = {room, 3, 0};
  const sb_hit hits[] = {{1, 10, .1f}, {2, 20, .5f}, {3, 10, .6f}, {4, 30, .5f},
                         {5, 40, .2f}, {6, 20, .4f}, {7, 50, .9f}};
  for (size_t i = 0; i < count_of(hits); i++)
    if (sb_topk_wants(&best, hits[i].score)) sb_topk_add(&best, hits[i], true);
  assert_int_equal(best.count, 3);
  assert_int_equal(room[0].key, 7);
  assert_int_equal(room[1].key, 3);
  assert_int_equal(room[2].key, 2); /* ties go to the smaller key */
}

/* ---- Slots, against the plainest of models */

static void slots_are_a_map_whatever_is_added_and_removed(void **state) {
  (void)state;
  enum { KEYS = 500, STEPS = 40000 };
  int64_t model[KEYS];
  uint64_t seed = 7;
  sb_slots slots = {0};
  for (int i = 0; i < KEYS; i++) model[i] = SB_NO_SLOT;
  for (int step = 0; step < STEPS; step++) {
    uint64_t key = next_random(&seed) % KEYS;
    if (next_random(&seed) % 3) {
      assert_int_equal(sb_slots_reserve(&slots, slots.count + 1, NULL), SB_OK);
      sb_slots_set(&slots, key, step);
      model[key] = step;
    } else {
      sb_slots_remove(&slots, key);
      model[key] = SB_NO_SLOT;
    }
    uint64_t asked = next_random(&seed) % KEYS;
    assert_int_equal(sb_slots_find(&slots, asked), model[asked]);
  }
  size_t count = 0;
  for (int i = 0; i < KEYS; i++) count += model[i] != SB_NO_SLOT;
  assert_int_equal(slots.count, count);
  sb_slots_free(&slots);
}

/* ---- Index, against a model of arrays */

enum { DIM = 24, ITEMS = 300 };
typedef struct gallery {
  bool present[ITEMS];
  uint64_t label[ITEMS];
  float vectors[ITEMS][DIM];
} gallery;

static sb_index *index_new(void) {
  sb_index *index = NULL;
  const sb_index_options options = {
      .struct_size = sizeof options, .dim = DIM, .metric = SB_METRIC_INNER, .keep = SB_KEEP_F32};
  assert_int_equal(sb_index_new(&options, &index, NULL), SB_OK);
  return index;
}

static sb_status search(sb_index *index, const float *vector, size_t k, sb_hit *hits, size_t *found) {
  const sb_index_query query = {.struct_size = sizeof query, .vectors = vector, .count = 1, .k = k, .by_label = true};
  return sb_index_search(index, &query, hits, found, NULL);
}

static size_t search_plainly(const gallery *g, const float *query, size_t k, sb_hit *hits) {
  sb_topk best = {hits, k, 0};
  for (uint64_t key = 0; key < ITEMS; key++)
    if (g->present[key]) sb_topk_add(&best, (sb_hit){key, g->label[key], sb_dot(query, g->vectors[key], DIM)}, true);
  return best.count;
}

static void the_index_finds_what_a_plain_scan_finds_after_any_adds_and_removals(void **state) {
  (void)state;
  enum { STEPS = 4000, K = 7 };
  static gallery g;
  uint64_t seed = 11;
  sb_index *index = index_new();
  for (int step = 0; step < STEPS; step++) {
    size_t key = next_random(&seed) % ITEMS;
    if (next_random(&seed) % 3 == 0) {
      assert_int_equal(sb_index_remove(index, key), g.present[key]);
      g.present[key] = false;
    } else {
      for (size_t i = 0; i < DIM; i++) g.vectors[key][i] = random_float(&seed);
      g.label[key] = key / 3;
      g.present[key] = true;
      assert_int_equal(sb_index_put(index, key, g.label[key], g.vectors[key], NULL), SB_OK);
    }
    if (step % 10) continue;
    float query[DIM];
    sb_hit wanted[K], got[K];
    size_t count = 0;
    for (size_t i = 0; i < DIM; i++) query[i] = random_float(&seed);
    assert_int_equal(search(index, query, K, got, &count), SB_OK);
    assert_int_equal(count, search_plainly(&g, query, K, wanted));
    for (size_t i = 0; i < count; i++) assert_int_equal(got[i].key, wanted[i].key);
  }
  sb_index_free(index);
}

static void the_index_refuses_what_is_not_finite_and_keeps_what_it_had(void **state) {
  (void)state;
  float good[DIM] = {1}, bad[DIM] = {1, INFINITY};
  sb_index *index = NULL;
  sb_hit hit;
  size_t found = 0;
  assert_int_equal(sb_index_new(&(sb_index_options){.struct_size = sizeof(sb_index_options)}, &index, NULL), SB_MISUSE);
  index = index_new();
  assert_int_equal(search(index, good, 1, &hit, &found), SB_OK);
  assert_int_equal(found, 0);
  assert_int_equal(sb_index_put(index, 5, 50, good, NULL), SB_OK);
  assert_int_equal(sb_index_put(index, 5, 50, bad, NULL), SB_INVALID);
  assert_int_equal(search(index, bad, 1, &hit, &found), SB_INVALID);
  assert_int_equal(search(index, good, 1, &hit, &found), SB_OK);
  assert_int_equal(found, 1);
  assert_int_equal(hit.key, 5);
  assert_int_equal(sb_index_count(index), 1);
  assert_int_equal(sb_index_dim(index), DIM);
  sb_index_free(index);
}

static void *search_on(void *context) {
  sb_index *index = context;
  float query[DIM] = {1};
  for (int i = 0; i < 2000; i++) {
    sb_hit hits[3];
    size_t found = 0;
    if (search(index, query, 3, hits, &found) != SB_OK || !found || hits[0].key != 0) return context;
  }
  return NULL;
}

static void searches_run_beside_a_writer(void **state) {
  (void)state;
  sb_index *index = index_new();
  pthread_t threads[3];
  float best[DIM] = {1}, other[DIM] = {0.5f};
  assert_int_equal(sb_index_put(index, 0, 0, best, NULL), SB_OK);
  for (size_t i = 0; i < count_of(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, search_on, index), 0);
  for (uint64_t i = 1; i < 4000; i++) {
    assert_int_equal(sb_index_put(index, i, i, other, NULL), SB_OK);
    if (i % 2) assert_true(sb_index_remove(index, i));
  }
  for (size_t i = 0; i < count_of(threads); i++) {
    void *failed = NULL;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  sb_index_free(index);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kernel_agrees_with_the_scalar_one_for_any_length_and_alignment),
      cmocka_unit_test(normalizing_gives_unit_length_and_leaves_zero_alone),
      cmocka_unit_test(the_best_hits_are_one_a_label_in_order),
      cmocka_unit_test(slots_are_a_map_whatever_is_added_and_removed),
      cmocka_unit_test(the_index_finds_what_a_plain_scan_finds_after_any_adds_and_removals),
      cmocka_unit_test(the_index_refuses_what_is_not_finite_and_keeps_what_it_had),
      cmocka_unit_test(searches_run_beside_a_writer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
