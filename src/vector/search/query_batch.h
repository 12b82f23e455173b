/* A batch: up to 64 queries that share one scan. What the search strategies have in common.
 *
 *     fast.c     sb_query_batch_fast      coded rows, approximately: codes, refinement codes, exact scores of the best
 *     exact.c    sb_query_batch_scan      uncoded rows, and coded rows that bounds do not rule out: exact
 *     id_list.c  sb_query_batch_id_list   only the rows of a short list
 * search.c runs them with the epoch pinned. */
#ifndef SB_VECTOR_SEARCH_QUERY_BATCH_H
#define SB_VECTOR_SEARCH_QUERY_BATCH_H

#include "vector/index/index.h"
#include "vector/search/filter.h"
#include "vector/search/topk.h"

enum { SB_QUERY_BATCH = 64 };

/* One query of a batch. */
typedef struct sb_query_state {
  const float *vector;          /* checked; of unit length for cosines */
  sb_quantizer_query *prepared; /* lookup tables and weights; set where codes are used */
  int threshold;                /* first stage: rows whose score in the scan is higher pass */
  sb_topk top;                  /* hits so far, in the caller's array */
} sb_query_state;

/* The number of units is fixed at the start: rows added later need not be seen. */
typedef struct sb_query_batch {
  sb_index *index;
  const sb_index_query *query;
  sb_generation *generation; /* NULL: never trained, so all rows are uncoded */
  sb_query_filter filter;
  size_t units;
  size_t count; /* queries */
  sb_query_state *states;
  sb_scratch *scratch;
} sb_query_batch;

/* `bytes` of scratch memory, aligned to 64, valid until the search ends or calls this again. NULL: out of memory. */
uint8_t *sb_query_batch_scratch(sb_query_batch *batch, size_t bytes, sb_error *error);
static inline size_t sb_query_batch_prepared_bytes(void) { /* of one sb_quantizer_query there */
  return (sizeof(sb_quantizer_query) + 63) / 64 * 64;
}

/* Computes a row's exact score and adds it to `top` if the filter and the minimum score allow it. */
void sb_query_batch_score(const sb_query_batch *batch, const sb_query_state *state, sb_topk *top, uint32_t slot);
/* The minimum score: rows below it cannot become hits. It is the k-th best score so far or the caller's floor;
 * -INFINITY: neither applies yet. */
float sb_query_batch_min_score(const sb_query_batch *batch, const sb_topk *top);

/* How many hits must be the right ones (sb_index_query.certain). */
static inline size_t sb_query_batch_certain(const sb_query_batch *batch) {
  const sb_index_query *query = batch->query;
  return query->certain && query->certain < query->k ? query->certain : query->k;
}
/* The score below which rows need not be looked for: the last certain hit's, once there are k hits, or the floor. */
float sb_query_batch_certain_score(const sb_query_batch *batch, const sb_topk *top);

/* ---- Prefetching. Scattered rows are prefetched into the second-level cache, which can have many more lines in flight
 * than the first, on which the scan would stall: this saves a sixth of a fast search's time, and a fifth to a quarter
 * of an exact one's. */

enum { SB_PREFETCH_L2 = 2 };

/* A row's refinement code, whose two halves are not adjacent (kernels.h). */
static inline void sb_prefetch_refinement(const uint8_t *refinement, size_t row) {
  for (size_t byte = 0; byte < SB_REFINEMENT_BYTES; byte += SB_REFINEMENT_HALF)
    __builtin_prefetch(refinement + sb_kernels_refinement_at(row, byte), 0, SB_PREFETCH_L2);
}

/* The first `bytes` of a stored row, at most 2,048. */
static inline void sb_prefetch_vector(const uint8_t *row, size_t bytes) {
  for (size_t i = 0; i < bytes && i < 2048; i += 64) __builtin_prefetch(row + i, 0, SB_PREFETCH_L2);
}

/* ---- Strategies. SB_NO_MEMORY. */

sb_status sb_query_batch_fast(sb_query_batch *batch, sb_error *error);
/* `bounds`: coded rows, too, after ruling out those whose upper bound is too low; otherwise uncoded rows only. */
sb_status sb_query_batch_scan(sb_query_batch *batch, bool bounds, sb_error *error);
sb_status sb_query_batch_id_list(sb_query_batch *batch, sb_error *error);

#endif
