/* A row as it is kept for exact scores: float16, int8 behind a float32 scale, or float32 in halves: sign, exponent and 7 bits of the
 * fraction of all values, then the other 16 bits of all. Whoever reads the first half of such a row knows its score but for a little. */
#ifndef SB_VECTOR_INDEX_STORED_ROW_H
#define SB_VECTOR_INDEX_STORED_ROW_H

#include "vector/kernels/kernels.h"
#include "vector/vector.h"

typedef struct sb_kept {
  const sb_kernels *kernels;
  size_t dim;
  sb_precision precision;
} sb_kept;

size_t sb_kept_bytes(const sb_kept *kept); /* a row: a multiple of 4 */
/* SB_INVALID: a value is too large. `row` is aligned to 4. */
sb_status sb_kept_write(const sb_kept *kept, const float *vector, void *row, sb_error *error);
void sb_kept_read(const sb_kept *kept, const void *row, float *vector);
/* The score. */
float sb_kept_dot(const sb_kept *kept, const float *query, const void *row);

/* Of rows in halves: the bytes of the upper one (0: rows have no halves); its score; and how far that may be from the row's:
 * |score - upper score| <= |query| * error, but for the sums' rounding. */
size_t sb_kept_upper_bytes(const sb_kept *kept);
float sb_kept_upper_dot(const sb_kept *kept, const float *query, const void *row);
float sb_kept_upper_error(const sb_kept *kept, const void *row);

#endif
