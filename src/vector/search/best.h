/* The best of a stream of candidates, by estimate: a list that is cut back to the best when it is full. One thread. */
#ifndef SB_VECTOR_SEARCH_BEST_H
#define SB_VECTOR_SEARCH_BEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct sb_candidate_row {
  int32_t estimate;
  uint32_t slot;
} sb_candidate_row;

typedef struct sb_best {
  sb_candidate_row *items; /* room for sb_best_room(keep) */
  size_t count, keep;
  int32_t bar; /* what is below cannot be among the best `keep` */
} sb_best;

static inline size_t sb_best_room(size_t keep) {
  return 2 * keep + 512;
}

/* Cuts back to the best `keep`, in no order, and raises the bar. */
void sb_best_cut(sb_best *best);

static inline void sb_best_add(sb_best *best, int32_t estimate, uint32_t slot) {
  best->items[best->count] = (sb_candidate_row){estimate, slot};
  best->count += estimate >= best->bar;
  if (__builtin_expect(best->count >= sb_best_room(best->keep), 0)) sb_best_cut(best);
}

/* A heap of candidates: the best is taken off first, so that what nobody asks for is never sorted. */
void sb_heap_make(sb_candidate_row *items, size_t count);
sb_candidate_row sb_heap_take(sb_candidate_row *items, size_t *count);

#endif
