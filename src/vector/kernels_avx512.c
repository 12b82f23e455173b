/* AVX-512 F, BW, VL; the scan needs VBMI (vpermb), the lines VNNI (vpdpbusd). */
#include "vector/kernels.h"

#include <immintrin.h>

static float add_up(__m512 s0, __m512 s1) {
  s0 = _mm512_add_ps(s0, s1);
  __m256 quarter =
      _mm256_add_ps(_mm512_castps512_ps256(s0), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(s0), 1)));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(quarter), _mm256_extractf128_ps(quarter, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  half = _mm_add_ss(half, _mm_shuffle_ps(half, half, 1));
  return _mm_cvtss_f32(half);
}

/* The last n % 32 values by masked loads, which read nothing beyond. */
#define SB_DOT(name, type, load, load_some)                                                                         \
  float name(const float *query, const void *row, size_t n) {                                                       \
    const type *x = row;                                                                                            \
    __m512 s0 = _mm512_setzero_ps(), s1 = s0;                                                                       \
    size_t i = 0;                                                                                                   \
    for (; i + 32 <= n; i += 32) {                                                                                  \
      s0 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), load(x + i), s0);                                            \
      s1 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 16), load(x + i + 16), s1);                                  \
    }                                                                                                               \
    if (i < n) {                                                                                                    \
      uint32_t some = (1u << (n - i)) - 1;                                                                          \
      __mmask16 low = (__mmask16)some, high = (__mmask16)(some >> 16);                                              \
      s0 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(low, query + i), load_some(low, x + i), s0);                       \
      if (high) s1 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(high, query + i + 16), load_some(high, x + i + 16), s1); \
    }                                                                                                               \
    return add_up(s0, s1);                                                                                          \
  }

static inline __m512 load_f16(const uint16_t *at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)at));
}
static inline __m512 load_some_f16(__mmask16 some, const uint16_t *at) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(some, at));
}
static inline __m512 load_i8(const int8_t *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)at)));
}
static inline __m512 load_some_i8(__mmask16 some, const int8_t *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(some, at)));
}
SB_DOT(sb_dot_f32_avx512, float, _mm512_loadu_ps, _mm512_maskz_loadu_ps)
SB_DOT(sb_dot_f16_avx512, uint16_t, load_f16, load_some_f16)
SB_DOT(sb_dot_i8_avx512, int8_t, load_i8, load_some_i8)

void sb_to_f16_avx512(const float *in, uint16_t *out, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 some = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
    _mm256_mask_storeu_epi16(out + i, some,
                             _mm512_cvtps_ph(_mm512_maskz_loadu_ps(some, in + i), _MM_FROUND_TO_NEAREST_INT));
  }
}

void sb_from_f16_avx512(const uint16_t *in, float *out, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 some = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
    _mm512_mask_storeu_ps(out + i, some, load_some_f16(some, in + i));
  }
}

/* vpermb looks up 64 bytes by the low six bits of each index, so that the two bits above need no mask. */
SB_LOADS_ALL_LANES __attribute__((always_inline)) static inline __m512i score64(const uint8_t *at, size_t groups,
                                                                                const int8_t *table) {
  const __m512i low2 = _mm512_set1_epi8(3), low4 = _mm512_set1_epi8(15);
  enum { SELECT = 0xca }; /* ternary logic: first operand ? second : third, bit by bit */
  __m512i even = _mm512_setzero_si512(), odd = even;
#pragma GCC unroll 12
  for (size_t g = 0; g < groups; g += 4, at += 3 * SB_BLOCK_ROWS, table += 4 * SB_CODES) {
    __m512i a = _mm512_load_si512(at), b = _mm512_load_si512(at + SB_BLOCK_ROWS);
    __m512i c = _mm512_load_si512(at + 2 * SB_BLOCK_ROWS);
    __m512i d = _mm512_ternarylogic_epi64(low2, _mm512_srli_epi16(a, 6), _mm512_srli_epi16(b, 4), SELECT);
    d = _mm512_ternarylogic_epi64(low4, d, _mm512_srli_epi16(c, 2), SELECT);
    even = _mm512_adds_epi8(even, _mm512_permutexvar_epi8(a, _mm512_load_si512(table)));
    odd = _mm512_adds_epi8(odd, _mm512_permutexvar_epi8(b, _mm512_load_si512(table + SB_CODES)));
    even = _mm512_adds_epi8(even, _mm512_permutexvar_epi8(c, _mm512_load_si512(table + 2 * SB_CODES)));
    odd = _mm512_adds_epi8(odd, _mm512_permutexvar_epi8(d, _mm512_load_si512(table + 3 * SB_CODES)));
  }
  return _mm512_adds_epi8(even, odd);
}

SB_LOADS_ALL_LANES uint64_t sb_scores_avx512(const uint8_t *block, size_t groups, const int8_t *tables, int least,
                                             int8_t scores[SB_BLOCK_ROWS]) {
  __m512i sums = score64(block, groups, tables);
  _mm512_storeu_si512(scores, sums);
  return _mm512_cmpgt_epi8_mask(sums, _mm512_set1_epi8((char)least));
}

/* One strictly ascending stream: two blocks read in turn halve the bandwidth. */
#define SB_SCAN(groups)              \
  for (size_t b = 0; b < count; b++) \
  masks[b] = _mm512_cmpgt_epi8_mask(score64(blocks + b * sb_block_bytes(groups), groups, tables), least)

SB_LOADS_ALL_LANES void sb_scan_avx512(const uint8_t *blocks, size_t count, size_t groups, const int8_t *tables,
                                       int threshold, uint64_t *masks) {
  const __m512i least = _mm512_set1_epi8((char)threshold);
  switch (groups) { /* the usual numbers as constants, for full unrolling */
  case 20: SB_SCAN(20); break;
  case 24: SB_SCAN(24); break;
  case 28: SB_SCAN(28); break;
  case 32: SB_SCAN(32); break;
  case 36: SB_SCAN(36); break;
  default: SB_SCAN(groups); break;
  }
}

/* 16 sums of 32 bits: what the line gives, not added up yet. */
__attribute__((always_inline)) static inline __m512i line_sums(const uint8_t *line, const sb_line_weights *w) {
  __m512i code = _mm512_load_si512(line), four = _mm512_srli_epi16(code, 4);
  __m512i one = _mm512_ternarylogic_epi64(_mm512_load_si512(w->pairs), _mm512_srli_epi16(code, 2), four, 0xca);
  __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_and_si512(code, _mm512_load_si512(w->mask[0])),
                                    _mm512_load_si512(w->weight[0]));
  __m512i more = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_and_si512(one, _mm512_load_si512(w->mask[1])),
                                     _mm512_load_si512(w->weight[1]));
  sum =
      _mm512_dpbusd_epi32(sum, _mm512_and_si512(four, _mm512_load_si512(w->mask[2])), _mm512_load_si512(w->weight[2]));
  more = _mm512_dpbusd_epi32(more, _mm512_and_si512(_mm512_srli_epi16(code, 6), _mm512_load_si512(w->mask[3])),
                             _mm512_load_si512(w->weight[3]));
  return _mm512_sllv_epi32(_mm512_add_epi32(sum, more), _mm512_load_si512(w->shift));
}

void sb_lines_at_avx512(const uint8_t *base, const uint32_t *rows, size_t count, const sb_line_weights *weights,
                        int32_t *estimates) {
  for (size_t i = 0; i < count; i++)
    estimates[i] = _mm512_reduce_add_epi32(line_sums(base + (size_t)rows[i] * SB_LINE_BYTES, weights));
}

/* Adds up four vectors at once: lane 4 * q + r of the result is the sum of quarter q of vector r. */
static inline __m512i fold4(__m512i a, __m512i b, __m512i c, __m512i d) {
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* Sixteen lines: their sums folded together, which costs three instructions a line instead of a dozen. */
static inline __m512i estimate16(const uint8_t *base, const sb_line_weights *w) {
  __m512i four[4];
  for (int i = 0; i < 4; i++, base += 4 * SB_LINE_BYTES)
    four[i] = fold4(line_sums(base, w), line_sums(base + SB_LINE_BYTES, w), line_sums(base + 2 * SB_LINE_BYTES, w),
                    line_sums(base + 3 * SB_LINE_BYTES, w));
  __m512i low =
      _mm512_add_epi32(_mm512_shuffle_i32x4(four[0], four[1], 0x88), _mm512_shuffle_i32x4(four[0], four[1], 0xdd));
  __m512i high =
      _mm512_add_epi32(_mm512_shuffle_i32x4(four[2], four[3], 0x88), _mm512_shuffle_i32x4(four[2], four[3], 0xdd));
  return _mm512_add_epi32(_mm512_shuffle_i32x4(low, high, 0x88), _mm512_shuffle_i32x4(low, high, 0xdd));
}

void sb_lines_all_avx512(const uint8_t *base, size_t count, const sb_line_weights *weights, int32_t *estimates) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) _mm512_storeu_si512(estimates + i, estimate16(base + i * SB_LINE_BYTES, weights));
  for (; i < count; i++) estimates[i] = _mm512_reduce_add_epi32(line_sums(base + i * SB_LINE_BYTES, weights));
}

/* 8 sums of 32 bits. */
static inline __m256i fine_sums(const uint8_t *codes, const sb_fine_weights *w) {
  __m256i code = _mm256_load_si256((const __m256i *)(const void *)codes), sum = _mm256_setzero_si256(), more = sum;
#define SB_FIELD(into, f)                                                                                             \
  into = _mm256_dpbusd_epi32(                                                                                         \
      into,                                                                                                           \
      _mm256_and_si256(_mm256_srli_epi16(code, 2 * f), _mm256_load_si256((const __m256i *)(const void *)w->mask[f])), \
      _mm256_load_si256((const __m256i *)(const void *)w->weight[f]))
  SB_FIELD(sum, 0);
  SB_FIELD(more, 1);
  SB_FIELD(sum, 2);
  SB_FIELD(more, 3);
#undef SB_FIELD
  return _mm256_sllv_epi32(_mm256_add_epi32(sum, more), _mm256_load_si256((const __m256i *)(const void *)w->shift));
}

void sb_fine_at_avx512(const uint8_t *base, const uint32_t *rows, size_t count, const sb_fine_weights *weights,
                       int32_t *estimates) {
  for (size_t i = 0; i < count; i++) {
    __m256i sum = fine_sums(base + (size_t)rows[i] * SB_FINE_BYTES, weights);
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    estimates[i] = _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
  }
}

uint64_t sb_lines_from_avx512(const uint8_t *lines, const sb_line_weights *weights, int32_t least,
                              int32_t estimates[SB_BLOCK_ROWS]) {
  const __m512i from = _mm512_set1_epi32(least);
  uint64_t mask = 0;
  for (int i = 0; i < SB_BLOCK_ROWS; i += 16) {
    __m512i sums = estimate16(lines + i * SB_LINE_BYTES, weights);
    _mm512_storeu_si512(estimates + i, sums);
    mask |= (uint64_t)_mm512_cmpge_epi32_mask(sums, from) << i;
  }
  return mask;
}
