/* Segments, units and limbo bits of the rows; see rows.h. */
#include "vector/index/rows.h"

#include "vector/index/pages.h"

#include <stdlib.h>

size_t sb_rows_unit_count(const sb_rows *rows) {
  return (atomic_load(&rows->end) + SB_UNIT_ROWS - 1) / SB_UNIT_ROWS;
}

sb_rows_unit sb_rows_unit_at(const sb_rows *rows, size_t number) {
  uint32_t slot = (uint32_t)number * SB_UNIT_ROWS;
  size_t left = atomic_load(&rows->end) - slot;
  sb_rows_place first = sb_rows_at(rows, slot);
  size_t blocks = left >= SB_UNIT_ROWS ? SB_UNIT_BLOCKS : (left + SB_BLOCK_ROWS - 1) / SB_BLOCK_ROWS;
  return (sb_rows_unit){first.segment, sb_rows_segment_of(slot), first.at, slot, blocks};
}

sb_status sb_rows_prepare(sb_rows *rows, unsigned number, sb_error *error) {
  if (atomic_load(&rows->segments[number])) return SB_OK;
  size_t count = sb_rows_segment_rows(number), vectors = (count * rows->row_bytes + 63) / 64 * 64;
  sb_rows_segment *segment = sb_alloc(1, sizeof *segment, error);
  if (!segment) return SB_NO_MEMORY;
  segment->bytes = vectors + count * 2 * sizeof(uint64_t) + (1 + SB_LIMBOS) * (count / 8);
  segment->huge = number > 0; /* small collections use small pages */
  segment->vectors = sb_pages_new(segment->bytes, segment->huge, error);
  if (!segment->vectors) {
    free(segment);
    return SB_NO_MEMORY;
  }
  uint8_t *at = segment->vectors + vectors;
  segment->keys = (_Atomic uint64_t *)(void *)at;
  segment->labels = (uint64_t *)(void *)(at + count * 8);
  segment->live = (_Atomic uint64_t *)(void *)(at + count * 16);
  for (int i = 0; i < SB_LIMBOS; i++)
    segment->limbo[i] = (uint64_t *)(void *)(at + count * 16 + (size_t)(i + 1) * (count / 8));
  atomic_store(&rows->segments[number], segment);
  return SB_OK;
}

uint32_t sb_rows_next_in_limbo(const sb_rows *rows, int limbo, uint32_t from) {
  size_t end = atomic_load(&rows->end);
  for (uint32_t slot = from; slot < end; slot = (slot / 64 + 1) * 64) {
    sb_rows_place row = sb_rows_at(rows, slot);
    uint64_t bits = row.segment->limbo[limbo][row.at / 64] >> row.at % 64;
    if (bits) return slot + (uint32_t)__builtin_ctzll(bits);
  }
  return SB_NO_SLOT;
}

void sb_rows_set_limbo(const sb_rows *rows, int limbo, uint32_t slot, bool set) {
  sb_rows_place row = sb_rows_at(rows, slot);
  uint64_t bit = (uint64_t)1 << row.at % 64, *word = &row.segment->limbo[limbo][row.at / 64];
  *word = set ? *word | bit : *word & ~bit;
}

void sb_rows_free(sb_rows *rows) {
  for (unsigned i = 0; i < SB_SEGMENTS_MAX; i++) {
    sb_rows_segment *segment = atomic_load(&rows->segments[i]);
    if (segment) sb_pages_free(segment->vectors, segment->bytes, segment->huge);
    free(segment);
  }
}

size_t sb_rows_bytes(const sb_rows *rows) {
  size_t end = atomic_load(&rows->end);
  return end * (rows->row_bytes + 2 * sizeof(uint64_t)) + (1 + SB_LIMBOS) * (end / 8);
}
