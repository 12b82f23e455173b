/* Exact scan: scores every row that may belong to the result. Uncoded rows are all scored; coded rows only if an upper
 * bound of their score reaches the minimum score.
 *
 * The bounds (quantizer.h derives them) are computed from the codes by integer sums, in steps of growing cost:
 *     1  the refinement codes of all 64 rows of a block               (kernel refine_block)
 *     2  of the rows that are left, the residual codes                (kernel residual_at; if the quantizer has them)
 *     3  of rows stored as float32, the upper halves of the values    (stored_row.h)
 *     4  the exact score
 * A row is skipped only if a bound is below the minimum score, that is, if its score is below the k-th best found so
 * far, or below the floor. A bound that equals the minimum is not below it, so ties are scored. So the hits are those
 * of a scan of all rows, however good or bad the codes are; bad codes only cost time. In exact mode fast.c runs first:
 * it provides a good minimum score.
 *
 * Blocks pass through the steps one block apart, and rows wait in a queue to be scored, so that each step finds in the
 * cache what the previous step has prefetched. */
#include "vector/search/query_batch.h"
#include "vector/search/thread_team.h"

#include <math.h>
#include <string.h>

enum { ROWS_AHEAD = 64 };

typedef struct scan_job {
  sb_query_batch *batch;
  bool bounds;
  sb_topk *tops; /* [worker][query] */
  atomic_size_t next_unit;
} scan_job;

/* A block on its way through the steps. */
typedef struct block_steps {
  uint32_t slot;           /* of its first row */
  uint64_t uncoded, coded; /* rows that are not ruled out yet */
  const uint8_t *refinement, *residual;
  int32_t sums[SB_BLOCK_ROWS];  /* of step 1 */
  uint32_t rows[SB_BLOCK_ROWS]; /* those whose residual codes are being prefetched */
  size_t count;
} block_steps;

typedef struct queued_row {
  uint32_t slot;
  bool coded;
} queued_row;

/* One worker's scan of one unit for one query. */
typedef struct unit_scan {
  const sb_query_batch *batch;
  const sb_query_state *state;
  sb_topk *top;
  size_t residual_bytes;        /* per row; 0: no residual codes */
  size_t upper_bytes;           /* per row; 0: rows are not stored in halves */
  queued_row queue[ROWS_AHEAD]; /* a ring of rows that are being prefetched */
  size_t queued, scored;
} unit_scan;

/* Rows below it need no look: the higher of this worker's and the fast search's last certain score. */
static float min_score(const unit_scan *scan) {
  return fmaxf(sb_query_batch_certain_score(scan->batch, scan->top),
               sb_query_batch_certain_score(scan->batch, &scan->state->top));
}

/* Lower sums have a bound below `score`. One less than computed, for the rounding of this very expression. */
static int32_t least_sum(const sb_quantizer_query *prepared, float score) {
  double sum = floor(((double)score - prepared->refine_zero) / prepared->refine_unit) - 1;
  if (!(sum > INT32_MIN)) return INT32_MIN;
  return sum < INT32_MAX ? (int32_t)sum : INT32_MAX;
}

/* Step 1: keeps the coded rows whose refinement code's bound is high enough; prefetches their residual codes. */
static void bound_by_refinement(const unit_scan *scan, block_steps *block) {
  const sb_quantizer_query *prepared = scan->state->prepared;
  int32_t least = least_sum(prepared, min_score(scan));
  block->coded &=
      scan->batch->index->stored.kernels->refine_block(block->refinement, &prepared->refine, least, block->sums);
  block->count = 0;
  for (uint64_t bits = scan->residual_bytes ? block->coded : 0; bits; bits &= bits - 1) {
    uint32_t row = (uint32_t)__builtin_ctzll(bits);
    __builtin_prefetch(block->residual + row * scan->residual_bytes, 0, SB_PREFETCH_L2);
    block->rows[block->count++] = row;
  }
}

/* Step 2: keeps those whose residual code's bound is high enough, too. */
static void bound_by_residual(const unit_scan *scan, block_steps *block) {
  const sb_quantizer_query *prepared = scan->state->prepared;
  const uint32_t *rows = block->rows;
  int32_t sums[SB_BLOCK_ROWS];
  double least = (double)min_score(scan) - prepared->residual_zero; /* includes slack for the rounding of these sums */
  scan->batch->index->stored.kernels->residual_at(block->residual, scan->residual_bytes, rows, block->count,
                                                  &prepared->residual, sums);
  block->coded = 0;
  for (size_t i = 0; i < block->count; i++) {
    int32_t refine = block->sums[rows[i]] - sb_quantizer_query_length_terms(prepared, block->refinement, rows[i]);
    double sum = refine * prepared->refine_unit + sums[i] * prepared->residual_unit;
    block->coded |= (uint64_t) !(sum < least) << rows[i];
  }
}

/* Step 3: whether the bound from the upper halves is high enough, too. upper_error is read after the row's live bit,
 * before which the row's own error was entered. */
static bool upper_half_reaches(const unit_scan *scan, uint32_t slot) {
  const sb_index *index = scan->batch->index;
  const sb_quantizer_query *prepared = scan->state->prepared;
  double error = (double)atomic_load_explicit(&index->upper_error, memory_order_relaxed);
  double score = (double)sb_stored_upper_dot(&index->stored, scan->state->vector, sb_rows_vector(&index->rows, slot));
  return !(score + error * prepared->length + prepared->row_slack < (double)min_score(scan));
}

/* Steps 3 and 4 for the next row of the queue. */
static void score_next(unit_scan *scan) {
  queued_row row = scan->queue[scan->scored++ % ROWS_AHEAD];
  if (row.coded && scan->upper_bytes && !upper_half_reaches(scan, row.slot)) return;
  sb_query_batch_score(scan->batch, scan->state, scan->top, row.slot);
}

static void queue_row(unit_scan *scan, queued_row row) {
  const sb_rows *rows = &scan->batch->index->rows;
  size_t wanted = row.coded && scan->upper_bytes ? scan->upper_bytes : rows->row_bytes;
  sb_prefetch_vector(sb_rows_vector(rows, row.slot), wanted);
  if (scan->queued - scan->scored == ROWS_AHEAD) score_next(scan);
  scan->queue[scan->queued++ % ROWS_AHEAD] = row;
}

static void queue_rows(unit_scan *scan, block_steps *block) {
  if (scan->residual_bytes && block->coded) bound_by_residual(scan, block);
  for (uint64_t mask = block->uncoded | block->coded; mask; mask &= mask - 1) {
    unsigned row = (unsigned)__builtin_ctzll(mask);
    queue_row(scan, (queued_row){block->slot + row, block->coded >> row & 1});
  }
  block->uncoded = block->coded = 0;
}

static void scan_unit(unit_scan *scan, bool bounds, size_t number) {
  const sb_query_batch *batch = scan->batch;
  sb_rows_unit unit = sb_rows_unit_at(&batch->index->rows, number);
  const sb_generation_segment *segment =
      batch->generation ? sb_generation_segment_at(batch->generation, unit.segment_number) : NULL;
  size_t first = unit.at / SB_BLOCK_ROWS;
  block_steps blocks[2] = {0};
  for (size_t b = 0; b < unit.blocks; b++) {
    /* Live bits first: a row that is being added is coded before it is live. */
    uint64_t live = atomic_load_explicit(&unit.segment->live[first + b], memory_order_acquire);
    uint64_t coded = segment ? atomic_load_explicit(&segment->coded[first + b], memory_order_acquire) & live : 0;
    block_steps *block = &blocks[b % 2];
    if (!bounds && !(live & ~coded) && !blocks[(b + 1) % 2].uncoded) continue; /* the usual case of a fast search */
    block->slot = unit.slot + (uint32_t)(b * SB_BLOCK_ROWS);
    block->uncoded = live & ~coded;
    block->coded = bounds ? coded : 0;
    if (block->coded) {
      block->refinement = segment->refinement + (unit.at + b * SB_BLOCK_ROWS) * SB_REFINEMENT_BYTES;
      block->residual = segment->residual + (unit.at + b * SB_BLOCK_ROWS) * scan->residual_bytes;
      bound_by_refinement(scan, block);
    }
    queue_rows(scan, &blocks[(b + 1) % 2]); /* of the previous block */
  }
  queue_rows(scan, &blocks[(unit.blocks + 1) % 2]);
  while (scan->scored < scan->queued) score_next(scan);
}

static void work(void *context, int worker) {
  scan_job *job = context;
  sb_query_batch *batch = job->batch;
  size_t unit;
  while ((unit = atomic_fetch_add(&job->next_unit, 1)) < batch->units) {
    for (size_t q = 0; q < batch->count; q++) {
      unit_scan scan = {.batch = batch,
                        .state = &batch->states[q],
                        .top = &job->tops[(size_t)worker * batch->count + q],
                        .residual_bytes = batch->generation ? batch->generation->quantizer->residual_bytes : 0,
                        .upper_bytes = sb_stored_upper_bytes(&batch->index->stored)};
      scan_unit(&scan, job->bounds, unit);
    }
  }
}

static void prepare_bounds(const sb_query_batch *batch, sb_query_state *state) {
  const sb_quantizer *quantizer = batch->generation->quantizer;
  float y[SB_AXES_MAX];
  sb_quantizer_project(quantizer, state->vector, 1, y);
  sb_quantizer_query_bounds(quantizer, state->vector, y, state->prepared);
}

/* Divides scratch memory: prepared queries (if `bounds`) | top-k lists by worker and query | their hits. */
sb_status sb_query_batch_scan(sb_query_batch *batch, bool bounds, sb_error *error) {
  size_t lists = (size_t)sb_thread_team_threads(batch->index->thread_team) * batch->count, k = batch->query->k;
  size_t query_bytes = bounds ? sb_query_batch_prepared_bytes() : 0;
  uint8_t *memory =
      sb_query_batch_scratch(batch, batch->count * query_bytes + lists * (sizeof(sb_topk) + k * sizeof(sb_hit)), error);
  if (!memory) return SB_NO_MEMORY;
  for (size_t i = 0; bounds && i < batch->count; i++, memory += query_bytes) {
    batch->states[i].prepared = (sb_quantizer_query *)(void *)memory;
    prepare_bounds(batch, &batch->states[i]);
  }
  scan_job job = {.batch = batch, .bounds = bounds, .tops = (sb_topk *)(void *)memory};
  sb_hit *hits = (sb_hit *)(void *)(job.tops + lists);
  for (size_t i = 0; i < lists; i++) job.tops[i] = (sb_topk){hits + i * k, k, 0};
  sb_thread_team_run(batch->index->thread_team, work, &job);
  for (size_t i = 0; i < lists; i++)
    for (size_t h = 0; h < job.tops[i].count; h++)
      sb_topk_add(&batch->states[i % batch->count].top, job.tops[i].hits[h], batch->query->by_label);
  return SB_OK;
}
