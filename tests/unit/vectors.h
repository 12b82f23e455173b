/* Random vectors for the tests of the index, and a brute-force search to compare it with. */
#ifndef SB_TESTS_VECTORS_H
#define SB_TESTS_VECTORS_H

#include "unit.h"

#include "vector/vector.h"

#include <math.h>

/* Under emulation (tests/arm), which takes a hundred times as long, tests use fewer rows. Training needs at least 320.
 * */
#ifdef SB_EMULATED
enum { EMULATED = 1 };
#else
enum { EMULATED = 0 };
#endif

/* Roughly normal: the sum of four uniform numbers. */
static inline float random_normal(uint64_t *state) {
  float sum = 0;
  for (int i = 0; i < 4; i++) sum += random_float(state);
  return sum * 0.866f;
}

/* Unit vectors whose variances fall as exp(-i / tau); tau 0: all equal. */
static inline void random_face(uint64_t *state, size_t dim, double tau, float *out) {
  for (size_t i = 0; i < dim; i++) out[i] = random_normal(state) * (tau > 0 ? (float)exp(-(double)i / tau / 2) : 1.0f);
  sb_normalize(out, dim);
}

static inline sb_index *index_of(size_t dim, sb_metric metric, sb_precision precision, size_t train_from,
                                 sb_thread_team *team) {
  sb_index *index = NULL;
  const sb_index_options options = {.struct_size = sizeof options,
                                    .dim = dim,
                                    .metric = metric,
                                    .precision = precision,
                                    .thread_team = team,
                                    .train_from = train_from};
  assert_int_equal(sb_index_new(&options, &index, NULL), SB_OK);
  return index;
}

static inline size_t search_one(sb_index *index, const float *vector, size_t k, sb_search_mode mode, bool by_label,
                                sb_hit *hits) {
  size_t found = 0;
  const sb_index_query query = {
      .struct_size = sizeof query, .vectors = vector, .count = 1, .k = k, .mode = mode, .by_label = by_label};
  assert_int_equal(sb_index_search(index, &query, hits, &found, NULL), SB_OK);
  return found;
}

/* ---- Brute force: an array of float32 rows */

typedef struct array_row {
  bool present;
  uint64_t label;
  float *vector;
} array_row;

static inline int better_first(const void *a, const void *b) {
  const sb_hit *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return x->key < y->key ? -1 : x->key > y->key;
}

/* Sorts all allowed rows and takes the first k, or with by_label the first of each label. Keys are the rows' numbers.
 * */
static inline size_t brute_force(const array_row *rows, size_t count, size_t dim, const float *vector, size_t k,
                                 bool by_label, bool (*allowed)(uint64_t key), sb_hit *hits) {
  sb_hit *all = calloc(count ? count : 1, sizeof *all);
  size_t used = 0, found = 0;
  assert_non_null(all);
  for (size_t i = 0; i < count; i++)
    if (rows[i].present && (!allowed || allowed(i)))
      all[used++] = (sb_hit){i, rows[i].label, sb_dot(vector, rows[i].vector, dim)};
  qsort(all, used, sizeof *all, better_first);
  for (size_t i = 0; i < used && found < k; i++) {
    bool seen = false;
    for (size_t h = 0; by_label && h < found; h++) seen |= hits[h].label == all[i].label;
    if (!seen) hits[found++] = all[i];
  }
  free(all);
  return found;
}

static inline void assert_same_hits(const sb_hit *got, size_t got_count, const sb_hit *wanted, size_t wanted_count) {
  assert_int_equal(got_count, wanted_count);
  for (size_t i = 0; i < wanted_count; i++) {
    assert_int_equal(got[i].key, wanted[i].key);
    assert_int_equal(got[i].label, wanted[i].label);
    assert_true(got[i].score == wanted[i].score);
  }
}

#endif
