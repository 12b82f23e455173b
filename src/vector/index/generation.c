/* The codes of all rows under one quantizer: memory, writing and erasing; see generation.h. */
#include "vector/index/generation.h"

#include "vector/index/pages.h"

#include <stdlib.h>
#include <string.h>

sb_generation *sb_generation_new(sb_quantizer *quantizer, sb_error *error) {
  sb_generation *generation = sb_alloc(1, sizeof *generation, error);
  if (!generation) return NULL;
  generation->quantizer = quantizer;
  generation->block_bytes = sb_kernels_block_bytes(quantizer->subspaces);
  return generation;
}

void sb_generation_free(sb_generation *generation) {
  if (!generation) return;
  for (unsigned i = 0; i < SB_SEGMENTS_MAX; i++) {
    sb_generation_segment *segment = atomic_load(&generation->segments[i]);
    if (segment) sb_pages_free(segment->codes, segment->bytes, segment->huge);
    free(segment);
  }
  sb_quantizer_free(generation->quantizer);
  free(generation);
}

size_t sb_generation_bytes(const sb_generation *generation, size_t rows) {
  size_t row = generation->block_bytes / SB_BLOCK_ROWS + SB_REFINEMENT_BYTES + generation->quantizer->residual_bytes;
  return rows * row + rows / 8 + sb_quantizer_bytes(generation->quantizer) + sizeof *generation;
}

sb_status sb_generation_prepare(sb_generation *generation, unsigned number, sb_error *error) {
  if (atomic_load(&generation->segments[number])) return SB_OK;
  size_t rows = sb_rows_segment_rows(number), codes = rows / SB_BLOCK_ROWS * generation->block_bytes;
  sb_generation_segment *segment = sb_alloc(1, sizeof *segment, error);
  if (!segment) return SB_NO_MEMORY;
  size_t residual_bytes = rows * generation->quantizer->residual_bytes;
  segment->bytes = codes + rows * SB_REFINEMENT_BYTES + residual_bytes + rows / 8;
  segment->huge = number > 0;
  segment->codes = sb_pages_new(segment->bytes, segment->huge, error);
  if (!segment->codes) {
    free(segment);
    return SB_NO_MEMORY;
  }
  segment->refinement = segment->codes + codes;
  segment->residual = segment->refinement + rows * SB_REFINEMENT_BYTES;
  segment->coded = (_Atomic uint64_t *)(void *)(segment->residual + residual_bytes);
  atomic_store(&generation->segments[number], segment);
  return SB_OK;
}

void sb_generation_write(sb_generation *generation, uint32_t slot, const sb_quantizer_codes *codes) {
  sb_generation_segment *segment = sb_generation_segment_at(generation, sb_rows_segment_of(slot));
  size_t at = slot - sb_rows_segment_first(sb_rows_segment_of(slot));
  sb_quantizer_block_write(segment->codes + at / SB_BLOCK_ROWS * generation->block_bytes,
                           generation->quantizer->subspaces, at % SB_BLOCK_ROWS, codes);
  sb_quantizer_refinement_write(segment->refinement, at, codes->refinement);
  size_t residual_bytes = generation->quantizer->residual_bytes;
  memcpy(segment->residual + at * residual_bytes, codes->residual, residual_bytes);
  atomic_fetch_add(&generation->coded_count, 1);
  atomic_fetch_or(&segment->coded[at / 64], (uint64_t)1 << at % 64);
}

bool sb_generation_hide(sb_generation *generation, uint32_t slot) {
  sb_generation_segment *segment = sb_generation_segment_at(generation, sb_rows_segment_of(slot));
  size_t at = slot - sb_rows_segment_first(sb_rows_segment_of(slot));
  uint64_t bit = (uint64_t)1 << at % 64;
  bool was_set = atomic_fetch_and(&segment->coded[at / 64], ~bit) & bit;
  if (was_set) atomic_fetch_sub(&generation->coded_count, 1);
  return was_set;
}

void sb_generation_erase(sb_generation *generation, uint32_t slot) {
  sb_generation_segment *segment = sb_generation_segment_at(generation, sb_rows_segment_of(slot));
  size_t at = slot - sb_rows_segment_first(sb_rows_segment_of(slot));
  sb_quantizer_block_erase(segment->codes + at / SB_BLOCK_ROWS * generation->block_bytes,
                           generation->quantizer->subspaces, at % SB_BLOCK_ROWS);
  sb_quantizer_refinement_write(segment->refinement, at, NULL);
  size_t residual_bytes = generation->quantizer->residual_bytes;
  memset(segment->residual + at * residual_bytes, 0, residual_bytes);
}
