/* The stored form of a vector, from which exact scores are computed.
 *
 *     SB_PRECISION_F16   float16 values
 *     SB_PRECISION_I8    float32 scale | int8 values; value = scale * int8
 *     SB_PRECISION_F32   float32 values cut in halves: the upper 16 bits of every value (sign, exponent, 7 bits of the
 *                        fraction), then the lower 16 bits of every value
 *
 * Reading only the upper halves of a float32 row gives its score within a small known error, from half the memory
 * traffic. A row's size is a multiple of 4 bytes. */
#ifndef SB_VECTOR_INDEX_STORED_ROW_H
#define SB_VECTOR_INDEX_STORED_ROW_H

#include "vector/kernels/kernels.h"
#include "vector/vector.h"

typedef struct sb_stored_format {
  const sb_kernels *kernels;
  size_t dim;
  sb_precision precision;
} sb_stored_format;

size_t sb_stored_bytes(const sb_stored_format *format); /* of a row */
/* SB_INVALID: a value is too large for the format. `row` is aligned to 4. */
sb_status sb_stored_write(const sb_stored_format *format, const float *vector, void *row, sb_error *error);
void sb_stored_read(const sb_stored_format *format, const void *row, float *vector);
/* The score: inner product of the query and the stored row. */
float sb_stored_dot(const sb_stored_format *format, const float *query, const void *row);

/* Upper halves of float32 rows: their size in bytes (0: the format has no halves); the score that they give; and the
 * row's error, with |score - upper score| <= |query| * error, apart from rounding of the sums. */
size_t sb_stored_upper_bytes(const sb_stored_format *format);
float sb_stored_upper_dot(const sb_stored_format *format, const float *query, const void *row);
float sb_stored_upper_error(const sb_stored_format *format, const void *row);

#endif
