/* Storage of rows: numbered slots in segments that never move, so that growing copies nothing and readers need no lock.
 *
 *     slot      0 ........ 8191 | 8192 .. 16383 | 16384 .. 32767 | 32768 .. 65535 | ...
 *     segment         0         |       1       |       2        |       3        |   each as large as all before it
 *
 * A segment is one mapping: stored vectors | keys | labels | live bits | limbo bits. Physical pages are taken as rows
 * arrive. Scans divide the slots into units of 8,192 rows (the portions that threads take), and these into blocks of 64
 * rows (one word of live bits, one block of codes).
 *
 * Invariants
 *   1. A slot below `end` is live (its live bit is set), or in limbo, removed but perhaps still being read (one of its
 *      limbo bits is set), or free.
 *   2. Everything of a row is written before its live bit is set (release), and stays unchanged until no reader that
 *      could have seen the bit is active. So a reader that finds the bit set (acquire) while it has pinned the epoch
 *      may read the row.
 *   3. A free slot contains zeros, except for its label, which links the free slots. */
#ifndef SB_VECTOR_INDEX_ROWS_H
#define SB_VECTOR_INDEX_ROWS_H

#include "vector/index/stored_row.h"

#include <stdatomic.h>

enum { SB_UNIT_ROWS = 8192, SB_UNIT_BLOCKS = SB_UNIT_ROWS / SB_BLOCK_ROWS, SB_SEGMENTS_MAX = 19, SB_LIMBOS = 3 };
#define SB_NO_SLOT UINT32_MAX
#define SB_SLOTS_MAX ((size_t)SB_UNIT_ROWS << (SB_SEGMENTS_MAX - 1)) /* 2^31 */

typedef struct sb_rows_segment {
  uint8_t *vectors;       /* stored_row.h; the start of the mapping */
  _Atomic uint64_t *keys; /* atomic because key lookups read them before they know whether the slot is theirs */
  uint64_t *labels;
  _Atomic uint64_t *live;
  uint64_t *limbo[SB_LIMBOS]; /* writers only */
  size_t bytes;               /* of the mapping */
  bool huge;
} sb_rows_segment;

typedef struct sb_rows {
  size_t row_bytes;
  _Atomic(sb_rows_segment *) segments[SB_SEGMENTS_MAX];
  _Atomic size_t end; /* slots in use so far */
} sb_rows;

static inline unsigned sb_rows_segment_of(uint32_t slot) {
  uint32_t unit = slot / SB_UNIT_ROWS;
  return unit ? 32 - (unsigned)__builtin_clz(unit) : 0;
}
/* First slot of a segment, and its number of slots. */
static inline uint32_t sb_rows_segment_first(unsigned segment) {
  return segment ? (uint32_t)SB_UNIT_ROWS << (segment - 1) : 0;
}
static inline size_t sb_rows_segment_rows(unsigned segment) {
  return (size_t)SB_UNIT_ROWS << (segment ? segment - 1 : 0);
}

/* Where a slot is: its segment and its number within it. */
typedef struct sb_rows_place {
  sb_rows_segment *segment;
  size_t at;
} sb_rows_place;
static inline sb_rows_place sb_rows_at(const sb_rows *rows, uint32_t slot) {
  unsigned segment = sb_rows_segment_of(slot);
  return (sb_rows_place){atomic_load_explicit(&rows->segments[segment], memory_order_acquire),
                         slot - sb_rows_segment_first(segment)};
}
static inline uint8_t *sb_rows_vector(const sb_rows *rows, uint32_t slot) {
  sb_rows_place row = sb_rows_at(rows, slot);
  return row.segment->vectors + row.at * rows->row_bytes;
}
static inline uint64_t sb_rows_key(const sb_rows *rows, uint32_t slot) {
  sb_rows_place row = sb_rows_at(rows, slot);
  return atomic_load_explicit(&row.segment->keys[row.at], memory_order_acquire);
}
static inline void sb_rows_prefetch_key(sb_rows_place row) {
  const volatile void *key = &row.segment->keys[row.at]; /* the builtin refuses pointers to atomic types */
  __builtin_prefetch((const void *)(uintptr_t)key);
}
static inline uint64_t sb_rows_label(const sb_rows *rows, uint32_t slot) {
  sb_rows_place row = sb_rows_at(rows, slot);
  return row.segment->labels[row.at];
}
static inline bool sb_rows_live(const sb_rows *rows, uint32_t slot) {
  sb_rows_place row = sb_rows_at(rows, slot);
  return atomic_load_explicit(&row.segment->live[row.at / 64], memory_order_acquire) >> row.at % 64 & 1;
}

/* Up to SB_UNIT_BLOCKS consecutive blocks of one segment: the portion of a scan that a thread takes at a time. */
typedef struct sb_rows_unit {
  sb_rows_segment *segment;
  unsigned segment_number;
  size_t at;     /* the first row, within the segment */
  uint32_t slot; /* the same row's slot */
  size_t blocks; /* those with slots below `end` */
} sb_rows_unit;
size_t sb_rows_unit_count(const sb_rows *rows);
sb_rows_unit sb_rows_unit_at(const sb_rows *rows, size_t number);

/* ---- Writers, under their lock */

/* The first slot from `from` on whose bit in that limbo is set; SB_NO_SLOT: none. */
uint32_t sb_rows_next_in_limbo(const sb_rows *rows, int limbo, uint32_t from);
void sb_rows_set_limbo(const sb_rows *rows, int limbo, uint32_t slot, bool set);
/* Maps a segment, given its number, unless it is mapped. */
sb_status sb_rows_prepare(sb_rows *rows, unsigned number, sb_error *error);
void sb_rows_free(sb_rows *rows);
size_t sb_rows_bytes(const sb_rows *rows); /* in use */

#endif
