#include "vector/kept.h"

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
  case SB_KEEP_F32: memcpy(row, vector, kept->dim * sizeof *vector); break;
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
  case SB_KEEP_F32: memcpy(vector, row, kept->dim * sizeof *vector); break;
  }
}

float sb_kept_dot(const sb_kept *kept, const float *query, const void *row) {
  float scale;
  switch (kept->precision) {
  case SB_KEEP_F16: return kept->kernels->dot_f16(query, row, kept->dim);
  case SB_KEEP_I8:
    memcpy(&scale, row, sizeof scale);
    return scale * kept->kernels->dot_i8(query, (const int8_t *)row + sizeof scale, kept->dim);
  case SB_KEEP_F32: return kept->kernels->dot_f32(query, row, kept->dim);
  }
  return 0;
}
