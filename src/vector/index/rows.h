/* Where rows live: slots in segments that never move, so that growing copies nothing and readers need no lock.
 *
 *     slot      0 ........ 8191 | 8192 .. 16383 | 16384 .. 32767 | 32768 .. 65535 | ...
 *     segment         0         |       1       |       2        |       3        |   each as large as all before
 *
 * A segment is one mapping: kept rows | keys | labels | live bits | limbo bits; its pages are taken up as rows come.
 *
 * Invariants
 *   1. A slot below `end` is live (its bit is set), or waits for readers (a limbo bit is set), or is free.
 *   2. Everything of a row is written before its bit is set (release) and stays as it is until no reader that could have
 *      seen the bit looks any more. So whoever reads a set bit (acquire) while pinned may read the row.
 *   3. What is free holds zeros, but for its label: that links the free slots. */
#ifndef SB_VECTOR_INDEX_ROWS_H
#define SB_VECTOR_INDEX_ROWS_H

#include "vector/index/stored_row.h"

#include <stdatomic.h>

enum { SB_UNIT_ROWS = 8192, SB_UNIT_BLOCKS = SB_UNIT_ROWS / SB_BLOCK_ROWS, SB_SEGMENTS_MAX = 19, SB_LIMBOS = 3 };
#define SB_NO_SLOT UINT32_MAX
#define SB_SLOTS_MAX ((size_t)SB_UNIT_ROWS << (SB_SEGMENTS_MAX - 1)) /* 2^31 */

typedef struct sb_segment {
  uint8_t *kept;
  _Atomic uint64_t *keys; /* also read by look-ups that do not know yet whether the row is theirs */
  uint64_t *labels;
  _Atomic uint64_t *live;
  uint64_t *limbo[SB_LIMBOS]; /* writers only */
  size_t bytes;               /* of the mapping */
  bool huge;
} sb_segment;

typedef struct sb_rows {
  size_t row_bytes;
  _Atomic(sb_segment *) segments[SB_SEGMENTS_MAX];
  _Atomic size_t end; /* slots used so far */
} sb_rows;

static inline unsigned sb_segment_of(uint32_t slot) {
  uint32_t unit = slot / SB_UNIT_ROWS;
  return unit ? 32 - (unsigned)__builtin_clz(unit) : 0;
}
static inline uint32_t sb_segment_first(unsigned segment) {
  return segment ? (uint32_t)SB_UNIT_ROWS << (segment - 1) : 0;
}
static inline size_t sb_segment_rows(unsigned segment) {
  return (size_t)SB_UNIT_ROWS << (segment ? segment - 1 : 0);
}

/* A slot's place. */
typedef struct sb_row_place {
  sb_segment *segment;
  size_t at;
} sb_row_place;
static inline sb_row_place sb_row_at(const sb_rows *rows, uint32_t slot) {
  unsigned segment = sb_segment_of(slot);
  return (sb_row_place){atomic_load_explicit(&rows->segments[segment], memory_order_acquire),
                        slot - sb_segment_first(segment)};
}
static inline uint8_t *sb_row_kept(const sb_rows *rows, uint32_t slot) {
  sb_row_place row = sb_row_at(rows, slot);
  return row.segment->kept + row.at * rows->row_bytes;
}
static inline uint64_t sb_row_key(const sb_rows *rows, uint32_t slot) {
  sb_row_place row = sb_row_at(rows, slot);
  return atomic_load_explicit(&row.segment->keys[row.at], memory_order_acquire);
}
static inline void sb_row_prefetch_key(sb_row_place row) {
  const volatile void *key = &row.segment->keys[row.at]; /* the built-in takes what is not atomic only */
  __builtin_prefetch((const void *)(uintptr_t)key);
}
static inline uint64_t sb_row_label(const sb_rows *rows, uint32_t slot) {
  sb_row_place row = sb_row_at(rows, slot);
  return row.segment->labels[row.at];
}
static inline bool sb_row_live(const sb_rows *rows, uint32_t slot) {
  sb_row_place row = sb_row_at(rows, slot);
  return atomic_load_explicit(&row.segment->live[row.at / 64], memory_order_acquire) >> row.at % 64 & 1;
}

/* The bits of up to SB_UNIT_BLOCKS blocks: a unit, the portion of work that threads share out. */
typedef struct sb_unit {
  sb_segment *segment;
  unsigned segment_number;
  size_t at;     /* the first row within the segment */
  uint32_t slot; /* the same as a slot */
  size_t blocks; /* with rows below the end */
} sb_unit;
size_t sb_rows_units(const sb_rows *rows);
sb_unit sb_rows_unit(const sb_rows *rows, size_t number);

/* Writers, under their lock. The first slot from `from` on whose limbo bit is set; SB_NO_SLOT: there is none. */
uint32_t sb_rows_next_in_limbo(const sb_rows *rows, int limbo, uint32_t from);
void sb_rows_set_limbo(const sb_rows *rows, int limbo, uint32_t slot, bool set);
/* Makes sure that the segment is there. */
sb_status sb_rows_prepare(sb_rows *rows, unsigned segment, sb_error *error);
void sb_rows_free(sb_rows *rows);
size_t sb_rows_bytes(const sb_rows *rows); /* in use */

#endif
