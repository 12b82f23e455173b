/* The best hits so far, best first, one for each label or key. One thread. */
#ifndef SB_VECTOR_SEARCH_TOPK_H
#define SB_VECTOR_SEARCH_TOPK_H

#include "vector/vector.h"

typedef struct sb_topk {
  sb_hit *hits; /* room for `capacity`, the caller's; sorted by score, then by key */
  size_t capacity, count;
} sb_topk;

/* Can a score still enter? Cheap, for the inner loop. */
static inline bool sb_topk_wants(const sb_topk *topk, float score) {
  return topk->count < topk->capacity || score >= topk->hits[topk->count - 1].score;
}
void sb_topk_add(sb_topk *topk, sb_hit hit, bool by_label);

#endif
