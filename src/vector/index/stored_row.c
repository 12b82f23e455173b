/* Conversion and scores of stored vectors; see stored_row.h. */
#include "vector/index/stored_row.h"

#include <float.h>
#include <math.h>
#include <string.h>

size_t sb_stored_bytes(const sb_stored_format *format) {
  switch (format->precision) {
  case SB_PRECISION_F16: return (format->dim + 1) / 2 * 4;
  case SB_PRECISION_I8: return sizeof(float) + (format->dim + 3) / 4 * 4;
  case SB_PRECISION_F32: return format->dim * 4;
  }
  return 0;
}

static void write_i8(const float *vector, size_t n, float most, void *row) {
  float scale = most / 127;
  int8_t *values = (int8_t *)row + sizeof scale;
  memcpy(row, &scale, sizeof scale);
  for (size_t i = 0; i < n; i++) values[i] = (int8_t)(most > 0 ? lrintf(vector[i] / most * 127) : 0);
}

sb_status sb_stored_write(const sb_stored_format *format, const float *vector, void *row, sb_error *error) {
  float most;
  uint32_t bits = format->kernels->max_abs_bits(vector, format->dim);
  memcpy(&most, &bits, sizeof most);
  /* Larger values: float16 rounds to infinity; sums of 4,096 products of float32 values may overflow. */
  if (most >= (format->precision == SB_PRECISION_F16 ? 65520.0f : 1e15f))
    return sb_fail(error, SB_INVALID, "a value of the vector is too large for the index to store");
  switch (format->precision) {
  case SB_PRECISION_F16: format->kernels->to_f16(vector, row, format->dim); break;
  case SB_PRECISION_I8: write_i8(vector, format->dim, most, row); break;
  case SB_PRECISION_F32: format->kernels->split_halves(vector, row, format->dim); break;
  }
  return SB_OK;
}

void sb_stored_read(const sb_stored_format *format, const void *row, float *vector) {
  float scale;
  switch (format->precision) {
  case SB_PRECISION_F16: format->kernels->from_f16(row, vector, format->dim); break;
  case SB_PRECISION_I8:
    memcpy(&scale, row, sizeof scale);
    for (size_t i = 0; i < format->dim; i++) vector[i] = scale * ((const int8_t *)row)[sizeof scale + i];
    break;
  case SB_PRECISION_F32: format->kernels->join_halves(row, vector, format->dim); break;
  }
}

/* Not inlined, so that only float32 rows need stack space for a vector. */
__attribute__((noinline)) static float dot_halves(const sb_stored_format *format, const float *query, const void *row) {
  float vector[SB_DIM_MAX];
  format->kernels->join_halves(row, vector, format->dim);
  return format->kernels->dot_f32(query, vector, format->dim);
}

float sb_stored_dot(const sb_stored_format *format, const float *query, const void *row) {
  float scale;
  switch (format->precision) {
  case SB_PRECISION_F16: return format->kernels->dot_f16(query, row, format->dim);
  case SB_PRECISION_I8:
    memcpy(&scale, row, sizeof scale);
    return scale * format->kernels->dot_i8(query, (const int8_t *)row + sizeof scale, format->dim);
  case SB_PRECISION_F32: return dot_halves(format, query, row);
  }
  return 0;
}

size_t sb_stored_upper_bytes(const sb_stored_format *format) {
  return format->precision == SB_PRECISION_F32 ? format->dim * sizeof(uint16_t) : 0;
}

float sb_stored_upper_dot(const sb_stored_format *format, const float *query, const void *row) {
  return format->kernels->dot_upper(query, row, format->dim);
}

float sb_stored_upper_error(const sb_stored_format *format, const void *row) {
  float vector[SB_DIM_MAX], upper[SB_DIM_MAX];
  uint16_t halves[2 * SB_DIM_MAX];
  const size_t n = format->dim;
  memcpy(halves, row, n * sizeof *halves);
  for (size_t i = 0; i < n; i++) halves[n + i] = SB_UPPER_MIDDLE;
  format->kernels->join_halves(halves, upper, n);
  format->kernels->join_halves(row, vector, n);
  for (size_t i = 0; i < n; i++) vector[i] -= upper[i]; /* exact except for the smallest values */
  return sqrtf(format->kernels->dot_f32(vector, vector, n)) * (1 + (float)n * FLT_EPSILON);
}
