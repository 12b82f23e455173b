/* Kernels in plain C: the reference with which every other variant is compared, bit for bit. kernels.h describes them.
 * */
#include "vector/kernels/half.h"
#include "vector/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { LANES = 32 };

static float add_up(float lanes[LANES]) {
  for (size_t half = LANES / 2; half; half /= 2)
    for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

float sb_kernel_dot_f32_scalar(const float *query, const void *row, size_t n) {
  const float *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % LANES] = fmaf(query[i], x[i], lanes[i % LANES]);
  return add_up(lanes);
}

float sb_kernel_dot_f16_scalar(const float *query, const void *row, size_t n) {
  const uint16_t *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % LANES] = fmaf(query[i], sb_half_to_float(x[i]), lanes[i % LANES]);
  return add_up(lanes);
}

float sb_kernel_dot_i8_scalar(const float *query, const void *row, size_t n) {
  const int8_t *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % LANES] = fmaf(query[i], x[i], lanes[i % LANES]);
  return add_up(lanes);
}

float sb_kernel_dot_upper_scalar(const float *query, const void *row, size_t n) {
  const uint16_t *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)x[i] << 16 | SB_UPPER_MIDDLE;
    float value;
    memcpy(&value, &bits, sizeof value);
    lanes[i % LANES] = fmaf(query[i], value, lanes[i % LANES]);
  }
  return add_up(lanes);
}

void sb_kernel_to_f16_scalar(const float *in, uint16_t *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = sb_half_from_float(in[i]);
}

void sb_kernel_from_f16_scalar(const uint16_t *in, float *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = sb_half_to_float(in[i]);
}

static int8_t add_saturating(int a, int b) {
  int sum = a + b;
  return (int8_t)(sum > 127 ? 127 : sum < -128 ? -128 : sum);
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_score_block_scalar(const uint8_t *block, size_t subspaces, const int8_t *tables,
                                                         int least, int8_t scores[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  for (size_t row = 0; row < SB_BLOCK_ROWS; row++) {
    int8_t even = 0, odd = 0;
    const uint8_t *at = block + row;
    const int8_t *table = tables;
    for (size_t g = 0; g < subspaces; g += 4, at += (size_t)3 * SB_BLOCK_ROWS, table += (size_t)4 * SB_CENTROIDS) {
      unsigned a = at[0], b = at[SB_BLOCK_ROWS], c = at[(size_t)2 * SB_BLOCK_ROWS];
      unsigned d = a >> 6 | (b >> 6) << 2 | (c >> 6) << 4;
      even = add_saturating(even, table[a & 63]);
      odd = add_saturating(odd, table[SB_CENTROIDS + (b & 63)]);
      even = add_saturating(even, table[2 * SB_CENTROIDS + (c & 63)]);
      odd = add_saturating(odd, table[3 * SB_CENTROIDS + d]);
    }
    scores[row] = add_saturating(even, odd);
    mask |= (uint64_t)(scores[row] > least) << row;
  }
  return mask;
}

void sb_kernel_scan_scalar(const uint8_t *blocks, size_t count, size_t subspaces, const int8_t *tables, int threshold,
                           uint64_t *masks) {
  int8_t scores[SB_BLOCK_ROWS];
  for (size_t b = 0; b < count; b++)
    masks[b] = sb_kernel_score_block_scalar(blocks + b * sb_kernels_block_bytes(subspaces), subspaces, tables,
                                            threshold, scores);
}

/* The weighted sum of the numbers in one byte of code. */
static int32_t numbers(unsigned code, const sb_kernels_weights *w, size_t byte, bool nibbles, bool length) {
  if (length) return w->weight[0][byte] * (int)(code & 127);
  if (nibbles) return w->weight[0][byte] * (int)(code & 15) + w->weight[1][byte] * (int)(code >> 4);
  int32_t sum = 0;
  for (int f = 0; f < 4; f++) sum += w->weight[f][byte] * (int)(code >> 2 * f & 3);
  return sum;
}

static int32_t refine_estimate(const uint8_t *refinement, uint32_t row, const sb_kernels_weights *w) {
  int32_t sum = 0;
  for (size_t b = 0; b < SB_REFINEMENT_BYTES; b++)
    sum += numbers(refinement[sb_kernels_refinement_at(row, b)], w, b, b < w->nibbles, b >= SB_REFINEMENT_BYTES - 2) *
           (1 << w->shift[b / SB_LANE_BYTES]);
  return sum;
}

void sb_kernel_refine_at_scalar(const uint8_t *refinement, const uint32_t *rows, size_t count,
                                const sb_kernels_weights *weights, int32_t *estimates) {
  for (size_t i = 0; i < count; i++) estimates[i] = refine_estimate(refinement, rows[i], weights);
}

void sb_kernel_residual_at_scalar(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,
                                  const sb_kernels_weights *weights, int32_t *sums) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *codes = base + (size_t)rows[i] * bytes;
    sums[i] = 0;
    for (size_t b = 0; b < bytes; b++)
      sums[i] += numbers(codes[b], weights, b, false, b >= bytes - 2) * (1 << weights->shift[b / SB_LANE_BYTES]);
  }
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_refine_block_scalar(const uint8_t *refinement, const sb_kernels_weights *weights,
                                                          int32_t least, int32_t estimates[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  for (uint32_t i = 0; i < SB_BLOCK_ROWS; i++) {
    estimates[i] = refine_estimate(refinement, i, weights);
    mask |= (uint64_t)(estimates[i] >= least) << i;
  }
  return mask;
}
