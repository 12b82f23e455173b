/* A shortlist: the best of a stream of candidates by estimated score, from which the exact reranking takes its rows.
 *
 * Candidates are appended; when the list is full, a selection cuts it back to the best `keep` and raises the minimum
 * estimate that further candidates must reach. Afterwards the list can be turned into a heap, so that only the part
 * that the reranking asks for is ever sorted. For one thread. */
#ifndef SB_VECTOR_SEARCH_SHORTLIST_H
#define SB_VECTOR_SEARCH_SHORTLIST_H

#include <stddef.h>
#include <stdint.h>

typedef struct sb_shortlist_row {
  int32_t estimate;
  uint32_t slot;
} sb_shortlist_row;

typedef struct sb_shortlist {
  sb_shortlist_row *rows; /* room for sb_shortlist_capacity(keep) */
  size_t count, keep;
  int32_t min_estimate; /* lower estimates cannot be among the best `keep` */
} sb_shortlist;

static inline size_t sb_shortlist_capacity(size_t keep) {
  return 2 * keep + 512;
}

/* Cuts the list back to the best `keep`, in no order, and raises min_estimate. */
void sb_shortlist_cut(sb_shortlist *list);

static inline void sb_shortlist_add(sb_shortlist *list, int32_t estimate, uint32_t slot) {
  list->rows[list->count] = (sb_shortlist_row){estimate, slot}; /* without a branch: kept if count advances */
  list->count += estimate >= list->min_estimate;
  if (__builtin_expect(list->count >= sb_shortlist_capacity(list->keep), 0)) sb_shortlist_cut(list);
}

/* Orders rows as a max-heap by estimate; takes the best one off it. */
void sb_shortlist_heapify(sb_shortlist_row *rows, size_t count);
sb_shortlist_row sb_shortlist_pop(sb_shortlist_row *rows, size_t *count);

#endif
