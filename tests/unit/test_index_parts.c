/* The parts of the vector index, each compared with the simplest implementation of the same thing. */
#include "vectors.h"

#include "vector/index/epoch.h"
#include "vector/index/key_index.h"
#include "vector/quantizer/axes.h"
#include "vector/quantizer/train.h"
#include "vector/search/shortlist.h"
#include "vector/search/thread_team.h"

#include <pthread.h>

/* ---- Slots and segments */

static void every_slot_has_its_place_in_one_segment(void **state) {
  (void)state;
  uint32_t next = 0;
  for (unsigned segment = 0; segment < SB_SEGMENTS_MAX; segment++) {
    assert_int_equal(sb_rows_segment_first(segment), next);
    assert_int_equal(sb_rows_segment_of(next), segment);
    next += (uint32_t)sb_rows_segment_rows(segment);
    assert_int_equal(sb_rows_segment_of(next - 1), segment);
  }
  assert_int_equal(next, SB_SLOTS_MAX);
}

/* ---- Keys */

static void keys_are_a_map_whatever_is_added_and_removed(void **state) {
  (void)state;
  enum { KEYS = 3000, STEPS = 60000 };
  static sb_rows rows;
  static sb_key_index map;
  static uint32_t expected[KEYS], asked_slots[KEYS];
  static uint64_t asked[KEYS];
  uint64_t seed = 7;
  uint32_t next = 0;
  rows.row_bytes = 4;
  map.rows = &rows;
  for (unsigned segment = 0; segment < 4; segment++) assert_int_equal(sb_rows_prepare(&rows, segment, NULL), SB_OK);
  for (int i = 0; i < KEYS; i++) expected[i] = SB_NO_SLOT;
  for (int step = 0; step < STEPS; step++) {
    uint64_t key = next_random(&seed) % KEYS;
    if (next_random(&seed) % 3) { /* the row in a slot has the key */
      sb_rows_place row = sb_rows_at(&rows, next);
      atomic_store(&row.segment->keys[row.at], key);
      assert_int_equal(sb_key_index_reserve(&map, key, 2, NULL), SB_OK);
      sb_key_index_set(&map, key, next);
      expected[key] = next++;
    } else if (expected[key] != SB_NO_SLOT) {
      sb_key_index_remove(&map, key);
      expected[key] = SB_NO_SLOT;
    }
    key = next_random(&seed) % KEYS;
    assert_int_equal(sb_key_index_find(&map, key), expected[key]);
  }
  size_t wanted = 0;
  for (uint64_t key = 0; key < KEYS; key++) asked[key] = key;
  size_t found = sb_key_index_find_many(&map, asked, KEYS, asked_slots);
  for (uint64_t key = 0; key < KEYS; key++)
    if (expected[key] != SB_NO_SLOT) assert_int_equal(asked_slots[wanted++], expected[key]);
  assert_int_equal(found, wanted);
  sb_key_index_free(&map);
  sb_rows_free(&rows);
}

/* ---- Epochs */

static void an_epoch_waits_for_earlier_readers_and_not_for_later_ones(void **state) {
  (void)state;
  static sb_epoch epoch;
  atomic_store(&epoch.now, 2);
  unsigned early = sb_epoch_pin(&epoch);
  uint64_t hidden = sb_epoch_now(&epoch); /* an object is unlinked */
  assert_true(sb_epoch_advance(&epoch));
  assert_false(sb_epoch_advance(&epoch)); /* the early reader may be using it */
  unsigned late = sb_epoch_pin(&epoch);
  sb_epoch_unpin(&epoch, early);
  assert_true(sb_epoch_advance(&epoch));
  assert_true(sb_epoch_now(&epoch) >= hidden + 2); /* free, although the late reader is active */
  sb_epoch_unpin(&epoch, late);
}

/* ---- The best candidates */

static int downwards(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return x > y ? -1 : x < y;
}

static void the_best_candidates_come_out_in_order(void **state) {
  (void)state;
  enum { COUNT = 5000, KEEP = 70 };
  uint64_t seed = 12;
  static int32_t all[COUNT];
  sb_shortlist_row room[2 * KEEP + 512];
  sb_shortlist best = {.rows = room, .keep = KEEP, .min_estimate = INT32_MIN};
  assert_int_equal(sb_shortlist_capacity(KEEP), count_of(room));
  for (uint32_t i = 0; i < COUNT; i++) {
    all[i] = (int32_t)(next_random(&seed) % 1000) - 500; /* many are equal */
    sb_shortlist_add(&best, all[i], i);
  }
  sb_shortlist_cut(&best);
  assert_int_equal(best.count, KEEP);
  qsort(all, COUNT, sizeof *all, downwards);
  sb_shortlist_heapify(best.rows, best.count);
  for (size_t i = 0; i < KEEP; i++) assert_int_equal(sb_shortlist_pop(best.rows, &best.count).estimate, all[i]);
  assert_int_equal(best.count, 0);
}

/* ---- Axes */

static void jacobi_finds_eigenvalues_and_vectors(void **state) {
  (void)state;
  enum { N = 20 };
  uint64_t seed = 3;
  double matrix[N * N], copy[N * N], values[N], vectors[N * N];
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j <= i; j++) matrix[i * N + j] = matrix[j * N + i] = (double)random_float(&seed);
  memcpy(copy, matrix, sizeof copy);
  sb_jacobi(matrix, N, values, vectors);
  for (size_t i = 0; i < N; i++) {
    if (i) assert_true(values[i] <= values[i - 1]);
    for (size_t r = 0; r < N; r++) { /* A v = lambda v */
      double product = 0;
      for (size_t c = 0; c < N; c++) product += copy[r * N + c] * vectors[i * N + c];
      assert_float_equal(product, values[i] * vectors[i * N + r], 1e-9);
    }
  }
}

static void axes_are_orthonormal_and_carry_the_most(void **state) {
  (void)state;
  enum { ROWS = 3000, DIM = 100, WANTED = 32 };
  uint64_t seed = 5;
  float *sample = calloc(ROWS * DIM, sizeof *sample);
  sb_axes axes;
  for (size_t r = 0; r < ROWS; r++) random_face(&seed, DIM, 8, sample + r * DIM);
  assert_int_equal(sb_axes_find(sb_kernels_chosen(), sample, ROWS, DIM, WANTED, &axes, NULL), SB_OK);
  assert_int_equal(axes.count, WANTED);
  assert_float_equal(axes.energy, 1, 1e-5); /* unit vectors */
  double sum = 0;
  for (size_t i = 0; i < WANTED; i++) {
    for (size_t k = 0; k < WANTED; k++)
      assert_float_equal(sb_dot(axes.axes + i * DIM, axes.axes + k * DIM, DIM), i == k, 1e-5);
    if (i) assert_true(axes.eigenvalues[i] <= axes.eigenvalues[i - 1] + 1e-9);
    sum += axes.eigenvalues[i];
  }
  assert_float_equal(sum, 1 - exp(-WANTED / 8.0), 0.01); /* the first 32 of variances exp(-i / 8) */
  assert_float_equal(axes.eigenvalues[0], 1 - exp(-1 / 8.0), 0.02);
  sb_axes_free(&axes);
  free(sample);
}

/* ---- Bounds hold for every row and query */

typedef struct bound_width {
  size_t coded;
  double refine, residual; /* summed */
} bound_width;

/* A row's codes as the index stores them; `coded` is false if they cannot represent it. */
typedef struct coded_row {
  bool coded;
  double length2;
  _Alignas(64) uint8_t refinement[2 * SB_REFINEMENT_BYTES]; /* of two rows; this one is the second */
  _Alignas(64) uint8_t residual[SB_RESIDUAL_LONG];
} coded_row;

static coded_row code_row(const sb_quantizer *quantizer, const float *row) {
  float y[SB_AXES_MAX];
  sb_quantizer_codes code;
  coded_row out = {.length2 = (double)sb_dot(row, row, quantizer->dim)};
  sb_quantizer_project(quantizer, row, 1, y);
  out.coded = sb_quantizer_encode(quantizer, y, out.length2, &code);
  if (out.coded) {
    sb_quantizer_refinement_write(out.refinement, 1, code.refinement);
    memcpy(out.residual, code.residual, sizeof out.residual);
  }
  return out;
}

static void compare_with_bounds(const sb_quantizer *quantizer, const sb_quantizer_query *prepared, double score,
                                const coded_row *row, bound_width *width) {
  int32_t sum, residual_sum;
  if (!row->coded) return;
  quantizer->kernels->refine_at(row->refinement, &(uint32_t){1}, 1, &prepared->refine, &sum);
  double bound = prepared->refine_zero + sum * prepared->refine_unit;
  assert_true(score <= bound);
  width->refine += (bound - score) / sqrt(row->length2);
  width->coded++;
  if (!quantizer->residual_codes) return;
  quantizer->kernels->residual_at(row->residual, quantizer->residual_bytes, &(uint32_t){0}, 1, &prepared->residual,
                                  &residual_sum);
  bound = prepared->residual_zero +
          (sum - sb_quantizer_query_length_terms(prepared, row->refinement, 1)) * prepared->refine_unit +
          residual_sum * prepared->residual_unit;
  assert_true(score <= bound);
  width->residual += (bound - score) / sqrt(row->length2);
}

static void check_bounds(size_t dim, double tau, size_t residual_bytes, bound_width *width) {
  enum { ROWS = EMULATED ? 1000 : 4000, PROBES = 40, DIM_MAX = 256 };
  uint64_t seed = 15;
  float *sample = calloc(ROWS * dim, sizeof *sample), y[SB_AXES_MAX], query[DIM_MAX];
  sb_quantizer *quantizer = NULL;
  sb_quantizer_query *prepared = aligned_alloc(64, (sizeof *prepared + 63) / 64 * 64);
  coded_row *rows = aligned_alloc(64, ROWS * sizeof *rows);
  for (size_t r = 0; r < ROWS; r++) {
    random_face(&seed, dim, tau, sample + r * dim);
    for (size_t d = 0; d < dim; d++)
      sample[r * dim + d] = sample[r * dim + d] * (1 + (float)(r % 3)) + 0.05f; /* with a mean that is not zero */
  }
  const sb_quantizer_training training = {.kernels = sb_kernels_chosen(),
                                          .sample = sample,
                                          .count = ROWS,
                                          .dim = dim,
                                          .rows = ROWS,
                                          .subspaces_max = 32,
                                          .residual_bytes = residual_bytes};
  assert_int_equal(sb_quantizer_train(&training, &quantizer, NULL), SB_OK);
  assert_int_equal(quantizer->residual_bytes, residual_bytes);
  for (size_t r = 0; r < ROWS; r++) rows[r] = code_row(quantizer, sample + r * dim);
  for (size_t p = 0; p < PROBES; p++) {
    random_face(&seed, dim, p % 2 ? tau : 0, query); /* every second query has another spectrum than the rows */
    if (p % 4 == 3) memcpy(query, sample + p * dim, dim * sizeof *query);
    sb_quantizer_project(quantizer, query, 1, y);
    sb_quantizer_query_bounds(quantizer, query, y, prepared);
    for (size_t r = 0; r < ROWS; r++)
      compare_with_bounds(quantizer, prepared, (double)sb_dot(query, sample + r * dim, dim), &rows[r], width);
  }
  assert_true(width->coded > ROWS * PROBES * 9 / 10);
  sb_quantizer_free(quantizer);
  free(prepared);
  free(rows);
  free(sample);
}

static void no_score_is_above_its_bound(void **state) {
  (void)state;
  bound_width without = {0}, with_short = {0}, with_long = {0};
  check_bounds(96, 12, 0, &without);
  check_bounds(EMULATED ? 160 : 256, EMULATED ? 30 : 40, SB_RESIDUAL_SHORT, &with_short);
  check_bounds(256, 40, SB_RESIDUAL_LONG, &with_long);
  /* And they are narrow enough to be useful. */
  assert_true(without.refine / (double)without.coded < 0.4);
  assert_true(with_short.residual < 0.8 * with_short.refine);
  assert_true(with_long.residual < 0.6 * with_long.refine);
}

/* ---- Rows stored in halves */

static void an_upper_half_is_off_by_no_more_than_its_error(void **state) {
  (void)state;
  enum { DIM = 96 };
  const sb_stored_format format = {sb_kernels_chosen(), DIM, SB_PRECISION_F32};
  uint64_t seed = 16;
  float row[DIM], query[DIM], place[DIM], widest = 0;
  assert_int_equal(sb_stored_upper_bytes(&format), sb_stored_bytes(&format) / 2);
  for (int round = 0; round < 2000; round++) {
    float scale = exp2f((float)(round % 40 - 20));
    for (size_t i = 0; i < DIM; i++) row[i] = scale * random_float(&seed), query[i] = random_float(&seed);
    assert_int_equal(sb_stored_write(&format, row, place, NULL), SB_OK);
    if (round % 2) memcpy(query, row, sizeof row);
    double score = 0, length = sqrt((double)sb_dot(query, query, DIM)),
           row_length = sqrt((double)sb_dot(row, row, DIM));
    for (size_t i = 0; i < DIM; i++) score += (double)row[i] * (double)query[i];
    double off = fabs(score - (double)sb_stored_upper_dot(&format, query, place));
    double error = (double)sb_stored_upper_error(&format, place);
    assert_true(off <= length * error + 1e-5 * length * row_length);
    widest = fmaxf(widest, (float)(error / row_length));
  }
  assert_true(widest < 0.004f && widest > 0.0005f); /* seven bits of the fraction */
}

/* ---- Thread team */

typedef struct job {
  atomic_int left, done;
} job;
static void work(void *context, int worker) {
  job *j = context;
  (void)worker;
  while (atomic_fetch_sub(&j->left, 1) > 0) atomic_fetch_add(&j->done, 1);
}

static void *call_team(void *context) {
  for (int round = 0; round < 500; round++) {
    job j = {100, 0};
    sb_thread_team_run(context, work, &j);
    if (atomic_load(&j.done) != 100) return context;
  }
  return NULL;
}

static void a_team_does_every_piece_of_work_once_with_any_number_of_callers(void **state) {
  (void)state;
  sb_thread_team *team = NULL;
  pthread_t callers[3];
  assert_int_equal(sb_thread_team_new(65, &team, NULL), SB_MISUSE);
  assert_int_equal(sb_thread_team_new(3, &team, NULL), SB_OK);
  assert_int_equal(sb_thread_team_threads(team), 3);
  assert_int_equal(sb_thread_team_threads(NULL), 1);
  for (size_t i = 0; i < count_of(callers); i++)
    assert_int_equal(pthread_create(&callers[i], NULL, call_team, team), 0);
  for (size_t i = 0; i < count_of(callers); i++) {
    void *failed = NULL;
    pthread_join(callers[i], &failed);
    assert_null(failed);
  }
  sb_thread_team_free(team);
  sb_thread_team_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_slot_has_its_place_in_one_segment),
      cmocka_unit_test(keys_are_a_map_whatever_is_added_and_removed),
      cmocka_unit_test(an_epoch_waits_for_earlier_readers_and_not_for_later_ones),
      cmocka_unit_test(the_best_candidates_come_out_in_order),
      cmocka_unit_test(jacobi_finds_eigenvalues_and_vectors),
      cmocka_unit_test(axes_are_orthonormal_and_carry_the_most),
      cmocka_unit_test(an_upper_half_is_off_by_no_more_than_its_error),
      cmocka_unit_test(no_score_is_above_its_bound),
      cmocka_unit_test(a_team_does_every_piece_of_work_once_with_any_number_of_callers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
