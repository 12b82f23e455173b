/* L1: SIMD kernels by run-time dispatch, top-k, and the search index. */
#ifndef SB_VECTOR_H
#define SB_VECTOR_H

#include "base/base.h"

/* Inner product of n float32 values; any n, any alignment. Each variant is tested against the scalar one. */
float sb_dot(const float *a, const float *b, size_t n);
/* Scales to unit length and gives the length before; a zero or non-finite vector is left alone and gives 0. */
float sb_normalize(float *v, size_t n);

typedef struct sb_hit {
  uint64_t key;   /* of the face */
  uint64_t label; /* of the person */
  float score;    /* inner product */
} sb_hit;

/* Locked: searches run side by side, a writer alone. Exact: a scan of every vector. Unit vectors give cosines. */
typedef struct sb_index sb_index;
sb_status sb_index_new(size_t dim, sb_index **out, sb_error *error); /* dim 1..4096 */
void sb_index_free(sb_index *index);
size_t sb_index_count(const sb_index *index);
size_t sb_index_dim(const sb_index *index);
/* Adds, or replaces what has this key. Searchable when it returns. SB_INVALID: a value is not finite. */
sb_status sb_index_put(sb_index *index, uint64_t key, uint64_t label, const float *vector, sb_error *error);
/* The same for many; reserves once. */
sb_status sb_index_reserve(sb_index *index, size_t count, sb_error *error);
/* Gone, and its memory overwritten, when it returns; false: there was none. */
bool sb_index_remove(sb_index *index, uint64_t key);
/* The k best, best first, ties by key; for each label only its best vector. `hits` has room for k; `*found` <= k. */
sb_status sb_index_search(const sb_index *index, const float *query, size_t k, sb_hit *hits, size_t *found,
                          sb_error *error);

#endif
