/* Kernels for NEON, which every AArch64 processor has; kernels.h describes them. */
#include "vector/kernels/kernels.h"

#include <arm_neon.h>
#include <string.h>

enum { SUMS = 8 }; /* registers of four: the 32 sums of kernels.h */

static float add_up(float32x4_t s[SUMS]) {
  for (int half = SUMS / 2; half; half /= 2)
    for (int i = 0; i < half; i++) s[i] = vaddq_f32(s[i], s[i + half]);
  float32x2_t two = vadd_f32(vget_low_f32(s[0]), vget_high_f32(s[0]));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

static inline float32x4_t load_f32(const float *at) {
  return vld1q_f32(at);
}
static inline float32x4_t load_f16(const uint16_t *at) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(at)));
}
static inline float32x4_t load_i8(const int8_t *at) {
  int8_t four[8] = {at[0], at[1], at[2], at[3]};
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(four)))));
}

/* Defines an inner product. The last n % 32 values are copied to a buffer and padded with zeros. */
#define SB_DOT(name, type, load)                                                                                \
  float name(const float *query, const void *row, size_t n) {                                                   \
    const type *x = row;                                                                                        \
    float32x4_t s[SUMS];                                                                                        \
    for (int k = 0; k < SUMS; k++) s[k] = vdupq_n_f32(0);                                                       \
    size_t i = 0;                                                                                               \
    for (; i + 32 <= n; i += 32)                                                                                \
      for (int k = 0; k < SUMS; k++) s[k] = vfmaq_f32(s[k], vld1q_f32(query + i + 4 * k), load(x + i + 4 * k)); \
    if (i < n) {                                                                                                \
      float q[32] = {0};                                                                                        \
      type r[32] = {0};                                                                                         \
      memcpy(q, query + i, (n - i) * sizeof *q);                                                                \
      memcpy(r, x + i, (n - i) * sizeof *r);                                                                    \
      for (int k = 0; k < SUMS; k++) s[k] = vfmaq_f32(s[k], vld1q_f32(q + 4 * k), load(r + 4 * k));             \
    }                                                                                                           \
    return add_up(s);                                                                                           \
  }
static inline float32x4_t load_upper(const uint16_t *at) {
  uint32x4_t upper = vshlq_n_u32(vmovl_u16(vld1_u16(at)), 16);
  return vreinterpretq_f32_u32(vorrq_u32(upper, vdupq_n_u32(SB_UPPER_MIDDLE)));
}
SB_DOT(sb_kernel_dot_f32_neon, float, load_f32)
SB_DOT(sb_kernel_dot_f16_neon, uint16_t, load_f16)
SB_DOT(sb_kernel_dot_i8_neon, int8_t, load_i8)
SB_DOT(sb_kernel_dot_upper_neon, uint16_t, load_upper)

void sb_kernel_to_f16_neon(const float *in, uint16_t *out, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    float four[4] = {0};
    uint16_t halves[4];
    size_t count = n - i < 4 ? n - i : 4;
    memcpy(four, in + i, count * sizeof *four);
    vst1_u16(halves, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(four))));
    memcpy(out + i, halves, count * sizeof *halves);
  }
}

void sb_kernel_from_f16_neon(const uint16_t *in, float *out, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    uint16_t halves[4] = {0};
    float four[4];
    size_t count = n - i < 4 ? n - i : 4;
    memcpy(halves, in + i, count * sizeof *halves);
    vst1q_f32(four, load_f16(halves));
    memcpy(out + i, four, count * sizeof *four);
  }
}

/* Looks up 6-bit codes in a table of 64 bytes with one instruction (tbl). */
static inline int8x16_t look_up(const int8_t *table, uint8x16_t code) {
  int8x16x4_t four = {{vld1q_s8(table), vld1q_s8(table + 16), vld1q_s8(table + 32), vld1q_s8(table + 48)}};
  return vqtbl4q_s8(four, vandq_u8(code, vdupq_n_u8(63)));
}

SB_LOADS_ALL_LANES static inline int8x16_t score16(const uint8_t *at, size_t subspaces, const int8_t *table) {
  int8x16_t even = vdupq_n_s8(0), odd = even;
  for (size_t g = 0; g < subspaces; g += 4, at += 3 * SB_BLOCK_ROWS, table += 4 * SB_CENTROIDS) {
    uint8x16_t a = vld1q_u8(at), b = vld1q_u8(at + SB_BLOCK_ROWS), c = vld1q_u8(at + 2 * SB_BLOCK_ROWS);
    uint8x16_t d = vshrq_n_u8(a, 6);
    d = vorrq_u8(d, vshlq_n_u8(vshrq_n_u8(b, 6), 2));
    d = vorrq_u8(d, vshlq_n_u8(vshrq_n_u8(c, 6), 4));
    even = vqaddq_s8(even, look_up(table, a));
    odd = vqaddq_s8(odd, look_up(table + SB_CENTROIDS, b));
    even = vqaddq_s8(even, look_up(table + 2 * SB_CENTROIDS, c));
    odd = vqaddq_s8(odd, look_up(table + 3 * SB_CENTROIDS, d));
  }
  return vqaddq_s8(even, odd);
}

/* A mask of one bit per byte: each lane keeps its own bit, then lanes are added up. */
static inline uint64_t bits_of(uint8x16_t all_ones_or_zero) {
  static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t bits = vandq_u8(all_ones_or_zero, vld1q_u8(bit));
  return vaddv_u8(vget_low_u8(bits)) | (uint64_t)vaddv_u8(vget_high_u8(bits)) << 8;
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_score_block_neon(const uint8_t *block, size_t subspaces, const int8_t *tables,
                                                       int least, int8_t scores[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  for (int part = 0; part < SB_BLOCK_ROWS; part += 16) {
    int8x16_t sums = score16(block + part, subspaces, tables);
    vst1q_s8(scores + part, sums);
    mask |= bits_of(vcgtq_s8(sums, vdupq_n_s8((int8_t)least))) << part;
  }
  return mask;
}

SB_LOADS_ALL_LANES void sb_kernel_scan_neon(const uint8_t *blocks, size_t count, size_t subspaces, const int8_t *tables,
                                            int threshold, uint64_t *masks) {
  const int8x16_t least = vdupq_n_s8((int8_t)threshold);
  for (size_t b = 0; b < count; b++, blocks += sb_kernels_block_bytes(subspaces)) {
    masks[b] = 0;
    for (int part = 0; part < SB_BLOCK_ROWS; part += 16)
      masks[b] |= bits_of(vcgtq_s8(score16(blocks + part, subspaces, tables), least)) << part;
  }
}

/* Adds products of bytes, of which values are at most 127, pairwise. */
static inline void add_products(uint8x16_t values, int8x16_t weights, int32x4_t *low, int32x4_t *high) {
  int8x16_t v = vreinterpretq_s8_u8(values);
  *low = vpadalq_s16(*low, vmull_s8(vget_low_s8(v), vget_low_s8(weights)));
  *high = vpadalq_s16(*high, vmull_s8(vget_high_s8(v), vget_high_s8(weights)));
}

/* Weighted sums of the bytes at .. at + 15 of a code of `bytes` bytes, the last two of which are lengths. */
static inline int32x4_t part_sums(uint8x16_t code, const sb_kernels_weights *w, size_t at, size_t bytes,
                                  size_t nibbles) {
  static const uint8_t order[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  uint8x16_t byte = vaddq_u8(vld1q_u8(order), vdupq_n_u8((uint8_t)at));
  uint8x16_t is_nibble = vcltq_u8(byte, vdupq_n_u8((uint8_t)nibbles)),
             is_length = vcgeq_u8(byte, vdupq_n_u8((uint8_t)(bytes - 2)));
  const uint8x16_t pair = vdupq_n_u8(3), nibble = vdupq_n_u8(15);
  uint8x16_t first = vbslq_u8(is_length, vdupq_n_u8(127), vbslq_u8(is_nibble, nibble, pair));
  uint8x16_t four = vshrq_n_u8(code, 4), second = vbslq_u8(is_nibble, four, vandq_u8(vshrq_n_u8(code, 2), pair));
  int32x4_t low = vdupq_n_s32(0), high = low;
  add_products(vandq_u8(code, first), vld1q_s8(w->weight[0] + at), &low, &high);
  add_products(second, vld1q_s8(w->weight[1] + at), &low, &high);
  add_products(vandq_u8(four, pair), vld1q_s8(w->weight[2] + at), &low, &high);
  add_products(vshrq_n_u8(code, 6), vld1q_s8(w->weight[3] + at), &low, &high);
  return vshlq_s32(vpaddq_s32(low, high), vld1q_s32(w->shift + at / SB_LANE_BYTES));
}

SB_LOADS_ALL_LANES static inline int32_t refine_estimate(const uint8_t *refinement, size_t row,
                                                         const sb_kernels_weights *w) {
  int32x4_t sum = vdupq_n_s32(0);
  for (size_t at = 0; at < SB_REFINEMENT_BYTES; at += 16)
    sum = vaddq_s32(sum, part_sums(vld1q_u8(refinement + sb_kernels_refinement_at(row, at)), w, at, SB_REFINEMENT_BYTES,
                                   w->nibbles));
  return vaddvq_s32(sum);
}

void sb_kernel_refine_at_neon(const uint8_t *refinement, const uint32_t *rows, size_t count,
                              const sb_kernels_weights *weights, int32_t *estimates) {
  for (size_t i = 0; i < count; i++) estimates[i] = refine_estimate(refinement, rows[i], weights);
}

void sb_kernel_residual_at_neon(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,
                                const sb_kernels_weights *weights, int32_t *sums) {
  for (size_t i = 0; i < count; i++) {
    int32x4_t sum = vdupq_n_s32(0);
    for (size_t at = 0; at < bytes; at += 16)
      sum = vaddq_s32(sum, part_sums(vld1q_u8(base + (size_t)rows[i] * bytes + at), weights, at, bytes, 0));
    sums[i] = vaddvq_s32(sum);
  }
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_refine_block_neon(const uint8_t *refinement, const sb_kernels_weights *weights,
                                                        int32_t least, int32_t estimates[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  for (size_t i = 0; i < SB_BLOCK_ROWS; i++) {
    estimates[i] = refine_estimate(refinement, i, weights);
    mask |= (uint64_t)(estimates[i] >= least) << i;
  }
  return mask;
}
