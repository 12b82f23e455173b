#include "vector/index/generation.h"

#include "vector/index/pages.h"

#include <stdlib.h>
#include <string.h>

sb_generation *sb_generation_new(sb_model *model, sb_error *error) {
  sb_generation *generation = sb_alloc(1, sizeof *generation, error);
  if (!generation) return NULL;
  generation->model = model;
  generation->block_bytes = sb_block_bytes(model->groups);
  return generation;
}

void sb_generation_free(sb_generation *generation) {
  if (!generation) return;
  for (unsigned i = 0; i < SB_SEGMENTS_MAX; i++) {
    sb_coded *segment = atomic_load(&generation->segments[i]);
    if (segment) sb_pages_free(segment->codes, segment->bytes, segment->huge);
    free(segment);
  }
  sb_model_free(generation->model);
  free(generation);
}

size_t sb_generation_bytes(const sb_generation *generation, size_t rows) {
  size_t row = generation->block_bytes / SB_BLOCK_ROWS + SB_LINE_BYTES + generation->model->fine_bytes;
  return rows * row + rows / 8 + sb_model_bytes(generation->model) + sizeof *generation;
}

sb_status sb_generation_prepare(sb_generation *generation, unsigned number, sb_error *error) {
  if (atomic_load(&generation->segments[number])) return SB_OK;
  size_t rows = sb_segment_rows(number), codes = rows / SB_BLOCK_ROWS * generation->block_bytes;
  sb_coded *segment = sb_alloc(1, sizeof *segment, error);
  if (!segment) return SB_NO_MEMORY;
  size_t fine = rows * generation->model->fine_bytes;
  segment->bytes = codes + rows * SB_LINE_BYTES + fine + rows / 8;
  segment->huge = number > 0;
  segment->codes = sb_pages_new(segment->bytes, segment->huge, error);
  if (!segment->codes) {
    free(segment);
    return SB_NO_MEMORY;
  }
  segment->lines = segment->codes + codes;
  segment->fine = segment->lines + rows * SB_LINE_BYTES;
  segment->coded = (_Atomic uint64_t *)(void *)(segment->fine + fine);
  atomic_store(&generation->segments[number], segment);
  return SB_OK;
}

void sb_generation_write(sb_generation *generation, uint32_t slot, const sb_row_code *code) {
  sb_coded *segment = sb_coded_segment(generation, sb_segment_of(slot));
  size_t at = slot - sb_segment_first(sb_segment_of(slot));
  sb_block_write(segment->codes + at / SB_BLOCK_ROWS * generation->block_bytes, generation->model->groups,
                 at % SB_BLOCK_ROWS, code);
  sb_line_write(segment->lines, at, code->line);
  size_t fine = generation->model->fine_bytes;
  memcpy(segment->fine + at * fine, code->fine, fine);
  atomic_fetch_add(&generation->coded_count, 1);
  atomic_fetch_or(&segment->coded[at / 64], (uint64_t)1 << at % 64);
}

bool sb_generation_hide(sb_generation *generation, uint32_t slot) {
  sb_coded *segment = sb_coded_segment(generation, sb_segment_of(slot));
  size_t at = slot - sb_segment_first(sb_segment_of(slot));
  uint64_t bit = (uint64_t)1 << at % 64;
  bool was_set = atomic_fetch_and(&segment->coded[at / 64], ~bit) & bit;
  if (was_set) atomic_fetch_sub(&generation->coded_count, 1);
  return was_set;
}

void sb_generation_erase(sb_generation *generation, uint32_t slot) {
  sb_coded *segment = sb_coded_segment(generation, sb_segment_of(slot));
  size_t at = slot - sb_segment_first(sb_segment_of(slot));
  sb_block_erase(segment->codes + at / SB_BLOCK_ROWS * generation->block_bytes, generation->model->groups,
                 at % SB_BLOCK_ROWS);
  sb_line_write(segment->lines, at, NULL);
  size_t fine = generation->model->fine_bytes;
  memset(segment->fine + at * fine, 0, fine);
}
