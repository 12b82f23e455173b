/* What the search strategies share: scratch memory, exact scores and the minimum score; see query_batch.h. */
#include "vector/search/query_batch.h"

#include <math.h>

uint8_t *sb_query_batch_scratch(sb_query_batch *batch, size_t bytes, sb_error *error) {
  if (!batch->scratch || batch->scratch->bytes < bytes) {
    sb_scratch_give(&batch->index->scratch, batch->scratch);
    batch->scratch = sb_scratch_take(&batch->index->scratch, bytes);
  }
  if (batch->scratch) return batch->scratch->memory;
  sb_fail(error, SB_NO_MEMORY, "out of memory");
  return NULL;
}

/* The score of hit number `rank` once there are k hits, or the floor. */
static float score_of(const sb_query_batch *batch, const sb_topk *top, size_t rank) {
  float score = top->count == top->capacity ? top->hits[rank - 1].score : -INFINITY;
  return batch->query->has_floor ? fmaxf(score, batch->query->floor) : score;
}

float sb_query_batch_min_score(const sb_query_batch *batch, const sb_topk *top) {
  return score_of(batch, top, top->capacity);
}

float sb_query_batch_certain_score(const sb_query_batch *batch, const sb_topk *top) {
  return score_of(batch, top, sb_query_batch_certain(batch));
}

void sb_query_batch_score(const sb_query_batch *batch, const sb_query_state *state, sb_topk *top, uint32_t slot) {
  const sb_rows *rows = &batch->index->rows;
  float score = sb_stored_dot(&batch->index->stored, state->vector, sb_rows_vector(rows, slot));
  if (score < sb_query_batch_min_score(batch, top)) return;
  if (!sb_query_filter_allows(&batch->filter, rows, slot)) return;
  sb_topk_add(top, (sb_hit){sb_rows_key(rows, slot), sb_rows_label(rows, slot), score}, batch->query->by_label);
}
