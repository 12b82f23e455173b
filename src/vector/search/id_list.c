/* Search of a short list of rows (a selective filter). Without a first stage: a list of up to 1,000 rows, or one
 * searched in exact mode, is scored exactly; from a longer one, refinement codes choose the rows that are. */
#include "vector/search/query_batch.h"
#include "vector/search/shortlist.h"

enum { AHEAD = 32, RUN = 16, SCORED_AT_ONCE = 1000 };

static void prefetch_row(const sb_query_batch *batch, uint32_t slot) {
  sb_prefetch_vector(sb_rows_vector(&batch->index->rows, slot), batch->index->rows.row_bytes);
}

static void score_all(const sb_query_batch *batch, sb_query_state *state, const uint32_t *slots, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count) prefetch_row(batch, slots[i + AHEAD]);
    if (sb_rows_live(&batch->index->rows, slots[i])) sb_query_batch_score(batch, state, &state->top, slots[i]);
  }
}

/* The refinement codes of the slot's segment, and the row's number among them; NULL: the row is uncoded. */
static const uint8_t *refinement_of(const sb_query_batch *batch, uint32_t slot, uint32_t *at) {
  unsigned number = sb_rows_segment_of(slot);
  const sb_generation_segment *segment = sb_generation_segment_at(batch->generation, number);
  if (!segment) return NULL;
  *at = slot - sb_rows_segment_first(number);
  bool is_coded = atomic_load_explicit(&segment->coded[*at / 64], memory_order_acquire) >> *at % 64 & 1;
  return is_coded ? segment->refinement : NULL;
}

static void prefetch_refinement(const sb_query_batch *batch, uint32_t slot) {
  uint32_t at;
  const uint8_t *refinement = refinement_of(batch, slot, &at);
  if (refinement) sb_prefetch_refinement(refinement, at);
}

/* Rows of one segment whose scores are estimated together. */
typedef struct refine_run {
  const uint8_t *refinement;
  uint32_t at[RUN], slots[RUN];
  size_t count;
} refine_run;

static void estimate_run(const sb_quantizer *quantizer, const sb_quantizer_query *prepared, refine_run *run,
                         sb_shortlist *best) {
  int32_t estimates[RUN];
  if (run->count) quantizer->kernels->refine_at(run->refinement, run->at, run->count, &prepared->refine, estimates);
  for (size_t i = 0; i < run->count; i++) sb_shortlist_add(best, estimates[i], run->slots[i]);
  run->count = 0;
}

/* Puts coded rows on the shortlist by their estimates, and scores uncoded ones. */
static void estimate_list(const sb_query_batch *batch, sb_query_state *state, sb_shortlist *best) {
  const sb_quantizer *quantizer = batch->generation->quantizer;
  const uint32_t *slots = batch->filter.slots;
  refine_run run = {0};
  for (size_t i = 0; i < batch->filter.count; i++) {
    uint32_t at;
    if (i + AHEAD < batch->filter.count) prefetch_refinement(batch, slots[i + AHEAD]);
    const uint8_t *refinement = refinement_of(batch, slots[i], &at);
    if (refinement) {
      if (run.count == RUN || refinement != run.refinement) estimate_run(quantizer, state->prepared, &run, best);
      run.refinement = refinement;
      run.at[run.count] = at;
      run.slots[run.count++] = slots[i];
    } else if (sb_rows_live(&batch->index->rows, slots[i])) {
      sb_query_batch_score(batch, state, &state->top, slots[i]);
    }
  }
  estimate_run(quantizer, state->prepared, &run, best);
  sb_shortlist_cut(best);
}

static void score_best(const sb_query_batch *batch, sb_query_state *state, sb_shortlist *best) {
  const sb_quantizer *quantizer = batch->generation->quantizer;
  float y[SB_AXES_MAX];
  sb_quantizer_project(quantizer, state->vector, 1, y);
  sb_quantizer_query_estimate(quantizer, state->vector, y, state->prepared);
  best->count = 0;
  best->min_estimate = INT32_MIN;
  estimate_list(batch, state, best);
  for (size_t i = 0; i < best->count; i++) {
    if (i + AHEAD < best->count) prefetch_row(batch, best->rows[i + AHEAD].slot);
    sb_query_batch_score(batch, state, &state->top, best->rows[i].slot);
  }
}

sb_status sb_query_batch_id_list(sb_query_batch *batch, sb_error *error) {
  const sb_filter *filter = batch->filter.filter;
  size_t rows = batch->filter.count, k = batch->query->k;
  size_t keep = batch->generation ? sb_quantizer_reranked(batch->generation->quantizer, rows, k) : rows;
  bool exact = batch->query->mode == SB_SEARCH_EXACT || !batch->generation || rows <= SCORED_AT_ONCE || keep >= rows;
  batch->filter.filter = NULL; /* the list contains allowed rows only */
  if (exact) {
    for (size_t i = 0; i < batch->count; i++) score_all(batch, &batch->states[i], batch->filter.slots, rows);
  } else {
    size_t query_bytes = sb_query_batch_prepared_bytes();
    uint8_t *memory =
        sb_query_batch_scratch(batch, query_bytes + sb_shortlist_capacity(keep) * sizeof(sb_shortlist_row), error);
    if (!memory) return SB_NO_MEMORY;
    sb_shortlist best = {.rows = (sb_shortlist_row *)(void *)(memory + query_bytes), .keep = keep};
    for (size_t i = 0; i < batch->count; i++) {
      batch->states[i].prepared = (sb_quantizer_query *)(void *)memory;
      score_best(batch, &batch->states[i], &best);
    }
  }
  batch->filter.filter = filter;
  return SB_OK;
}
