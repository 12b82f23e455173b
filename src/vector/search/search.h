/* What the parts of a search share: one call of sb_index_search, in groups of at most SB_GROUP_QUERIES. */
#ifndef SB_VECTOR_SEARCH_H
#define SB_VECTOR_SEARCH_H

#include "vector/index/index.h"
#include "vector/search/best.h"
#include "vector/search/filter.h"
#include "vector/search/topk.h"

enum { SB_GROUP_QUERIES = 64 };
/* How near __builtin_prefetch brings what lies scattered: into the second-level cache, which has many more lines on their way at once
 * than the first, for which the scan would wait. A sixth of a fast search's time, a fifth to a quarter of an exact one's. */
enum { SB_SECOND_LEVEL = 2 };

/* Asks for a row's line, whose two halves lie apart. */
static inline void sb_line_fetch(const uint8_t *lines, size_t row) {
  for (size_t byte = 0; byte < SB_LINE_BYTES; byte += SB_HALF_BYTES)
    __builtin_prefetch(lines + sb_line_at(row, byte), 0, SB_SECOND_LEVEL);
}

/* Asks for the first `bytes` of a kept row, 2,048 at most. */
static inline void sb_row_fetch(const uint8_t *row, size_t bytes) {
  for (size_t i = 0; i < bytes && i < 2048; i += 64) __builtin_prefetch(row + i, 0, SB_SECOND_LEVEL);
}

/* One query of a group. */
typedef struct sb_ask {
  const float *vector; /* admitted */
  sb_probe *probe;     /* where codes are used */
  int threshold;       /* of the first stage */
  sb_topk top;         /* the hits so far, in the caller's array */
} sb_ask;

/* A group of queries on its way. `rows` is settled at the start: later ones need not be seen. */
typedef struct sb_search {
  sb_index *index;
  const sb_index_query *query;
  sb_generation *generation; /* NULL: nothing learnt; all rows are plain */
  sb_filter_set filter;
  size_t units;
  size_t count; /* of `asks` */
  sb_ask *asks;
  sb_scratch *scratch;
} sb_search;

/* Scratch memory: `bytes` of it, aligned to 64, until the search ends or asks again. NULL: out of memory. */
uint8_t *sb_search_room(sb_search *search, size_t bytes, sb_error *error);

/* A row's score into a query's hits, if filter and floor allow it. */
void sb_search_score(const sb_search *search, const sb_ask *ask, sb_topk *top, uint32_t slot);
/* Below this no row is wanted any more: the k-th hit or the floor; -INFINITY: all are. */
float sb_search_bar(const sb_search *search, const sb_topk *top);

/* fast.c: the coded rows by codes, lines, and exact scores of the best. */
sb_status sb_search_coded(sb_search *search, sb_error *error);
/* exact.c: scores all live rows that may matter. `bounds`: coded rows too, by the bounds of their lines; else plain rows only. */
sb_status sb_search_rows(sb_search *search, bool bounds, sb_error *error);
/* listed.c: only the rows of filter.slots. */
sb_status sb_search_listed(sb_search *search, sb_error *error);

#endif
