/* A row as it is kept for exact scores: float16, int8 behind a float32 scale, or float32. */
#ifndef SB_VECTOR_KEPT_H
#define SB_VECTOR_KEPT_H

#include "vector/kernels.h"
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

#endif
