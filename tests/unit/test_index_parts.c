/* The parts of the search index, each against the plainest of models. */
#include "vectors.h"

#include "vector/index/epoch.h"
#include "vector/index/key_index.h"
#include "vector/quantizer/axes.h"
#include "vector/quantizer/train.h"
#include "vector/search/best.h"
#include "vector/search/thread_team.h"

#include <pthread.h>

/* ---- Slots and segments */

static void every_slot_has_its_place_in_one_segment(void **state) {
  (void)state;
  uint32_t next = 0;
  for (unsigned segment = 0; segment < SB_SEGMENTS_MAX; segment++) {
    assert_int_equal(sb_segment_first(segment), next);
    assert_int_equal(sb_segment_of(next), segment);
    next += (uint32_t)sb_segment_rows(segment);
    assert_int_equal(sb_segment_of(next - 1), segment);
  }
  assert_int_equal(next, SB_SLOTS_MAX);
}

/* ---- Keys */

static void keys_are_a_map_whatever_is_added_and_removed(void **state) {
  (void)state;
  enum { KEYS = 3000, STEPS = 60000 };
  static sb_rows rows;
  static sb_key_index map;
  static uint32_t model[KEYS], asked_slots[KEYS];
  static uint64_t asked[KEYS];
  uint64_t seed = 7;
  uint32_t next = 0;
  rows.row_bytes = 4;
  map.rows = &rows;
  for (unsigned segment = 0; segment < 4; segment++) assert_int_equal(sb_rows_prepare(&rows, segment, NULL), SB_OK);
  for (int i = 0; i < KEYS; i++) model[i] = SB_NO_SLOT;
  for (int step = 0; step < STEPS; step++) {
    uint64_t key = next_random(&seed) % KEYS;
    if (next_random(&seed) % 3) { /* the row of a slot says which key it has */
      sb_row_place row = sb_row_at(&rows, next);
      atomic_store(&row.segment->keys[row.at], key);
      assert_int_equal(sb_key_index_reserve(&map, key, 2, NULL), SB_OK);
      sb_key_index_set(&map, key, next);
      model[key] = next++;
    } else if (model[key] != SB_NO_SLOT) {
      sb_key_index_remove(&map, key);
      model[key] = SB_NO_SLOT;
    }
    key = next_random(&seed) % KEYS;
    assert_int_equal(sb_key_index_find(&map, key), model[key]);
  }
  size_t wanted = 0;
  for (uint64_t key = 0; key < KEYS; key++) asked[key] = key;
  size_t found = sb_key_index_find_many(&map, asked, KEYS, asked_slots);
  for (uint64_t key = 0; key < KEYS; key++)
    if (model[key] != SB_NO_SLOT) assert_int_equal(asked_slots[wanted++], model[key]);
  assert_int_equal(found, wanted);
  sb_key_index_free(&map);
  sb_rows_free(&rows);
}

/* ---- Epochs */

static void an_epoch_waits_for_who_looked_before_and_not_for_who_came_after(void **state) {
  (void)state;
  static sb_epoch epoch;
  atomic_store(&epoch.now, 2);
  unsigned early = sb_epoch_pin(&epoch);
  uint64_t hidden = sb_epoch_now(&epoch); /* a thing is taken out of sight */
  assert_true(sb_epoch_advance(&epoch));
  assert_false(sb_epoch_advance(&epoch)); /* the early reader may hold it */
  unsigned late = sb_epoch_pin(&epoch);
  sb_epoch_unpin(&epoch, early);
  assert_true(sb_epoch_advance(&epoch));
  assert_true(sb_epoch_now(&epoch) >= hidden + 2); /* free, although the late reader is there */
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
  sb_candidate_row room[2 * KEEP + 512];
  sb_best best = {.items = room, .keep = KEEP, .bar = INT32_MIN};
  assert_int_equal(sb_best_room(KEEP), count_of(room));
  for (uint32_t i = 0; i < COUNT; i++) {
    all[i] = (int32_t)(next_random(&seed) % 1000) - 500; /* many are equal */
    sb_best_add(&best, all[i], i);
  }
  sb_best_cut(&best);
  assert_int_equal(best.count, KEEP);
  qsort(all, COUNT, sizeof *all, downwards);
  sb_heap_make(best.items, best.count);
  for (size_t i = 0; i < KEEP; i++) assert_int_equal(sb_heap_take(best.items, &best.count).estimate, all[i]);
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
  assert_float_equal(sum, 1 - exp(-WANTED / 8.0), 0.01); /* of variances exp(-i / 8) the first 32 */
  assert_float_equal(axes.eigenvalues[0], 1 - exp(-1 / 8.0), 0.02);
  sb_axes_free(&axes);
  free(sample);
}

/* ---- The model's bounds hold for every row and query, whatever they are */

typedef struct bound_width {
  size_t coded;
  double line, fine; /* summed */
} bound_width;

/* A row as the index keeps it; `coded` is false where it does not fit. */
typedef struct coded_row {
  bool coded;
  double length2;
  _Alignas(64) uint8_t lines[2 * SB_LINE_BYTES], fine[SB_LINE_BYTES]; /* lines: the second is this one's */
} coded_row;

static coded_row code_row(const sb_model *model, const float *row) {
  float y[SB_AXES_MAX];
  sb_row_code code;
  coded_row out = {.length2 = (double)sb_dot(row, row, model->dim)};
  sb_model_project(model, row, 1, y);
  out.coded = sb_model_encode(model, y, out.length2, &code);
  if (out.coded) {
    sb_line_write(out.lines, 1, code.line);
    memcpy(out.fine, code.fine, sizeof out.fine);
  }
  return out;
}

static void compare_with_bounds(const sb_model *model, const sb_probe *probe, double score, const coded_row *row,
                                bound_width *width) {
  int32_t sum, fine_sum;
  if (!row->coded) return;
  model->kernels->lines_at(row->lines, &(uint32_t){1}, 1, &probe->line, &sum);
  double bound = probe->line_zero + sum * probe->line_unit;
  assert_true(score <= bound);
  width->line += (bound - score) / sqrt(row->length2);
  width->coded++;
  if (!model->fine_codes) return;
  model->kernels->fine_at(row->fine, model->fine_bytes, &(uint32_t){0}, 1, &probe->fine, &fine_sum);
  bound = probe->fine_zero + (sum - sb_probe_lengths(probe, row->lines, 1)) * probe->line_unit +
          fine_sum * probe->fine_unit;
  assert_true(score <= bound);
  width->fine += (bound - score) / sqrt(row->length2);
}

static void check_bounds(size_t dim, double tau, size_t fine_bytes, bound_width *width) {
  enum { ROWS = EMULATED ? 1000 : 4000, PROBES = 40, DIM_MAX = 256 };
  uint64_t seed = 15;
  float *sample = calloc(ROWS * dim, sizeof *sample), y[SB_AXES_MAX], query[DIM_MAX];
  sb_model *model = NULL;
  sb_probe *probe = aligned_alloc(64, (sizeof *probe + 63) / 64 * 64);
  coded_row *rows = aligned_alloc(64, ROWS * sizeof *rows);
  for (size_t r = 0; r < ROWS; r++) {
    random_face(&seed, dim, tau, sample + r * dim);
    for (size_t d = 0; d < dim; d++)
      sample[r * dim + d] = sample[r * dim + d] * (1 + (float)(r % 3)) + 0.05f; /* a mean, too */
  }
  assert_int_equal(sb_model_learn(sb_kernels_chosen(), sample, ROWS, dim, ROWS, 32, fine_bytes, &model, NULL), SB_OK);
  assert_int_equal(model->fine_bytes, fine_bytes);
  for (size_t r = 0; r < ROWS; r++) rows[r] = code_row(model, sample + r * dim);
  for (size_t p = 0; p < PROBES; p++) {
    random_face(&seed, dim, p % 2 ? tau : 0, query); /* every second one is of another kind */
    if (p % 4 == 3) memcpy(query, sample + p * dim, dim * sizeof *query);
    sb_model_project(model, query, 1, y);
    sb_probe_bounds(model, query, y, probe);
    for (size_t r = 0; r < ROWS; r++)
      compare_with_bounds(model, probe, (double)sb_dot(query, sample + r * dim, dim), &rows[r], width);
  }
  assert_true(width->coded > ROWS * PROBES * 9 / 10);
  sb_model_free(model);
  free(probe);
  free(rows);
  free(sample);
}

static void no_score_is_above_its_bound(void **state) {
  (void)state;
  bound_width without = {0}, with_short = {0}, with_long = {0};
  check_bounds(96, 12, 0, &without);
  check_bounds(EMULATED ? 160 : 256, EMULATED ? 30 : 40, SB_FINE_BYTES, &with_short);
  check_bounds(256, 40, SB_LINE_BYTES, &with_long);
  /* And they say something. */
  assert_true(without.line / (double)without.coded < 0.4);
  assert_true(with_short.fine < 0.8 * with_short.line);
  assert_true(with_long.fine < 0.6 * with_long.line);
}

/* ---- Rows in halves */

static void an_upper_half_is_off_by_no_more_than_its_error(void **state) {
  (void)state;
  enum { DIM = 96 };
  const sb_kept kept = {sb_kernels_chosen(), DIM, SB_KEEP_F32};
  uint64_t seed = 16;
  float row[DIM], query[DIM], place[DIM], widest = 0;
  assert_int_equal(sb_kept_upper_bytes(&kept), sb_kept_bytes(&kept) / 2);
  for (int round = 0; round < 2000; round++) {
    float scale = exp2f((float)(round % 40 - 20));
    for (size_t i = 0; i < DIM; i++) row[i] = scale * random_float(&seed), query[i] = random_float(&seed);
    assert_int_equal(sb_kept_write(&kept, row, place, NULL), SB_OK);
    if (round % 2) memcpy(query, row, sizeof row);
    double score = 0, length = sqrt((double)sb_dot(query, query, DIM)),
           row_length = sqrt((double)sb_dot(row, row, DIM));
    for (size_t i = 0; i < DIM; i++) score += (double)row[i] * (double)query[i];
    double off = fabs(score - (double)sb_kept_upper_dot(&kept, query, place));
    double error = (double)sb_kept_upper_error(&kept, place);
    assert_true(off <= length * error + 1e-5 * length * row_length);
    widest = fmaxf(widest, (float)(error / row_length));
  }
  assert_true(widest < 0.004f && widest > 0.0005f); /* seven bits of the fraction */
}

/* ---- Helpers */

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

static void a_team_does_every_piece_once_whoever_calls(void **state) {
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
      cmocka_unit_test(an_epoch_waits_for_who_looked_before_and_not_for_who_came_after),
      cmocka_unit_test(the_best_candidates_come_out_in_order),
      cmocka_unit_test(jacobi_finds_eigenvalues_and_vectors),
      cmocka_unit_test(axes_are_orthonormal_and_carry_the_most),
      cmocka_unit_test(an_upper_half_is_off_by_no_more_than_its_error),
      cmocka_unit_test(no_score_is_above_its_bound),
      cmocka_unit_test(a_team_does_every_piece_once_whoever_calls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
