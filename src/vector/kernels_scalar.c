/* The reference that every other variant is tested against, bit for bit. */
#include "vector/half.h"
#include "vector/kernels.h"

#include <math.h>

enum { LANES = 32 };

static float add_up(float lanes[LANES]) {
  for (size_t half = LANES / 2; half; half /= 2)
    for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

float sb_dot_f32_scalar(const float *query, const void *row, size_t n) {
  const float *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % LANES] = fmaf(query[i], x[i], lanes[i % LANES]);
  return add_up(lanes);
}

float sb_dot_f16_scalar(const float *query, const void *row, size_t n) {
  const uint16_t *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % LANES] = fmaf(query[i], sb_half_to_float(x[i]), lanes[i % LANES]);
  return add_up(lanes);
}

float sb_dot_i8_scalar(const float *query, const void *row, size_t n) {
  const int8_t *x = row;
  float lanes[LANES] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % LANES] = fmaf(query[i], x[i], lanes[i % LANES]);
  return add_up(lanes);
}

void sb_to_f16_scalar(const float *in, uint16_t *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = sb_half_from_float(in[i]);
}

void sb_from_f16_scalar(const uint16_t *in, float *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = sb_half_to_float(in[i]);
}

static int8_t add_saturating(int a, int b) {
  int sum = a + b;
  return (int8_t)(sum > 127 ? 127 : sum < -128 ? -128 : sum);
}

SB_LOADS_ALL_LANES uint64_t sb_scores_scalar(const uint8_t *block, size_t groups, const int8_t *tables, int least,
                                             int8_t scores[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  for (size_t row = 0; row < SB_BLOCK_ROWS; row++) {
    int8_t even = 0, odd = 0;
    const uint8_t *at = block + row;
    const int8_t *table = tables;
    for (size_t g = 0; g < groups; g += 4, at += 3 * SB_BLOCK_ROWS, table += 4 * SB_CODES) {
      unsigned a = at[0], b = at[SB_BLOCK_ROWS], c = at[2 * SB_BLOCK_ROWS];
      unsigned d = a >> 6 | (b >> 6) << 2 | (c >> 6) << 4;
      even = add_saturating(even, table[a & 63]);
      odd = add_saturating(odd, table[SB_CODES + (b & 63)]);
      even = add_saturating(even, table[2 * SB_CODES + (c & 63)]);
      odd = add_saturating(odd, table[3 * SB_CODES + d]);
    }
    scores[row] = add_saturating(even, odd);
    mask |= (uint64_t)(scores[row] > least) << row;
  }
  return mask;
}

void sb_scan_scalar(const uint8_t *blocks, size_t count, size_t groups, const int8_t *tables, int threshold,
                    uint64_t *masks) {
  int8_t scores[SB_BLOCK_ROWS];
  for (size_t b = 0; b < count; b++)
    masks[b] = sb_scores_scalar(blocks + b * sb_block_bytes(groups), groups, tables, threshold, scores);
}

static int32_t line_estimate(const uint8_t *line, const sb_line_weights *w) {
  int32_t sum = 0;
  for (size_t b = 0; b < SB_LINE_BYTES; b++) {
    unsigned code = line[b];
    int of_byte = w->weight[0][b] * (int)(code & w->mask[0][b]);
    of_byte += w->weight[1][b] * (int)(code >> (w->pairs[b] ? 2 : 4) & w->mask[1][b]);
    of_byte += w->weight[2][b] * (int)(code >> 4 & w->mask[2][b]);
    of_byte += w->weight[3][b] * (int)(code >> 6 & w->mask[3][b]);
    sum += of_byte * (1 << w->shift[b / SB_LANE_BYTES]);
  }
  return sum;
}

void sb_lines_at_scalar(const uint8_t *base, const uint32_t *rows, size_t count, const sb_line_weights *weights,
                        int32_t *estimates) {
  for (size_t i = 0; i < count; i++) estimates[i] = line_estimate(base + (size_t)rows[i] * SB_LINE_BYTES, weights);
}

void sb_lines_all_scalar(const uint8_t *base, size_t count, const sb_line_weights *weights, int32_t *estimates) {
  for (size_t i = 0; i < count; i++) estimates[i] = line_estimate(base + i * SB_LINE_BYTES, weights);
}

void sb_fine_at_scalar(const uint8_t *base, const uint32_t *rows, size_t count, const sb_fine_weights *weights,
                       int32_t *estimates) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *codes = base + (size_t)rows[i] * SB_FINE_BYTES;
    estimates[i] = 0;
    for (size_t b = 0; b < SB_FINE_BYTES; b++)
      for (int f = 0; f < 4; f++)
        estimates[i] += weights->weight[f][b] * (codes[b] >> 2 * f & weights->mask[f][b]) *
                        (1 << weights->shift[b / SB_LANE_BYTES]);
  }
}

uint64_t sb_lines_from_scalar(const uint8_t *lines, const sb_line_weights *weights, int32_t least,
                              int32_t estimates[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  sb_lines_all_scalar(lines, SB_BLOCK_ROWS, weights, estimates);
  for (int i = 0; i < SB_BLOCK_ROWS; i++) mask |= (uint64_t)(estimates[i] >= least) << i;
  return mask;
}
