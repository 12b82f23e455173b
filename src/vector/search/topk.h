/* The hits of one query so far: the k best, best first, one for each label or key. For one thread. */
#ifndef SB_VECTOR_SEARCH_TOPK_H
#define SB_VECTOR_SEARCH_TOPK_H

#include "vector/vector.h"

typedef struct sb_topk {
  sb_hit *hits; /* room for `capacity`, borrowed; sorted by score, then by key */
  size_t capacity, count;
} sb_topk;

void sb_topk_add(sb_topk *topk, sb_hit hit, bool by_label);

#endif
