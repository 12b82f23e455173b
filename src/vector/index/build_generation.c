/* Building a generation: encodes every row with a new quantizer while puts, removals and searches continue.
 *
 *   1. Announce: under the lock, map the generation's segments and set index->next. From now on every writer writes to
 *      the next generation, too.
 *   2. Fill: for each block of 64 rows, pin the epoch, read which rows are live, encode them without the lock; then,
 *      under the lock, write the codes of those that are still live and that no writer has encoded meanwhile. The pin
 *      prevents the slots that were read from being reused in between.
 *   3. Swap: under the lock, make it the current generation; the old one waits for its last readers (epoch.h). */
#include "vector/index/index.h"

#include <stdlib.h>

/* Codes of one block. */
typedef struct block_codes {
  uint64_t encoded; /* bit i: row i could be encoded */
  sb_quantizer_codes codes[SB_BLOCK_ROWS];
} block_codes;

/* What the loop over all blocks needs. */
typedef struct build {
  sb_index *index;
  sb_generation *next;
  float *vectors; /* SB_BLOCK_ROWS x dim */
  float *y;       /* their projections */
  block_codes *codes;
} build;

/* Encodes the live rows of the block that begins at `slot`. The epoch is pinned. */
static void encode_block(const build *b, uint32_t slot, uint64_t live) {
  const sb_stored_format *stored = &b->index->stored;
  const sb_quantizer *quantizer = b->next->quantizer;
  size_t dim = stored->dim, count = 0;
  for (uint64_t bits = live; bits; bits &= bits - 1)
    sb_stored_read(stored, sb_rows_vector(&b->index->rows, slot + (uint32_t)__builtin_ctzll(bits)),
                   b->vectors + count++ * dim);
  sb_quantizer_project(quantizer, b->vectors, count, b->y);
  count = 0;
  b->codes->encoded = 0;
  for (uint64_t bits = live; bits; bits &= bits - 1, count++) {
    int row = __builtin_ctzll(bits);
    const float *vector = b->vectors + count * dim;
    double length2 = (double)stored->kernels->dot_f32(vector, vector, dim);
    if (sb_quantizer_encode(quantizer, b->y + count * quantizer->axes, length2, &b->codes->codes[row]))
      b->codes->encoded |= (uint64_t)1 << row;
  }
}

/* Writes the codes of a block's rows that are still live and not yet encoded by a writer. */
static void enter_block(const build *b, const sb_rows_unit *unit, size_t block) {
  size_t at = unit->at / SB_BLOCK_ROWS + block;
  pthread_mutex_lock(&b->index->lock);
  uint64_t live = atomic_load(&unit->segment->live[at]);
  uint64_t coded = atomic_load(&sb_generation_segment_at(b->next, unit->segment_number)->coded[at]);
  for (uint64_t bits = b->codes->encoded & live & ~coded; bits; bits &= bits - 1) {
    int row = __builtin_ctzll(bits);
    sb_generation_write(b->next, unit->slot + (uint32_t)(block * SB_BLOCK_ROWS) + (uint32_t)row, &b->codes->codes[row]);
  }
  pthread_mutex_unlock(&b->index->lock);
}

static void fill_unit(const build *b, const sb_rows_unit *unit) {
  for (size_t block = 0; block < unit->blocks; block++) {
    unsigned pin = sb_epoch_pin(&b->index->epoch);
    uint64_t live = atomic_load(&unit->segment->live[unit->at / SB_BLOCK_ROWS + block]);
    encode_block(b, unit->slot + (uint32_t)(block * SB_BLOCK_ROWS), live);
    enter_block(b, unit, block);
    sb_epoch_unpin(&b->index->epoch, pin);
  }
}

static sb_status fill(sb_index *index, sb_generation *next, sb_error *error) {
  build b = {.index = index,
             .next = next,
             .vectors = sb_alloc(SB_BLOCK_ROWS * index->stored.dim, sizeof *b.vectors, error),
             .y = sb_alloc((size_t)SB_BLOCK_ROWS * SB_AXES_MAX, sizeof *b.y, error),
             .codes = aligned_alloc(64, (sizeof *b.codes + 63) / 64 * 64)};
  sb_status status = SB_OK;
  size_t units = sb_rows_unit_count(&index->rows); /* writers encode the rows that they add after these */
  if (!b.vectors || !b.y || !b.codes) {
    status = sb_fail(error, SB_NO_MEMORY, "out of memory for encoding rows");
    goto done;
  }
  for (size_t u = 0; u < units; u++) {
    if (sb_index_stopping(index)) {
      status = sb_fail(error, SB_STOPPING, "the index is being freed");
      goto done;
    }
    sb_rows_unit unit = sb_rows_unit_at(&index->rows, u);
    fill_unit(&b, &unit);
  }
done:
  free(b.vectors);
  free(b.y);
  free(b.codes);
  return status;
}

/* Makes the generation known to writers, with memory for all rows. */
static sb_status announce(sb_index *index, sb_generation *next, sb_error *error) {
  sb_status status = SB_OK;
  pthread_mutex_lock(&index->lock);
  for (unsigned i = 0; status == SB_OK && i < SB_SEGMENTS_MAX; i++)
    if (atomic_load(&index->rows.segments[i])) status = sb_generation_prepare(next, i, error);
  if (status == SB_OK) index->next = next;
  pthread_mutex_unlock(&index->lock);
  return status;
}

static void withdraw(sb_index *index) {
  pthread_mutex_lock(&index->lock);
  index->next = NULL;
  pthread_mutex_unlock(&index->lock);
}

static void swap_in(sb_index *index, sb_generation *next) {
  pthread_mutex_lock(&index->lock);
  sb_generation *old = atomic_load(&index->current);
  atomic_store(&next->uncoded_count, atomic_load(&index->count) - atomic_load(&next->coded_count));
  atomic_store(&index->current, next);
  index->next = NULL;
  index->trainer.runs++;
  if (old) {
    old->older = index->older;
    old->epoch = sb_epoch_now(&index->epoch);
    index->older = old;
  }
  sb_index_reclaim(index, 0);
  pthread_mutex_unlock(&index->lock);
}

sb_status sb_index_build_generation(sb_index *index, sb_generation *next, sb_error *error) {
  double start = sb_monotonic_ms();
  sb_status status = announce(index, next, error);
  if (status != SB_OK) return status;
  status = fill(index, next, error);
  if (status != SB_OK) {
    withdraw(index);
    return status;
  }
  next->train_seconds += (sb_monotonic_ms() - start) / 1000;
  swap_in(index, next);
  return SB_OK;
}
