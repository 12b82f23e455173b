/* Measures the recall of the fast search on the index's own rows, and raises the number of candidates until it
 * suffices. */
#ifndef SB_VECTOR_SEARCH_RECALL_H
#define SB_VECTOR_SEARCH_RECALL_H

#include "vector/index/index.h"

/* `sample`: `count` stored rows, drawn at random; overwritten. `generation`: the current one, whose `recall` and
 * whose quantizer's `oversampling` are set. Stops early when memory is short or the index is being freed. */
void sb_recall_tune(sb_index *index, sb_generation *generation, float *sample, size_t count);

#endif
