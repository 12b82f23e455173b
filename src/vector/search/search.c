/* Running a search: checks the queries, searches them in batches under a pinned epoch, and closes the gap that
 * concurrent replacements leave. */
#include "vector/search/search.h"

#include "vector/search/query_batch.h"

#include <stdlib.h>

enum { TRIES = 3 };

/* Whether there may be more hits than were found: the fast stages' candidates, one label's many rows, or a filter may
 * have used up the shortlist. */
static bool is_short(const sb_query_batch *batch, const sb_query_state *state, size_t rows) {
  return !batch->query->has_floor && state->top.count < batch->query->k && state->top.count < rows;
}

/* Searches coded rows by their codes; then scans uncoded rows and, in exact mode or where hits are missing, every coded
 * row that its bounds do not rule out. */
static sb_status run_strategies(sb_query_batch *batch, sb_error *error) {
  sb_index *index = batch->index;
  batch->generation = atomic_load(&index->current);
  size_t rows = atomic_load(&index->count), coded = 0, uncoded = rows;
  batch->units = sb_rows_unit_count(&index->rows);
  if (batch->filter.is_list) return sb_query_batch_id_list(batch, error);
  if (batch->generation) {
    coded = atomic_load(&batch->generation->coded_count);
    uncoded = atomic_load(&batch->generation->uncoded_count);
  }
  if (coded) {
    sb_status status = sb_query_batch_fast(batch, error);
    if (status != SB_OK) return status;
  }
  bool bounds = coded && batch->query->mode == SB_SEARCH_EXACT;
  for (size_t i = 0; coded && i < batch->count; i++) bounds |= is_short(batch, &batch->states[i], rows);
  return bounds || uncoded ? sb_query_batch_scan(batch, bounds, error) : SB_OK;
}

/* Scores the rows that replaced others since `before` (index.h, invariant 3). False: the log
 * no longer holds them all. */
static bool add_replacements(sb_query_batch *batch, uint64_t before) {
  sb_index *index = batch->index;
  uint64_t now = atomic_load(&index->replacements);
  for (uint64_t i = before; i < now && now - before < SB_REPLACEMENT_LOG; i++) {
    uint32_t slot = atomic_load(&index->replacement_log[i % SB_REPLACEMENT_LOG]);
    if (atomic_load(&index->replacements) - before >= SB_REPLACEMENT_LOG) return false; /* it may be overwritten */
    for (size_t q = 0; q < batch->count && sb_rows_live(&index->rows, slot); q++)
      sb_query_batch_score(batch, &batch->states[q], &batch->states[q].top, slot);
  }
  return now - before < SB_REPLACEMENT_LOG;
}

/* One attempt under one pin. *complete: no replacement was missed. */
static sb_status attempt(sb_query_batch *batch, bool *complete, sb_error *error) {
  sb_index *index = batch->index;
  uint64_t before = atomic_load(&index->replacements);
  for (size_t i = 0; i < batch->count; i++) batch->states[i].top.count = 0;
  sb_status status = sb_query_filter_prepare(index, batch->query->filter, &batch->filter, error);
  if (status != SB_OK) goto done;
  status = run_strategies(batch, error);
  if (status != SB_OK) goto done;
  *complete = add_replacements(batch, before);
done:
  sb_query_filter_free(&batch->filter);
  return status;
}

/* Repeats the search when too many rows were replaced during it; after three attempts, with writers locked out. */
static sb_status search_batch(sb_query_batch *batch, sb_error *error) {
  sb_index *index = batch->index;
  sb_status status = SB_OK;
  bool complete = false;
  for (int tries = 0; status == SB_OK && !complete; tries++) {
    if (tries == TRIES) pthread_mutex_lock(&index->lock);
    unsigned pin = sb_epoch_pin(&index->epoch);
    status = attempt(batch, &complete, error);
    if (tries == TRIES) pthread_mutex_unlock(&index->lock);
    sb_index_unpin(index, pin);
  }
  return status;
}

/* Searches all queries, `vectors` being checked, in batches. */
static sb_status search_all(sb_query_batch *batch, const float *vectors, sb_hit *hits, size_t *found, sb_error *error) {
  const sb_index_query *query = batch->query;
  size_t dim = batch->index->stored.dim;
  for (size_t first = 0; first < query->count; first += batch->count) {
    batch->count = query->count - first < SB_QUERY_BATCH ? query->count - first : SB_QUERY_BATCH;
    for (size_t i = 0; i < batch->count; i++)
      batch->states[i] =
          (sb_query_state){.vector = vectors + (first + i) * dim, .top = {hits + (first + i) * query->k, query->k, 0}};
    if (query->k) {
      sb_status status = search_batch(batch, error);
      if (status != SB_OK) return status;
    }
    for (size_t i = 0; i < batch->count; i++) found[first + i] = batch->states[i].top.count;
  }
  return SB_OK;
}

static sb_status check_vectors(const sb_index *index, const sb_index_query *query, float *out, sb_error *error) {
  size_t dim = index->stored.dim;
  for (size_t i = 0; i < query->count; i++) {
    sb_status status = sb_index_check_vector(index, query->vectors + i * dim, "the query", out + i * dim, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_query_batch_run(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found,
                             sb_error *error) {
  size_t dim = index->stored.dim;
  float one[SB_DIM_MAX], *vectors = one;
  sb_query_state states[SB_QUERY_BATCH];
  sb_query_batch batch = {.index = index, .query = query, .states = states};
  if (query->count > 1 && !(vectors = sb_alloc(query->count * dim, sizeof *vectors, error))) return SB_NO_MEMORY;
  sb_status status = check_vectors(index, query, vectors, error);
  if (status != SB_OK) goto done;
  status = search_all(&batch, vectors, hits, found, error);
  sb_scratch_give(&index->scratch, batch.scratch);
done:
  if (vectors != one) free(vectors);
  return status;
}
