/* AVX2, FMA and F16C. */
#include "vector/kernels.h"

#include <immintrin.h>
#include <string.h>

/* Sums 0..7, 8..15, 16..23, 24..31 of the 32 that kernels.h describes. */
static float add_up(__m256 s0, __m256 s1, __m256 s2, __m256 s3) {
  s0 = _mm256_add_ps(_mm256_add_ps(s0, s2), _mm256_add_ps(s1, s3));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(s0), _mm256_extractf128_ps(s0, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  half = _mm_add_ss(half, _mm_shuffle_ps(half, half, 1));
  return _mm_cvtss_f32(half);
}

/* The last n % 32 values, padded with zeros, in a buffer. */
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
SB_DOT(sb_dot_f32_avx2, float, _mm256_loadu_ps)
SB_DOT(sb_dot_f16_avx2, uint16_t, load_f16)
SB_DOT(sb_dot_i8_avx2, int8_t, load_i8)

void sb_to_f16_avx2(const float *in, uint16_t *out, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(void *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < n; i++) out[i] = _cvtss_sh(in[i], _MM_FROUND_TO_NEAREST_INT);
}

void sb_from_f16_avx2(const uint16_t *in, float *out, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, load_f16(in + i));
  for (; i < n; i++) out[i] = _cvtsh_ss(in[i]);
}

SB_LOADS_ALL_LANES static inline __m256i read32(const void *at) {
  return _mm256_load_si256((const __m256i *)at);
}

/* A table of 64 bytes looked up by 6-bit codes: four tables of 16, chosen between by bits 4 and 5. */
static inline __m256i look_up(const int8_t *table, __m256i code) {
  __m256i low = _mm256_and_si256(code, _mm256_set1_epi8(15)), part[4];
  for (int i = 0; i < 4; i++)
    part[i] = _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)(table + 16 * i))), low);
  __m256i bit4 = _mm256_slli_epi16(code, 3), bit5 = _mm256_slli_epi16(code, 2);
  return _mm256_blendv_epi8(_mm256_blendv_epi8(part[0], part[1], bit4), _mm256_blendv_epi8(part[2], part[3], bit4),
                            bit5);
}

/* Rows 0..31 of what `at` points to. */
SB_LOADS_ALL_LANES static inline __m256i score32(const uint8_t *at, size_t groups, const int8_t *table) {
  __m256i even = _mm256_setzero_si256(), odd = even;
  for (size_t g = 0; g < groups; g += 4, at += 3 * SB_BLOCK_ROWS, table += 4 * SB_CODES) {
    __m256i a = read32(at), b = read32(at + SB_BLOCK_ROWS), c = read32(at + 2 * SB_BLOCK_ROWS);
    __m256i d = _mm256_and_si256(_mm256_srli_epi16(a, 6), _mm256_set1_epi8(3));
    d = _mm256_or_si256(d, _mm256_and_si256(_mm256_srli_epi16(b, 4), _mm256_set1_epi8(12)));
    d = _mm256_or_si256(d, _mm256_and_si256(_mm256_srli_epi16(c, 2), _mm256_set1_epi8(48)));
    even = _mm256_adds_epi8(even, look_up(table, a));
    odd = _mm256_adds_epi8(odd, look_up(table + SB_CODES, b));
    even = _mm256_adds_epi8(even, look_up(table + 2 * SB_CODES, c));
    odd = _mm256_adds_epi8(odd, look_up(table + 3 * SB_CODES, d));
  }
  return _mm256_adds_epi8(even, odd);
}

static inline uint64_t more_than(__m256i low, __m256i high, __m256i least) {
  uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(high, least));
  return (uint64_t)bits << 32 | (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(low, least));
}

SB_LOADS_ALL_LANES uint64_t sb_scores_avx2(const uint8_t *block, size_t groups, const int8_t *tables, int least,
                                           int8_t scores[SB_BLOCK_ROWS]) {
  __m256i low = score32(block, groups, tables), high = score32(block + 32, groups, tables);
  _mm256_storeu_si256((__m256i *)(void *)scores, low);
  _mm256_storeu_si256((__m256i *)(void *)(scores + 32), high);
  return more_than(low, high, _mm256_set1_epi8((char)least));
}

SB_LOADS_ALL_LANES void sb_scan_avx2(const uint8_t *blocks, size_t count, size_t groups, const int8_t *tables,
                                     int threshold, uint64_t *masks) {
  const __m256i least = _mm256_set1_epi8((char)threshold);
  for (size_t b = 0; b < count; b++, blocks += sb_block_bytes(groups))
    masks[b] = more_than(score32(blocks, groups, tables), score32(blocks + 32, groups, tables), least);
}

/* Bytes 32 * half .. of a line. A pair of products fits in 16 bits: 2 * 127 * 127. */
static inline __m256i half_estimate(const uint8_t *line, const sb_line_weights *w, int half) {
  int at = 32 * half;
  __m256i code = read32(line + at), pairs = read32(w->pairs + at);
  __m256i four = _mm256_srli_epi16(code, 4);
  __m256i fields[4] = {code, _mm256_blendv_epi8(four, _mm256_srli_epi16(code, 2), pairs), four,
                       _mm256_srli_epi16(code, 6)};
  __m256i sum = _mm256_setzero_si256();
  for (int f = 0; f < 4; f++) {
    __m256i products =
        _mm256_maddubs_epi16(_mm256_and_si256(fields[f], read32(w->mask[f] + at)), read32(w->weight[f] + at));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
  }
  return _mm256_sllv_epi32(sum, read32(w->shift + at / SB_LANE_BYTES));
}

static inline int32_t add_up_lanes(__m256i sum) {
  __m128i quarter = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  quarter = _mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0xb1)));
}

static inline int32_t line_estimate(const uint8_t *line, const sb_line_weights *w) {
  return add_up_lanes(_mm256_add_epi32(half_estimate(line, w, 0), half_estimate(line, w, 1)));
}

void sb_lines_at_avx2(const uint8_t *base, const uint32_t *rows, size_t count, const sb_line_weights *weights,
                      int32_t *estimates) {
  for (size_t i = 0; i < count; i++) estimates[i] = line_estimate(base + (size_t)rows[i] * SB_LINE_BYTES, weights);
}

void sb_lines_all_avx2(const uint8_t *base, size_t count, const sb_line_weights *weights, int32_t *estimates) {
  for (size_t i = 0; i < count; i++) estimates[i] = line_estimate(base + i * SB_LINE_BYTES, weights);
}

void sb_fine_at_avx2(const uint8_t *base, const uint32_t *rows, size_t count, const sb_fine_weights *weights,
                     int32_t *estimates) {
  const __m256i ones = _mm256_set1_epi16(1), shift = read32(weights->shift);
  for (size_t i = 0; i < count; i++) {
    __m256i code = read32(base + (size_t)rows[i] * SB_FINE_BYTES), sum = _mm256_setzero_si256();
    for (int f = 0; f < 4; f++, code = _mm256_srli_epi16(code, 2)) {
      __m256i products =
          _mm256_maddubs_epi16(_mm256_and_si256(code, read32(weights->mask[f])), read32(weights->weight[f]));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(products, ones));
    }
    estimates[i] = add_up_lanes(_mm256_sllv_epi32(sum, shift));
  }
}

uint64_t sb_lines_from_avx2(const uint8_t *lines, const sb_line_weights *weights, int32_t least,
                            int32_t estimates[SB_BLOCK_ROWS]) {
  uint64_t mask = 0;
  sb_lines_all_avx2(lines, SB_BLOCK_ROWS, weights, estimates);
  for (int i = 0; i < SB_BLOCK_ROWS; i++) mask |= (uint64_t)(estimates[i] >= least) << i;
  return mask;
}
