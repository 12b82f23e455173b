/* The codes of all rows under one model. A gallery has one generation that is searched, and while it learns again a second
 * one that is being filled; rows, keys and slots belong to the index and are common to both.
 *
 * Invariants
 *   1. A row with its `coded` bit set has its codes written before (release), and they stay as they are while a reader that could
 *      have seen the bit looks. A live row without the bit is plain: searches score it exactly.
 *   2. coded_count is the number of bits set; `plain` that of live rows without one, counted before such a row becomes visible. It
 *      is kept from the moment the generation is searched. */
#ifndef SB_VECTOR_INDEX_GENERATION_H
#define SB_VECTOR_INDEX_GENERATION_H

#include "vector/index/rows.h"
#include "vector/quantizer/quantizer.h"

typedef struct sb_coded {
  uint8_t *codes, *lines, *fine; /* blocks; lines of 64 bytes; fine codes, if the model has them */
  _Atomic uint64_t *coded;
  size_t bytes;
  bool huge;
} sb_coded;

typedef struct sb_generation {
  sb_model *model; /* owned */
  size_t block_bytes;
  _Atomic(sb_coded *) segments[SB_SEGMENTS_MAX];
  _Atomic size_t coded_count, plain;
  size_t learnt_rows;
  double learn_seconds;
  _Atomic double recall;       /* as tried out */
  struct sb_generation *older; /* among those that wait for their last readers */
  uint64_t epoch;
} sb_generation;

static inline sb_coded *sb_coded_segment(const sb_generation *generation, unsigned segment) {
  return atomic_load_explicit(&generation->segments[segment], memory_order_acquire);
}

sb_generation *sb_generation_new(sb_model *model, sb_error *error); /* takes the model only when it succeeds */
void sb_generation_free(sb_generation *generation);
size_t sb_generation_bytes(const sb_generation *generation, size_t rows);

/* Writers, under their lock. */
sb_status sb_generation_prepare(sb_generation *generation, unsigned segment, sb_error *error);
void sb_generation_write(sb_generation *generation, uint32_t slot, const sb_row_code *code); /* and sets the bit */
bool sb_generation_hide(sb_generation *generation, uint32_t slot);  /* clears the bit; false: it was not set */
void sb_generation_erase(sb_generation *generation, uint32_t slot); /* zeros, when nobody looks any more */

#endif
