/* The public search: admits queries, chooses the way, and closes the gap that replacements leave. */
#include "vector/search/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3 };

/* ---- Scratch memory, kept between searches */

static sb_scratch *take_scratch(sb_index *index, size_t bytes) {
  for (int i = 0; i < SB_SPARES; i++) {
    sb_scratch *spare = atomic_exchange(&index->spares[i], NULL);
    if (spare && spare->bytes >= bytes) return spare;
    free(spare); /* it has grown too small */
  }
  sb_scratch *scratch = aligned_alloc(64, sizeof *scratch + (bytes + 63) / 64 * 64);
  if (scratch) scratch->bytes = bytes;
  return scratch;
}

static void give_scratch(sb_index *index, sb_scratch *scratch) {
  for (int i = 0; scratch && i < SB_SPARES; i++) {
    sb_scratch *none = NULL;
    if (atomic_compare_exchange_strong(&index->spares[i], &none, scratch)) return;
  }
  free(scratch);
}

uint8_t *sb_search_room(sb_search *search, size_t bytes, sb_error *error) {
  if (!search->scratch || search->scratch->bytes < bytes) {
    give_scratch(search->index, search->scratch);
    search->scratch = take_scratch(search->index, bytes);
  }
  if (search->scratch) return search->scratch->memory;
  sb_fail(error, SB_NO_MEMORY, "out of memory");
  return NULL;
}

/* ---- Hits */

float sb_search_bar(const sb_search *search, const sb_topk *top) {
  float bar = top->count == top->capacity ? top->hits[top->count - 1].score : -INFINITY;
  return search->query->has_floor ? fmaxf(bar, search->query->floor) : bar;
}

void sb_search_score(const sb_search *search, const sb_ask *ask, sb_topk *top, uint32_t slot) {
  const sb_rows *rows = &search->index->rows;
  float score = sb_kept_dot(&search->index->kept, ask->vector, sb_row_kept(rows, slot));
  if (score < sb_search_bar(search, top)) return;
  if (!sb_filter_allows(&search->filter, rows, slot)) return;
  sb_topk_add(top, (sb_hit){sb_row_key(rows, slot), sb_row_label(rows, slot), score}, search->query->by_label);
}

/* ---- One group */

/* Fewer hits than could be: the first stages' share of survivors, one label's many rows, or a filter may have hidden some. */
static bool is_short(const sb_search *search, const sb_ask *ask, size_t rows) {
  return !search->query->has_floor && ask->top.count < search->query->k && ask->top.count < rows;
}

static sb_status search_group(sb_search *search, sb_error *error) {
  sb_index *index = search->index;
  search->generation = atomic_load(&index->current);
  size_t rows = atomic_load(&index->count), coded = 0, plain = rows;
  search->units = sb_rows_units(&index->rows);
  if (search->filter.listed) return sb_search_listed(search, error);
  if (search->generation) {
    coded = atomic_load(&search->generation->coded_count);
    plain = atomic_load(&search->generation->plain);
  }
  sb_status status = coded ? sb_search_coded(search, error) : SB_OK;
  bool bounds = coded && search->query->mode == SB_SEARCH_EXACT;
  for (size_t i = 0; coded && i < search->count; i++) bounds |= is_short(search, &search->asks[i], rows);
  if (status == SB_OK && (bounds || plain)) status = sb_search_rows(search, bounds, error);
  return status;
}

/* Scores what was put in the place of something else since `before`; false: too much to know. */
static bool add_replaced(sb_search *search, uint64_t before) {
  sb_index *index = search->index;
  uint64_t now = atomic_load(&index->replaced);
  for (uint64_t i = before; i < now && now - before < SB_REPLACED_KEPT; i++) {
    uint32_t slot = atomic_load(&index->replaced_slots[i % SB_REPLACED_KEPT]);
    if (atomic_load(&index->replaced) - before >= SB_REPLACED_KEPT) return false; /* it may have been noted over */
    for (size_t q = 0; q < search->count && sb_row_live(&index->rows, slot); q++)
      sb_search_score(search, &search->asks[q], &search->asks[q].top, slot);
  }
  return now - before < SB_REPLACED_KEPT;
}

/* The group's search under one pin; again when too many rows were replaced meanwhile, at last with writers held off. */
static sb_status search_pinned(sb_search *search, sb_error *error) {
  sb_index *index = search->index;
  sb_status status = SB_OK;
  bool complete = false;
  for (int attempt = 0; status == SB_OK && !complete; attempt++) {
    if (attempt == TRIES) pthread_mutex_lock(&index->lock);
    for (size_t i = 0; i < search->count; i++) search->asks[i].top.count = 0;
    unsigned pin = sb_epoch_pin(&index->epoch);
    uint64_t before = atomic_load(&index->replaced);
    status = sb_filter_prepare(index, search->query->filter, &search->filter, error);
    if (status == SB_OK) status = search_group(search, error);
    complete = status == SB_OK && add_replaced(search, before);
    sb_filter_free(&search->filter);
    if (attempt == TRIES) pthread_mutex_unlock(&index->lock);
    sb_index_leave(index, pin);
  }
  return status;
}

static sb_status check(const sb_index_query *query, sb_error *error) {
  if (query->struct_size != sizeof *query) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (query->count < 1 || query->count > SB_BATCH_MAX)
    return sb_fail(error, SB_MISUSE, "a search takes 1 to %d queries", SB_BATCH_MAX);
  if (query->k > SB_INDEX_K_MAX) return sb_fail(error, SB_MISUSE, "a search gives %d hits at most", SB_INDEX_K_MAX);
  return SB_OK;
}

sb_status sb_index_search(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found, sb_error *error) {
  sb_status status = check(query, error);
  if (status != SB_OK) return status;
  size_t dim = index->kept.dim;
  float one[SB_DIM_MAX], *vectors = one;
  if (query->count > 1 && !(vectors = sb_alloc(query->count * dim, sizeof *vectors, error))) return SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < query->count; i++)
    status = sb_index_admit(index, query->vectors + i * dim, "a query", vectors + i * dim, error);
  sb_ask asks[SB_GROUP_QUERIES];
  sb_search search = {.index = index, .query = query, .asks = asks};
  for (size_t first = 0; status == SB_OK && first < query->count; first += search.count) {
    search.count = query->count - first < SB_GROUP_QUERIES ? query->count - first : SB_GROUP_QUERIES;
    for (size_t i = 0; i < search.count; i++)
      asks[i] = (sb_ask){.vector = vectors + (first + i) * dim, .top = {hits + (first + i) * query->k, query->k, 0}};
    if (query->k) status = search_pinned(&search, error);
    for (size_t i = 0; status == SB_OK && i < search.count; i++) found[first + i] = asks[i].top.count;
  }
  give_scratch(index, search.scratch);
  if (vectors != one) free(vectors);
  return status;
}
