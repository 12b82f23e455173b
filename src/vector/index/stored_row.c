#include "vector/index/stored_row.h"

#include <float.h>
#include <math.h>
#include <string.h>

size_t sb_kept_bytes(const sb_kept *kept) {
  switch (kept->precision) {
  case SB_KEEP_F16: return (kept->dim + 1) / 2 * 4;
  case SB_KEEP_I8: return sizeof(float) + (kept->dim + 3) / 4 * 4;
  case SB_KEEP_F32: return kept->dim * 4;
  }
  return 0;
}

static void write_i8(const float *vector, size_t n, float most, void *row) {
  float scale = most / 127;
  int8_t *values = (int8_t *)row + sizeof scale;
  memcpy(row, &scale, sizeof scale);
  for (size_t i = 0; i < n; i++) values[i] = (int8_t)(most > 0 ? lrintf(vector[i] / most * 127) : 0);
}

sb_status sb_kept_write(const sb_kept *kept, const float *vector, void *row, sb_error *error) {
  float most;
  uint32_t bits = kept->kernels->largest_bits(vector, kept->dim);
  memcpy(&most, &bits, sizeof most);
  /* Beyond the first, float16 rounds to infinity; beyond the second, sums of 4,096 products may. */
  if (most >= (kept->precision == SB_KEEP_F16 ? 65520.0f : 1e15f))
    return sb_fail(error, SB_INVALID, "a vector's value is too large to be kept");
  switch (kept->precision) {
  case SB_KEEP_F16: kept->kernels->to_f16(vector, row, kept->dim); break;
  case SB_KEEP_I8: write_i8(vector, kept->dim, most, row); break;
  case SB_KEEP_F32: kept->kernels->split(vector, row, kept->dim); break;
  }
  return SB_OK;
}

void sb_kept_read(const sb_kept *kept, const void *row, float *vector) {
  float scale;
  switch (kept->precision) {
  case SB_KEEP_F16: kept->kernels->from_f16(row, vector, kept->dim); break;
  case SB_KEEP_I8:
    memcpy(&scale, row, sizeof scale);
    for (size_t i = 0; i < kept->dim; i++) vector[i] = scale * ((const int8_t *)row)[sizeof scale + i];
    break;
  case SB_KEEP_F32: kept->kernels->join(row, vector, kept->dim); break;
  }
}

/* Apart, so that the other scores need no room for a vector. */
__attribute__((noinline)) static float dot_halves(const sb_kept *kept, const float *query, const void *row) {
  float vector[SB_DIM_MAX];
  kept->kernels->join(row, vector, kept->dim);
  return kept->kernels->dot_f32(query, vector, kept->dim);
}

float sb_kept_dot(const sb_kept *kept, const float *query, const void *row) {
  float scale;
  switch (kept->precision) {
  case SB_KEEP_F16: return kept->kernels->dot_f16(query, row, kept->dim);
  case SB_KEEP_I8:
    memcpy(&scale, row, sizeof scale);
    return scale * kept->kernels->dot_i8(query, (const int8_t *)row + sizeof scale, kept->dim);
  case SB_KEEP_F32: return dot_halves(kept, query, row);
  }
  return 0;
}

size_t sb_kept_upper_bytes(const sb_kept *kept) {
  return kept->precision == SB_KEEP_F32 ? kept->dim * sizeof(uint16_t) : 0;
}

float sb_kept_upper_dot(const sb_kept *kept, const float *query, const void *row) {
  return kept->kernels->dot_upper(query, row, kept->dim);
}

float sb_kept_upper_error(const sb_kept *kept, const void *row) {
  float vector[SB_DIM_MAX], upper[SB_DIM_MAX];
  uint16_t halves[2 * SB_DIM_MAX];
  const size_t n = kept->dim;
  memcpy(halves, row, n * sizeof *halves);
  for (size_t i = 0; i < n; i++) halves[n + i] = SB_UPPER_MIDDLE;
  kept->kernels->join(halves, upper, n);
  kept->kernels->join(row, vector, n);
  for (size_t i = 0; i < n; i++) vector[i] -= upper[i]; /* exact but for the smallest */
  return sqrtf(kept->kernels->dot_f32(vector, vector, n)) * (1 + (float)n * FLT_EPSILON);
}
