/* Pool of scratch buffers that searches of one index reuse, so that a search normally allocates nothing. Lock-free. */
#ifndef SB_VECTOR_INDEX_SCRATCH_H
#define SB_VECTOR_INDEX_SCRATCH_H

#include "base/base.h"

#include <stdatomic.h>

enum { SB_SCRATCH_POOL = 8 };

typedef struct sb_scratch {
  size_t bytes;
  _Alignas(64) uint8_t memory[];
} sb_scratch;

typedef struct sb_scratch_pool {
  _Atomic(sb_scratch *) free[SB_SCRATCH_POOL];
} sb_scratch_pool;

/* A buffer of at least `bytes`, its content undefined; NULL: out of memory. */
sb_scratch *sb_scratch_take(sb_scratch_pool *pool, size_t bytes);
/* Returns a buffer to the pool, or frees it when the pool is full. NULL is fine. */
void sb_scratch_give(sb_scratch_pool *pool, sb_scratch *scratch);
void sb_scratch_free_all(sb_scratch_pool *pool);

#endif
