/* A generation: the codes of all rows under one quantizer. An index has one current generation, which searches use;
 * while it is retrained, a second one is being filled. Rows, keys and slots belong to the index and are common to both.
 *
 * Segments correspond to those of the rows (rows.h). Each is one mapping:
 *     product quantization codes, in blocks of 64 rows | refinement codes | residual codes (if used) | coded bits
 *
 * Invariants
 *   1. The codes of a row are written before its `coded` bit is set (release), and stay unchanged while a reader that
 *      could have seen the bit is active. A live row without the bit is uncoded: every search scores it exactly.
 *   2. coded_count is the number of coded bits set. uncoded_count is the number of live rows without one; such a row is
 *      counted before it becomes visible. uncoded_count is maintained from the moment the
 *      generation becomes current. */
#ifndef SB_VECTOR_INDEX_GENERATION_H
#define SB_VECTOR_INDEX_GENERATION_H

#include "vector/index/rows.h"
#include "vector/quantizer/quantizer.h"

typedef struct sb_generation_segment {
  uint8_t *codes, *refinement, *residual; /* codes: the start of the mapping */
  _Atomic uint64_t *coded;
  size_t bytes;
  bool huge;
} sb_generation_segment;

typedef struct sb_generation {
  sb_quantizer *quantizer; /* owned */
  size_t block_bytes;      /* of the product quantization codes of 64 rows */
  _Atomic(sb_generation_segment *) segments[SB_SEGMENTS_MAX];
  _Atomic size_t coded_count, uncoded_count;
  size_t trained_rows;
  double train_seconds;
  _Atomic double recall;       /* measured (search/recall.h) */
  struct sb_generation *older; /* list of replaced generations that readers may still use */
  uint64_t epoch;              /* in which it was replaced */
} sb_generation;

/* NULL: the segment did not exist when the generation was current. */
static inline sb_generation_segment *sb_generation_segment_at(const sb_generation *generation, unsigned segment) {
  return atomic_load_explicit(&generation->segments[segment], memory_order_acquire);
}

sb_generation *sb_generation_new(sb_quantizer *quantizer, sb_error *error); /* owns the quantizer only on success */
void sb_generation_free(sb_generation *generation);
size_t sb_generation_bytes(const sb_generation *generation, size_t rows);

/* ---- Writers, under their lock */

/* Maps a segment, given its number, unless it is mapped. */
sb_status sb_generation_prepare(sb_generation *generation, unsigned number, sb_error *error);
void sb_generation_write(sb_generation *generation, uint32_t slot, const sb_quantizer_codes *codes); /* sets the bit */
bool sb_generation_hide(sb_generation *generation, uint32_t slot);  /* clears the bit; false: it was not set */
void sb_generation_erase(sb_generation *generation, uint32_t slot); /* writes zeros, once no reader is left */

#endif
