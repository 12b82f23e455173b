/* Kernels for AVX2, FMA and F16C; kernels.h describes them. */
#include "vector/kernels/kernels.h"

#include <immintrin.h>
#include <string.h>

/* Adds up the 32 sums of an inner product, 8 per register, in the order of kernels.h. */
static float add_up(__m256 s0, __m256 s1, __m256 s2, __m256 s3) {
  s0 = _mm256_add_ps(_mm256_add_ps(s0, s2), _mm256_add_ps(s1, s3));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(s0), _mm256_extractf128_ps(s0, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  half = _mm_add_ss(half, _mm_shuffle_ps(half, half, 1));
  return _mm_cvtss_f32(half);
}

/* Defines an inner product. The last n % 32 values are copied to a buffer and padded with zeros. */
#define SB_DOT(name, type, load)                                                   \
  float name(const float *query, const void *row, size_t n) {                      \
    const type *x = row;                                                           \
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;                    \
    size_t i = 0;                                                                  \
    for (; i + 32 <= n; i += 32) {                                                 \
      s0 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), load(x + i), s0);           \
      s1 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 8), load(x + i + 8), s1);   \
      s2 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 16), load(x + i + 16), s2); \
      s3 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 24), load(x + i + 24), s3); \
    }                                                                              \
    if (i < n) {                                                                   \
      float q[32] = {0};                                                           \
      type r[32] = {0};                                                            \
      memcpy(q, query + i, (n - i) * sizeof *q);                                   \
      memcpy(r, x + i, (n - i) * sizeof *r);                                       \
      s0 = _mm256_fmadd_ps(_mm256_loadu_ps(q), load(r), s0);                       \
      s1 = _mm256_fmadd_ps(_mm256_loadu_ps(q + 8), load(r + 8), s1);               \
      s2 = _mm256_fmadd_ps(_mm256_loadu_ps(q + 16), load(r + 16), s2);             \
      s3 = _mm256_fmadd_ps(_mm256_loadu_ps(q + 24), load(r + 24), s3);             \
    }                                                                              \
    return add_up(s0, s1, s2, s3);                                                 \
  }

static inline __m256 load_f16(const uint16_t *at) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)at));
}
static inline __m256 load_i8(const int8_t *at) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)at)));
}
static inline __m256 load_upper(const uint16_t *at) {
  __m256i upper = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)at));
  return _mm256_castsi256_ps(_mm256_or_si256(_mm256_slli_epi32(upper, 16), _mm256_set1_epi32(SB_UPPER_MIDDLE)));
}
SB_DOT(sb_kernel_dot_f32_avx2, float, _mm256_loadu_ps)
SB_DOT(sb_kernel_dot_f16_avx2, uint16_t, load_f16)
SB_DOT(sb_kernel_dot_i8_avx2, int8_t, load_i8)
SB_DOT(sb_kernel_dot_upper_avx2, uint16_t, load_upper)

void sb_kernel_to_f16_avx2(const float *in, uint16_t *out, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(void *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < n; i++) out[i] = _cvtss_sh(in[i], _MM_FROUND_TO_NEAREST_INT);
}

void sb_kernel_from_f16_avx2(const uint16_t *in, float *out, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, load_f16(in + i));
  for (; i < n; i++) out[i] = _cvtsh_ss(in[i]);
}

SB_LOADS_ALL_LANES static inline __m256i read32(const void *at) {
  return _mm256_load_si256((const __m256i *)at);
}

/* Looks up 6-bit codes in a table of 64 bytes: four tables of 16 for pshufb, between which bits 4 and 5 select. */
static inline __m256i look_up(const int8_t *table, __m256i code) {
  __m256i low = _mm256_and_si256(code, _mm256_set1_epi8(15)), part[4];
  for (size_t i = 0; i < 4; i++)
    part[i] = _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)(table + 16 * i))), low);
  __m256i bit4 = _mm256_slli_epi16(code, 3), bit5 = _mm256_slli_epi16(code, 2);
  return _mm256_blendv_epi8(_mm256_blendv_epi8(part[0], part[1], bit4), _mm256_blendv_epi8(part[2], part[3], bit4),
                            bit5);
}

/* PQ sums of 32 rows; `at` points to byte 0 or 32 of the block's first register. */
SB_LOADS_ALL_LANES static inline __m256i score32(const uint8_t *at, size_t subspaces, const int8_t *table) {
  __m256i even = _mm256_setzero_si256(), odd = even;
  for (size_t g = 0; g < subspaces; g += 4, at += (size_t)3 * SB_BLOCK_ROWS, table += (size_t)4 * SB_CENTROIDS) {
    __m256i a = read32(at), b = read32(at + SB_BLOCK_ROWS), c = read32(at + (size_t)2 * SB_BLOCK_ROWS);
    __m256i d = _mm256_and_si256(_mm256_srli_epi16(a, 6), _mm256_set1_epi8(3));
    d = _mm256_or_si256(d, _mm256_and_si256(_mm256_srli_epi16(b, 4), _mm256_set1_epi8(12)));
    d = _mm256_or_si256(d, _mm256_and_si256(_mm256_srli_epi16(c, 2), _mm256_set1_epi8(48)));
    even = _mm256_adds_epi8(even, look_up(table, a));
    odd = _mm256_adds_epi8(odd, look_up(table + SB_CENTROIDS, b));
    even = _mm256_adds_epi8(even, look_up(table + (size_t)2 * SB_CENTROIDS, c));
    odd = _mm256_adds_epi8(odd, look_up(table + (size_t)3 * SB_CENTROIDS, d));
  }
  return _mm256_adds_epi8(even, odd);
}

static inline uint64_t more_than(__m256i low, __m256i high, __m256i least) {
  uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(high, least));
  return (uint64_t)bits << 32 | (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(low, least));
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_score_block_avx2(const uint8_t *block, size_t subspaces, const int8_t *tables,
                                                       int least, int8_t scores[SB_BLOCK_ROWS]) {
  __m256i low = score32(block, subspaces, tables), high = score32(block + 32, subspaces, tables);
  _mm256_storeu_si256((__m256i *)(void *)scores, low);
  _mm256_storeu_si256((__m256i *)(void *)(scores + 32), high);
  return more_than(low, high, _mm256_set1_epi8((char)least));
}

SB_LOADS_ALL_LANES void sb_kernel_scan_avx2(const uint8_t *blocks, size_t count, size_t subspaces, const int8_t *tables,
                                            int threshold, uint64_t *masks) {
  const __m256i least = _mm256_set1_epi8((char)threshold);
  for (size_t b = 0; b < count; b++, blocks += sb_kernels_block_bytes(subspaces))
    masks[b] = more_than(score32(blocks, subspaces, tables), score32(blocks + 32, subspaces, tables), least);
}

/* A pair of products fits into 16 bits: 2 * 127 * 127. */
static inline __m256i products(__m256i numbers, const int8_t *weights) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(numbers, read32(weights)), _mm256_set1_epi16(1));
}

/* The widths of numbers in 32 bytes of code. nibbles: all ones in bytes of two 4-bit numbers; first, second: masks of
 * the lowest and of the second number in each byte. */
typedef struct byte_kinds {
  __m256i nibbles, first, second;
} byte_kinds;

/* For the bytes at .. at + 31 of a code of `bytes` bytes, the last two of which are lengths. */
static inline byte_kinds kinds_of(size_t at, size_t bytes, size_t nibbles) {
  const __m256i order = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                         22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  byte_kinds kinds;
  __m256i byte = _mm256_add_epi8(order, _mm256_set1_epi8((char)at));
  __m256i lengths = _mm256_cmpgt_epi8(byte, _mm256_set1_epi8((char)(bytes - 3)));
  kinds.nibbles = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)nibbles), byte);
  kinds.second = _mm256_blendv_epi8(_mm256_set1_epi8(3), _mm256_set1_epi8(15), kinds.nibbles);
  kinds.first = _mm256_blendv_epi8(kinds.second, _mm256_set1_epi8(127), lengths);
  return kinds;
}

static inline __m256i half_sums(__m256i code, const byte_kinds *kinds, const sb_kernels_weights *w, size_t at) {
  const __m256i pair = _mm256_set1_epi8(3);
  __m256i four = _mm256_srli_epi16(code, 4);
  __m256i second = _mm256_blendv_epi8(_mm256_srli_epi16(code, 2), four, kinds->nibbles);
  __m256i sum = products(_mm256_and_si256(code, kinds->first), w->weight[0] + at);
  sum = _mm256_add_epi32(sum, products(_mm256_and_si256(second, kinds->second), w->weight[1] + at));
  sum = _mm256_add_epi32(sum, products(_mm256_and_si256(four, pair), w->weight[2] + at));
  sum = _mm256_add_epi32(sum, products(_mm256_and_si256(_mm256_srli_epi16(code, 6), pair), w->weight[3] + at));
  return _mm256_sllv_epi32(sum, read32(w->shift + at / SB_LANE_BYTES));
}

static inline int32_t add_up_lanes(__m256i sum) {
  __m128i quarter = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  quarter = _mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0xb1)));
}

SB_LOADS_ALL_LANES static inline int32_t refine_estimate(const uint8_t *refinement, size_t row,
                                                         const byte_kinds kinds[2], const sb_kernels_weights *w) {
  const uint8_t *code = refinement + sb_kernels_refinement_at(row, 0);
  __m256i first = half_sums(read32(code), &kinds[0], w, 0);
  __m256i second = half_sums(read32(code + SB_REFINEMENT_BYTES), &kinds[1], w, SB_REFINEMENT_HALF);
  return add_up_lanes(_mm256_add_epi32(first, second));
}

void sb_kernel_refine_at_avx2(const uint8_t *refinement, const uint32_t *rows, size_t count,
                              const sb_kernels_weights *weights, int32_t *estimates) {
  const byte_kinds kinds[2] = {kinds_of(0, SB_REFINEMENT_BYTES, weights->nibbles),
                               kinds_of(SB_REFINEMENT_HALF, SB_REFINEMENT_BYTES, weights->nibbles)};
  for (size_t i = 0; i < count; i++) estimates[i] = refine_estimate(refinement, rows[i], kinds, weights);
}

void sb_kernel_residual_at_avx2(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,
                                const sb_kernels_weights *weights, int32_t *sums) {
  const byte_kinds first = kinds_of(0, bytes, 0), second = kinds_of(32, bytes, 0);
  for (size_t i = 0; i < count; i++) {
    const uint8_t *codes = base + (size_t)rows[i] * bytes;
    __m256i sum = half_sums(read32(codes), &first, weights, 0);
    if (bytes > 32) sum = _mm256_add_epi32(sum, half_sums(read32(codes + 32), &second, weights, 32));
    sums[i] = add_up_lanes(sum);
  }
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_refine_block_avx2(const uint8_t *refinement, const sb_kernels_weights *weights,
                                                        int32_t least, int32_t estimates[SB_BLOCK_ROWS]) {
  const byte_kinds kinds[2] = {kinds_of(0, SB_REFINEMENT_BYTES, weights->nibbles),
                               kinds_of(SB_REFINEMENT_HALF, SB_REFINEMENT_BYTES, weights->nibbles)};
  uint64_t mask = 0;
  for (size_t i = 0; i < SB_BLOCK_ROWS; i++) estimates[i] = refine_estimate(refinement, i, kinds, weights);
  for (int i = 0; i < SB_BLOCK_ROWS; i++) mask |= (uint64_t)(estimates[i] >= least) << i;
  return mask;
}
