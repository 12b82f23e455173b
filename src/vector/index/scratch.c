/* Scratch buffers; see scratch.h. */
#include "vector/index/scratch.h"

#include <stdlib.h>

sb_scratch *sb_scratch_take(sb_scratch_pool *pool, size_t bytes) {
  for (int i = 0; i < SB_SCRATCH_POOL; i++) {
    sb_scratch *scratch = atomic_exchange(&pool->free[i], NULL);
    if (scratch && scratch->bytes >= bytes) return scratch;
    free(scratch); /* searches have outgrown it */
  }
  sb_scratch *scratch = aligned_alloc(64, sizeof *scratch + (bytes + 63) / 64 * 64);
  if (scratch) scratch->bytes = bytes;
  return scratch;
}

void sb_scratch_give(sb_scratch_pool *pool, sb_scratch *scratch) {
  for (int i = 0; scratch && i < SB_SCRATCH_POOL; i++) {
    sb_scratch *none = NULL;
    if (atomic_compare_exchange_strong(&pool->free[i], &none, scratch)) return;
  }
  free(scratch);
}

void sb_scratch_free_all(sb_scratch_pool *pool) {
  for (int i = 0; i < SB_SCRATCH_POOL; i++) free(atomic_load(&pool->free[i]));
}
