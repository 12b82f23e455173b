/* The vector index as a library that Python loads; see index.h. */
#include "index.h"

#include "vector/search/thread_team.h"
#include "vector/vector.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct bench_index {
  sb_thread_team *team; /* NULL: one thread */
  sb_index *index;
  /* A thread that keeps the team busy while searches are to run alone; `lock` protects the two flags. */
  pthread_t holder;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool held, hold;
};

static _Thread_local sb_error last;

EXPORT const char *bench_error(void) {
  return last.message;
}

EXPORT bench_index *bench_index_new(size_t dim, int bits, int threads, const float *query_tail, size_t tail_count) {
  bench_index *bench = sb_alloc(1, sizeof *bench, &last);
  if (!bench) return NULL;
  pthread_mutex_init(&bench->lock, NULL);
  pthread_cond_init(&bench->changed, NULL);
  sb_index_options options = {.struct_size = sizeof options, .dim = dim, .metric = SB_METRIC_INNER};
  options.query_tail = query_tail;
  options.query_tail_count = tail_count;
  options.precision = bits == 8 ? SB_PRECISION_I8 : bits == 32 ? SB_PRECISION_F32 : SB_PRECISION_F16;
  if (threads > 1 && sb_thread_team_new(threads, &bench->team, &last)) goto fail;
  options.thread_team = bench->team;
  if (sb_index_new(&options, &bench->index, &last)) goto fail;
  return bench;
fail:
  bench_index_free(bench);
  return NULL;
}

EXPORT void bench_index_free(bench_index *bench) {
  if (!bench) return;
  bench_index_alone(bench, 0);
  sb_index_free(bench->index);
  sb_thread_team_free(bench->team);
  pthread_cond_destroy(&bench->changed);
  pthread_mutex_destroy(&bench->lock);
  free(bench);
}

static void set_held(bench_index *bench, bool held) {
  pthread_mutex_lock(&bench->lock);
  bench->held = held;
  pthread_cond_broadcast(&bench->changed);
  pthread_mutex_unlock(&bench->lock);
}

static void hold_work(void *context, int worker) {
  bench_index *bench = context;
  if (worker != 0) return;
  set_held(bench, true);
  pthread_mutex_lock(&bench->lock);
  while (bench->hold) pthread_cond_wait(&bench->changed, &bench->lock);
  pthread_mutex_unlock(&bench->lock);
}

static void *hold_team(void *context) {
  bench_index *bench = context;
  sb_thread_team_run(bench->team, hold_work, bench);
  set_held(bench, false);
  return NULL;
}

EXPORT int bench_index_alone(bench_index *bench, int alone) {
  if (!bench->team || bench->hold == (alone != 0)) return 0;
  pthread_mutex_lock(&bench->lock);
  bench->hold = alone != 0;
  pthread_cond_broadcast(&bench->changed);
  pthread_mutex_unlock(&bench->lock);
  if (!alone) return pthread_join(bench->holder, NULL) ? -1 : 0;
  if (pthread_create(&bench->holder, NULL, hold_team, bench)) {
    bench->hold = false;
    sb_fail(&last, SB_NO_MEMORY, "cannot start a thread");
    return -1;
  }
  pthread_mutex_lock(&bench->lock);
  while (!bench->held) pthread_cond_wait(&bench->changed, &bench->lock);
  pthread_mutex_unlock(&bench->lock);
  return 0;
}

EXPORT int bench_index_load(bench_index *bench, size_t count, uint64_t first_key, const float *vectors) {
  uint64_t *keys = sb_alloc(count, sizeof *keys, &last);
  if (!keys) return -1;
  for (size_t i = 0; i < count; i++) keys[i] = first_key + i;
  sb_status status = sb_index_put_many(bench->index, count, keys, keys, vectors, NULL, &last);
  free(keys);
  return status ? -1 : 0;
}

EXPORT void bench_index_settle(bench_index *bench) {
  sb_index_settle(bench->index);
}

EXPORT int bench_index_put_timed(bench_index *bench, size_t count, uint64_t first_key, const float *vectors,
                                 const bench_index_query *before, double *us) {
  size_t dim = sb_index_dim(bench->index);
  uint64_t keys[SB_BATCH_MAX];
  float scores[SB_BATCH_MAX];
  for (size_t i = 0; i < count; i++) {
    double start = sb_monotonic_ms();
    if (before) {
      bench_index_query query = *before;
      query.vectors += i * dim;
      query.count = 1;
      if (query.k > SB_BATCH_MAX || bench_index_search(bench, &query, keys, scores)) return -1;
    }
    if (sb_index_put(bench->index, first_key + i, first_key + i, vectors + i * dim, &last)) return -1;
    us[i] = 1000 * (sb_monotonic_ms() - start);
  }
  return 0;
}

EXPORT int bench_index_remove_timed(bench_index *bench, size_t count, uint64_t first_key, double *us) {
  for (size_t i = 0; i < count; i++) {
    double start = sb_monotonic_ms();
    if (!sb_index_remove(bench->index, first_key + i)) {
      sb_fail(&last, SB_INVALID, "row %llu is not in the index", (unsigned long long)(first_key + i));
      return -1;
    }
    us[i] = 1000 * (sb_monotonic_ms() - start);
  }
  return 0;
}

EXPORT int bench_index_search(bench_index *bench, const bench_index_query *batch, uint64_t *keys, float *scores) {
  const size_t count = batch->count, k = batch->k;
  sb_filter filter = {.kind = SB_FILTER_BITMAP, .count = batch->bit_count, .bits = batch->bits};
  sb_index_query query = {.struct_size = sizeof query, .vectors = batch->vectors, .count = count, .k = k};
  query.mode = batch->exact ? SB_SEARCH_EXACT : SB_SEARCH_FAST;
  query.by_label = batch->by_label != 0;
  query.certain = batch->certain;
  query.has_floor = batch->floor > -2;
  query.floor = batch->floor;
  query.filter = batch->bits ? &filter : NULL;
  sb_hit stack[SB_BATCH_MAX]; /* for the usual k of 10, so that nothing is allocated while measuring */
  sb_hit *hits = count * k <= SB_BATCH_MAX ? stack : sb_alloc(count * k, sizeof *hits, &last);
  size_t found[SB_BATCH_MAX];
  if (!hits) return -1;
  sb_status status = sb_index_search(bench->index, &query, hits, found, &last);
  for (size_t q = 0; !status && q < count; q++) {
    for (size_t i = 0; i < k; i++) {
      keys[q * k + i] = i < found[q] ? hits[q * k + i].key : UINT64_MAX;
      scores[q * k + i] = i < found[q] ? hits[q * k + i].score : -2;
    }
  }
  if (hits != stack) free(hits);
  return status ? -1 : 0;
}

EXPORT void bench_index_stats(bench_index *bench, double out[16]) {
  sb_index_stats s;
  sb_index_stats_get(bench->index, &s);
  const double values[16] = {(double)s.rows,
                             (double)s.bytes,
                             (double)s.training_runs,
                             (double)s.trained_rows,
                             s.train_seconds,
                             (double)s.uncoded_rows,
                             s.participation,
                             (double)s.code_bytes,
                             (double)s.code_dims,
                             (double)s.refine_dims,
                             (double)s.survivors,
                             (double)s.reranked,
                             s.recall,
                             (double)s.training,
                             sb_thread_team_threads(bench->team),
                             0};
  memcpy(out, values, sizeof values);
}
