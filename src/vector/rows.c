#include "vector/rows.h"

#include "vector/pages.h"

#include <stdlib.h>

size_t sb_rows_units(const sb_rows *rows) {
  return (atomic_load(&rows->end) + SB_UNIT_ROWS - 1) / SB_UNIT_ROWS;
}

sb_unit sb_rows_unit(const sb_rows *rows, size_t number) {
  uint32_t slot = (uint32_t)number * SB_UNIT_ROWS;
  size_t left = atomic_load(&rows->end) - slot;
  sb_row_place first = sb_row_at(rows, slot);
  size_t blocks = left >= SB_UNIT_ROWS ? SB_UNIT_BLOCKS : (left + SB_BLOCK_ROWS - 1) / SB_BLOCK_ROWS;
  return (sb_unit){first.segment, sb_segment_of(slot), first.at, slot, blocks};
}

sb_status sb_rows_prepare(sb_rows *rows, unsigned number, sb_error *error) {
  if (atomic_load(&rows->segments[number])) return SB_OK;
  size_t count = sb_segment_rows(number), kept = (count * rows->row_bytes + 63) / 64 * 64;
  sb_segment *segment = sb_alloc(1, sizeof *segment, error);
  if (!segment) return SB_NO_MEMORY;
  segment->bytes = kept + count * (2 * sizeof(uint64_t) + sizeof(uint32_t)) + count / 8;
  segment->huge = number > 0; /* a small gallery takes small pages */
  segment->kept = sb_pages_new(segment->bytes, segment->huge, error);
  if (!segment->kept) {
    free(segment);
    return SB_NO_MEMORY;
  }
  uint8_t *at = segment->kept + kept;
  segment->keys = (_Atomic uint64_t *)(void *)at;
  segment->labels = (uint64_t *)(void *)(at + count * 8);
  segment->live = (_Atomic uint64_t *)(void *)(at + count * 16);
  segment->links = (uint32_t *)(void *)(at + count * 16 + count / 8);
  atomic_store(&rows->segments[number], segment);
  return SB_OK;
}

void sb_rows_free(sb_rows *rows) {
  for (unsigned i = 0; i < SB_SEGMENTS_MAX; i++) {
    sb_segment *segment = atomic_load(&rows->segments[i]);
    if (segment) sb_pages_free(segment->kept, segment->bytes, segment->huge);
    free(segment);
  }
}

size_t sb_rows_bytes(const sb_rows *rows) {
  const size_t row = rows->row_bytes + 2 * sizeof(uint64_t) + sizeof(uint32_t);
  size_t end = atomic_load(&rows->end);
  return end * row + end / 8;
}
