/* Kernels for AVX-512 F, BW, VL; kernels.h describes them. The PQ scan needs VBMI (vpermb looks up 64 int8 values at
 * once), refinement codes need VNNI (vpdpbusd multiplies and adds up bytes). */
#include "vector/kernels/kernels.h"

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

/* Defines an inner product. The last n % 32 values are loaded with a mask, which reads nothing beyond them. */
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
static inline __m512 from_upper(__m256i upper) {
  __m512i value = _mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16);
  return _mm512_castsi512_ps(_mm512_or_si512(value, _mm512_set1_epi32(SB_UPPER_MIDDLE)));
}
static inline __m512 load_upper(const uint16_t *at) {
  return from_upper(_mm256_loadu_si256((const __m256i *)(const void *)at));
}
static inline __m512 load_some_upper(__mmask16 some, const uint16_t *at) {
  return from_upper(_mm256_maskz_loadu_epi16(some, at));
}
SB_DOT(sb_kernel_dot_f32_avx512, float, _mm512_loadu_ps, _mm512_maskz_loadu_ps)
SB_DOT(sb_kernel_dot_f16_avx512, uint16_t, load_f16, load_some_f16)
SB_DOT(sb_kernel_dot_i8_avx512, int8_t, load_i8, load_some_i8)
SB_DOT(sb_kernel_dot_upper_avx512, uint16_t, load_upper, load_some_upper)

void sb_kernel_to_f16_avx512(const float *in, uint16_t *out, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 some = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
    _mm256_mask_storeu_epi16(out + i, some,
                             _mm512_cvtps_ph(_mm512_maskz_loadu_ps(some, in + i), _MM_FROUND_TO_NEAREST_INT));
  }
}

void sb_kernel_from_f16_avx512(const uint16_t *in, float *out, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 some = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
    _mm512_mask_storeu_ps(out + i, some, load_some_f16(some, in + i));
  }
}

/* PQ sums of 64 rows. vpermb uses only the low six bits of each index, so the two bits above need no masking. */
SB_LOADS_ALL_LANES __attribute__((always_inline)) static inline __m512i score64(const uint8_t *at, size_t subspaces,
                                                                                const int8_t *table) {
  const __m512i low2 = _mm512_set1_epi8(3), low4 = _mm512_set1_epi8(15);
  enum { SELECT = 0xca }; /* ternary logic: first operand ? second : third, bit by bit */
  __m512i even = _mm512_setzero_si512(), odd = even;
#pragma GCC unroll 12
  for (size_t g = 0; g < subspaces; g += 4, at += (size_t)3 * SB_BLOCK_ROWS, table += (size_t)4 * SB_CENTROIDS) {
    __m512i a = _mm512_load_si512(at), b = _mm512_load_si512(at + SB_BLOCK_ROWS);
    __m512i c = _mm512_load_si512(at + (size_t)2 * SB_BLOCK_ROWS);
    __m512i d = _mm512_ternarylogic_epi64(low2, _mm512_srli_epi16(a, 6), _mm512_srli_epi16(b, 4), SELECT);
    d = _mm512_ternarylogic_epi64(low4, d, _mm512_srli_epi16(c, 2), SELECT);
    even = _mm512_adds_epi8(even, _mm512_permutexvar_epi8(a, _mm512_load_si512(table)));
    odd = _mm512_adds_epi8(odd, _mm512_permutexvar_epi8(b, _mm512_load_si512(table + SB_CENTROIDS)));
    even = _mm512_adds_epi8(even, _mm512_permutexvar_epi8(c, _mm512_load_si512(table + (size_t)2 * SB_CENTROIDS)));
    odd = _mm512_adds_epi8(odd, _mm512_permutexvar_epi8(d, _mm512_load_si512(table + (size_t)3 * SB_CENTROIDS)));
  }
  return _mm512_adds_epi8(even, odd);
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_score_block_avx512(const uint8_t *block, size_t subspaces, const int8_t *tables,
                                                         int least, int8_t scores[SB_BLOCK_ROWS]) {
  __m512i sums = score64(block, subspaces, tables);
  _mm512_storeu_si512(scores, sums);
  return _mm512_cmpgt_epi8_mask(sums, _mm512_set1_epi8((char)least));
}

/* One strictly ascending stream of reads: alternating between two blocks would halve the bandwidth. */
#define SB_SCAN(subspaces)           \
  for (size_t b = 0; b < count; b++) \
  masks[b] = _mm512_cmpgt_epi8_mask(score64(blocks + b * sb_kernels_block_bytes(subspaces), subspaces, tables), least)

SB_LOADS_ALL_LANES void sb_kernel_scan_avx512(const uint8_t *blocks, size_t count, size_t subspaces,
                                              const int8_t *tables, int threshold, uint64_t *masks) {
  const __m512i least = _mm512_set1_epi8((char)threshold);
  switch (subspaces) { /* the usual numbers as constants, so that the loop is unrolled */
  case 20: SB_SCAN(20); break;
  case 24: SB_SCAN(24); break;
  case 28: SB_SCAN(28); break;
  case 32: SB_SCAN(32); break;
  case 36: SB_SCAN(36); break;
  default: SB_SCAN(subspaces); break;
  }
}

/* ---- Refinement and residual codes */

/* Adds up four vectors at once: lane 4 * q + r of the result is the sum of quarter q of vector r. */
static inline __m512i fold4(__m512i a, __m512i b, __m512i c, __m512i d) {
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* Adds up two such results by halves: quarters 0 and 1 of each, then quarters 2 and 3. */
static inline __m512i fold_halves(__m512i one, __m512i other) {
  return _mm512_add_epi32(_mm512_shuffle_i32x4(one, other, 0x88), _mm512_shuffle_i32x4(one, other, 0xdd));
}

/* The widths of numbers in 64 bytes: of one row, or of the same half of two rows. */
typedef struct byte_kinds {
  __mmask64 nibbles;
  __m512i first; /* masks of the lowest number of each byte: two, four or (lengths) seven bits */
} byte_kinds;
static inline byte_kinds kinds_of(__mmask64 nibbles, __mmask64 lengths) {
  __m512i first = _mm512_mask_mov_epi8(_mm512_set1_epi8(3), nibbles, _mm512_set1_epi8(15));
  return (byte_kinds){nibbles, _mm512_mask_mov_epi8(first, lengths, _mm512_set1_epi8(127))};
}

static inline __mmask64 low_bits(size_t count) {
  return count < 64 ? ((__mmask64)1 << count) - 1 : ~(__mmask64)0;
}

/* Weighted sums of the numbers in 64 bytes: 16 sums of 32 bits, not added up yet. */
__attribute__((always_inline)) static inline __m512i number_sums(__m512i code, const byte_kinds *kinds,
                                                                 const __m512i weights[4], __m512i shift) {
  const __m512i pair = _mm512_set1_epi8(3), width = _mm512_mask_mov_epi8(pair, kinds->nibbles, _mm512_set1_epi8(15));
  __m512i four = _mm512_srli_epi16(code, 4), sum = _mm512_setzero_si512(), more = sum;
  __m512i second = _mm512_mask_mov_epi8(_mm512_srli_epi16(code, 2), kinds->nibbles, four);
  sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(code, kinds->first), weights[0]);
  more = _mm512_dpbusd_epi32(more, _mm512_and_si512(second, width), weights[1]);
  sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(four, pair), weights[2]);
  more = _mm512_dpbusd_epi32(more, _mm512_and_si512(_mm512_srli_epi16(code, 6), pair), weights[3]);
  return _mm512_sllv_epi32(_mm512_add_epi32(sum, more), shift);
}

/* The same if every byte is two 4-bit numbers. */
__attribute__((always_inline)) static inline __m512i nibble_sums(__m512i code, const __m512i weights[4],
                                                                 __m512i shift) {
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_and_si512(code, nibble), weights[0]);
  sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(code, 4), nibble), weights[1]);
  return _mm512_sllv_epi32(sum, shift);
}

/* Weights for the same half of two rows at once. */
typedef struct half_weights {
  __m512i weights[4], shift;
  byte_kinds kinds;
} half_weights;
static inline __m512i twice(const void *half) {
  return _mm512_broadcast_i64x4(_mm256_load_si256((const __m256i *)half));
}
static inline half_weights weights_of(const sb_kernels_weights *w, size_t half) {
  const size_t at = half * SB_REFINEMENT_HALF;
  __mmask64 nibbles = low_bits(w->nibbles) >> at & UINT32_MAX, lengths = half ? 0xc0000000 : 0;
  half_weights out = {.shift = twice(w->shift + at / SB_LANE_BYTES),
                      .kinds = kinds_of(nibbles | nibbles << 32, lengths | lengths << 32)};
  for (int f = 0; f < 4; f++) out.weights[f] = twice(w->weight[f] + at);
  return out;
}

/* `leading`: the first halves contain only 4-bit numbers. */
SB_LOADS_ALL_LANES __attribute__((always_inline)) static inline uint64_t
refine_block(const uint8_t *refinement, const sb_kernels_weights *w, bool leading, int32_t least, int32_t *estimates) {
  const half_weights one = weights_of(w, 0), other = weights_of(w, 1);
  const __m512i from = _mm512_set1_epi32(least);
  const __m512i order = _mm512_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  uint64_t mask = 0;
  for (size_t i = 0; i < SB_BLOCK_ROWS; i += 16) {
    __m512i twos[8];
#pragma GCC unroll 1 /* keeps reads in ascending order, for the hardware prefetcher */
    for (size_t j = 0; j < 8; j++, refinement += (size_t)2 * SB_REFINEMENT_BYTES) {
      __m512i code = _mm512_load_si512(refinement), rest = _mm512_load_si512(refinement + SB_REFINEMENT_BYTES);
      __m512i sum =
          leading ? nibble_sums(code, one.weights, one.shift) : number_sums(code, &one.kinds, one.weights, one.shift);
      twos[j] = _mm512_add_epi32(sum, number_sums(rest, &other.kinds, other.weights, other.shift));
    }
    __m512i all = fold_halves(fold4(twos[0], twos[1], twos[2], twos[3]), fold4(twos[4], twos[5], twos[6], twos[7]));
    all = _mm512_permutexvar_epi32(order, all);
    _mm512_storeu_si512(estimates + i, all);
    mask |= (uint64_t)_mm512_cmpge_epi32_mask(all, from) << i;
  }
  return mask;
}

SB_LOADS_ALL_LANES uint64_t sb_kernel_refine_block_avx512(const uint8_t *refinement, const sb_kernels_weights *weights,
                                                          int32_t least, int32_t estimates[SB_BLOCK_ROWS]) {
  return weights->nibbles >= SB_REFINEMENT_HALF ? refine_block(refinement, weights, true, least, estimates)
                                                : refine_block(refinement, weights, false, least, estimates);
}

typedef enum codes_kind { REFINEMENT, RESIDUAL_64, RESIDUAL_32 } codes_kind;

static inline __m512i load_codes(const uint8_t *base, size_t row, codes_kind kind) {
  if (kind == RESIDUAL_64) return _mm512_load_si512(base + row * SB_RESIDUAL_LONG);
  const uint8_t *at = base + (kind == REFINEMENT ? sb_kernels_refinement_at(row, 0) : row * SB_RESIDUAL_SHORT);
  __m256i half = _mm256_load_si256((const __m256i *)(const void *)at);
  if (kind == RESIDUAL_32) return _mm512_zextsi256_si512(half);
  return _mm512_inserti64x4(_mm512_castsi256_si512(half),
                            _mm256_load_si256((const __m256i *)(const void *)(at + SB_REFINEMENT_BYTES)), 1);
}

/* Sixteen rows at a time; if fewer are left, the last one is repeated. */
__attribute__((always_inline)) static inline void sums_at(const uint8_t *base, codes_kind kind, const uint32_t *rows,
                                                          size_t count, const sb_kernels_weights *w, int32_t *sums) {
  const byte_kinds kinds =
      kinds_of(kind == REFINEMENT ? low_bits(w->nibbles) : 0, kind == RESIDUAL_32 ? 0xc0000000 : 0xc000000000000000);
  const __m512i shift = _mm512_load_si512(w->shift);
  __m512i weights[4];
  for (int f = 0; f < 4; f++) weights[f] = _mm512_load_si512(w->weight[f]);
  for (size_t i = 0; i < count; i += 16) {
    __m512i fours[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    size_t left = count - i < 16 ? count - i : 16;
    for (size_t q = 0; 4 * q < left; q++) {
      __m512i sum[4];
      for (size_t j = 0; j < 4; j++) {
        size_t row = rows[i + (4 * q + j < left ? 4 * q + j : left - 1)];
        sum[j] = number_sums(load_codes(base, row, kind), &kinds, weights, shift);
      }
      fours[q] = fold4(sum[0], sum[1], sum[2], sum[3]);
    }
    __m512i all = fold_halves(fold_halves(fours[0], fours[1]), fold_halves(fours[2], fours[3]));
    _mm512_mask_storeu_epi32(sums + i, (__mmask16)((1u << left) - 1), all);
  }
}

void sb_kernel_refine_at_avx512(const uint8_t *refinement, const uint32_t *rows, size_t count,
                                const sb_kernels_weights *weights, int32_t *estimates) {
  sums_at(refinement, REFINEMENT, rows, count, weights, estimates);
}

void sb_kernel_residual_at_avx512(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,
                                  const sb_kernels_weights *weights, int32_t *sums) {
  if (bytes == SB_RESIDUAL_LONG)
    sums_at(base, RESIDUAL_64, rows, count, weights, sums);
  else
    sums_at(base, RESIDUAL_32, rows, count, weights, sums);
}
