/* The search of a short list of rows: no first stage; lines only where there are more rows than are worth exact scores. */
#include "vector/search/search.h"

enum { AHEAD = 32, BATCH = 16, SCORED_AT_ONCE = 1000 };

static void score_all(const sb_search *search, sb_ask *ask, const uint32_t *slots, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count)
      sb_row_fetch(sb_row_kept(&search->index->rows, slots[i + AHEAD]), search->index->rows.row_bytes);
    if (sb_row_live(&search->index->rows, slots[i])) sb_search_score(search, ask, &ask->top, slots[i]);
  }
}

/* A coded row's place among its segment's lines; NULL: it is not coded. */
static const uint8_t *lines_of(const sb_search *search, uint32_t slot, uint32_t *at) {
  unsigned segment = sb_segment_of(slot);
  const sb_coded *coded = sb_coded_segment(search->generation, segment);
  if (!coded) return NULL;
  *at = slot - sb_segment_first(segment);
  bool is_coded = atomic_load_explicit(&coded->coded[*at / 64], memory_order_acquire) >> *at % 64 & 1;
  return is_coded ? coded->lines : NULL;
}

static void fetch_line(const sb_search *search, uint32_t slot) {
  uint32_t at;
  const uint8_t *lines = lines_of(search, slot, &at);
  if (lines) sb_line_fetch(lines, at);
}

/* Rows of one segment whose lines are estimated together. */
typedef struct lines_batch {
  const uint8_t *lines;
  uint32_t at[BATCH], slots[BATCH];
  size_t count;
} lines_batch;

static void estimate_batch(const sb_model *model, const sb_probe *probe, lines_batch *batch, sb_best *best) {
  int32_t estimates[BATCH];
  if (batch->count) model->kernels->lines_at(batch->lines, batch->at, batch->count, &probe->line, estimates);
  for (size_t i = 0; i < batch->count; i++) sb_best_add(best, estimates[i], batch->slots[i]);
  batch->count = 0;
}

/* Coded rows by their lines' estimates, of which the best are scored; plain ones are scored. */
static void score_best(const sb_search *search, sb_ask *ask, sb_best *best, sb_probe *probe) {
  const sb_model *model = search->generation->model;
  const uint32_t *slots = search->filter.slots;
  float y[SB_AXES_MAX];
  lines_batch batch = {0};
  sb_model_project(model, ask->vector, 1, y);
  sb_probe_line(model, ask->vector, y, probe);
  best->count = 0;
  best->bar = INT32_MIN;
  for (size_t i = 0; i < search->filter.count; i++) {
    uint32_t at;
    if (i + AHEAD < search->filter.count) fetch_line(search, slots[i + AHEAD]);
    const uint8_t *lines = lines_of(search, slots[i], &at);
    if (lines) {
      if (batch.count == BATCH || lines != batch.lines) estimate_batch(model, probe, &batch, best);
      batch.lines = lines;
      batch.at[batch.count] = at;
      batch.slots[batch.count++] = slots[i];
    } else if (sb_row_live(&search->index->rows, slots[i])) {
      sb_search_score(search, ask, &ask->top, slots[i]);
    }
  }
  estimate_batch(model, probe, &batch, best);
  sb_best_cut(best);
  for (size_t i = 0; i < best->count; i++) {
    if (i + AHEAD < best->count)
      sb_row_fetch(sb_row_kept(&search->index->rows, best->items[i + AHEAD].slot), search->index->rows.row_bytes);
    sb_search_score(search, ask, &ask->top, best->items[i].slot);
  }
}

sb_status sb_search_listed(sb_search *search, sb_error *error) {
  const sb_filter *all = search->filter.filter;
  size_t rows = search->filter.count, k = search->query->k;
  size_t keep = search->generation ? sb_model_reranked(search->generation->model, rows, k) : rows;
  bool exact = search->query->mode == SB_SEARCH_EXACT || !search->generation || rows <= SCORED_AT_ONCE || keep >= rows;
  search->filter.filter = NULL; /* they are the allowed ones already */
  if (exact) {
    for (size_t i = 0; i < search->count; i++) score_all(search, &search->asks[i], search->filter.slots, rows);
  } else {
    size_t probe_bytes = (sizeof(sb_probe) + 63) / 64 * 64;
    uint8_t *memory = sb_search_room(search, probe_bytes + sb_best_room(keep) * sizeof(sb_candidate_row), error);
    if (!memory) return SB_NO_MEMORY;
    sb_best best = {.items = (sb_candidate_row *)(void *)(memory + probe_bytes), .keep = keep};
    for (size_t i = 0; i < search->count; i++) score_best(search, &search->asks[i], &best, (sb_probe *)(void *)memory);
  }
  search->filter.filter = all;
  return SB_OK;
}
