/* The public functions of the index, declared in vector.h: they check arguments and combine rows (index/), searches
 * (search/) and training (trainer.c). */
#include "vector/vector.h"

#include "vector/index/index.h"
#include "vector/search/search.h"
#include "vector/trainer.h"

#include <string.h>
#include <time.h>

/* ---- Life */

sb_status sb_index_new(const sb_index_options *options, sb_index **out, sb_error *error) {
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (options->dim < 1 || options->dim > SB_DIM_MAX)
    return sb_fail(error, SB_MISUSE, "an index has 1 to %d dimensions", SB_DIM_MAX);
  if (options->query_tail_count > SB_QUERY_TAIL_MAX || options->query_tail_count >= options->dim)
    return sb_fail(error, SB_MISUSE, "query_tail has at most %d values, and fewer than dimensions", SB_QUERY_TAIL_MAX);
  sb_status status = sb_index_create(options, out, error);
  if (status == SB_OK) sb_trainer_init(*out);
  return status;
}

void sb_index_free(sb_index *index) {
  if (!index) return;
  sb_trainer_stop(index);
  sb_index_destroy(index);
}

/* ---- Changes */

/* Adds or replaces one row; the last one of a call may start training. */
static sb_status put_one(sb_index *index, uint64_t key, uint64_t label, const float *values, bool last,
                         sb_error *error) {
  float vector[SB_DIM_MAX], row[SB_DIM_MAX + 1];
  sb_status status = sb_index_check_vector(index, values, "the vector", vector, error);
  if (status != SB_OK) return status;
  memset(row, 0, index->rows.row_bytes); /* including padding */
  status = sb_stored_write(&index->stored, vector, row, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&index->lock);
  status = sb_index_put_row(index, key, label, row, error);
  if (atomic_load(&index->limbo_waits)) sb_index_reclaim(index, SB_RECLAIM_BATCH);
  if (last) sb_trainer_notify(index);
  pthread_mutex_unlock(&index->lock);
  return status;
}

sb_status sb_index_put_many(sb_index *index, size_t count, const uint64_t *keys, const uint64_t *labels,
                            const float *vectors, size_t *done, sb_error *error) {
  sb_status status = SB_OK;
  size_t i = 0;
  for (; i < count; i++) {
    status = put_one(index, keys[i], labels[i], vectors + i * index->stored.dim, i + 1 == count, error);
    if (status != SB_OK) break;
  }
  if (done) *done = i;
  return status;
}

sb_status sb_index_put(sb_index *index, uint64_t key, uint64_t label, const float *vector, sb_error *error) {
  return sb_index_put_many(index, 1, &key, &label, vector, NULL, error);
}

bool sb_index_remove(sb_index *index, uint64_t key) {
  pthread_mutex_lock(&index->lock);
  bool removed = sb_index_remove_row(index, key);
  pthread_mutex_unlock(&index->lock);
  return removed;
}

void sb_index_pause_training(sb_index *index, bool pause) {
  sb_trainer_pause(index, pause);
}

void sb_index_settle(sb_index *index) {
  sb_trainer_wait(index);
  pthread_mutex_lock(&index->lock);
  sb_index_reclaim(index, SIZE_MAX);
  while (atomic_load(&index->limbo_waits)) { /* earlier searches are still running: milliseconds at most */
    pthread_mutex_unlock(&index->lock);
    nanosleep(&(struct timespec){0, 100000}, NULL);
    pthread_mutex_lock(&index->lock);
    sb_index_reclaim(index, SIZE_MAX);
  }
  pthread_mutex_unlock(&index->lock);
}

/* ---- Search */

sb_status sb_index_search(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found, sb_error *error) {
  if (query->struct_size != sizeof *query) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (query->count < 1 || query->count > SB_BATCH_MAX)
    return sb_fail(error, SB_MISUSE, "a search takes 1 to %d queries", SB_BATCH_MAX);
  if (query->k > SB_INDEX_K_MAX) return sb_fail(error, SB_MISUSE, "a search returns at most %d hits", SB_INDEX_K_MAX);
  return sb_query_batch_run(index, query, hits, found, error);
}

/* ---- Statistics */

static void add_generation(const sb_generation *generation, size_t rows, size_t end, sb_index_stats *out) {
  const sb_quantizer *quantizer = generation->quantizer;
  out->bytes += sb_generation_bytes(generation, end);
  out->trained_rows = generation->trained_rows;
  out->train_seconds = generation->train_seconds;
  out->uncoded_rows = atomic_load(&generation->uncoded_count);
  out->participation = quantizer->participation;
  out->code_bytes = quantizer->subspaces * 3 / 4;
  out->code_dims = quantizer->code_axes;
  out->refine_dims = quantizer->refine_axes;
  out->survivors = sb_quantizer_survivors(quantizer, rows, 10);
  out->reranked = sb_quantizer_reranked(quantizer, rows, 10);
  out->recall = generation->recall;
}

void sb_index_stats_get(sb_index *index, sb_index_stats *out) {
  pthread_mutex_lock(&index->lock);
  const sb_trainer *trainer = &index->trainer;
  const sb_generation *current = atomic_load(&index->current);
  size_t rows = atomic_load(&index->count), end = atomic_load(&index->rows.end);
  *out = (sb_index_stats){.rows = rows,
                          .dim = index->stored.dim,
                          .bytes = sb_rows_bytes(&index->rows) + index->keys.bytes,
                          .training_runs = trainer->runs,
                          .uncoded_rows = rows,
                          .recall = 1};
  if (index->next) out->bytes += sb_generation_bytes(index->next, end);
  if (current) add_generation(current, rows, end, out);
  if (trainer->busy || trainer->due)
    out->training = SB_TRAINING_RUNNING;
  else
    out->training = current ? SB_TRAINING_DONE : SB_TRAINING_NONE;
  pthread_mutex_unlock(&index->lock);
}
