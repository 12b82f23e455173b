/* The inner loops, by instruction set: tables of functions, of which one is chosen once. Every variant gives the same
 * bits as the scalar one, but for the loops in double marks below, whose rounding differs.
 *
 * First-stage codes ("block"): 64 rows; for each four subspaces three registers of 64 bytes, row i in byte i:
 *
 *      register 0   d1 d0 | a5 a4 a3 a2 a1 a0       a, b, c, d: the 6-bit codes of subspaces 4s, 4s+1, 4s+2, 4s+3
 *      register 1   d3 d2 | b5 b4 b3 b2 b1 b0
 *      register 2   d5 d4 | c5 c4 c3 c2 c1 c0
 *
 * A row's score is the sum of tables[64 * group + code] over the subspaces, in saturating int8: even subspaces and odd
 * subspaces apart, in rising order, then both together.
 *
 * Second-stage codes ("line"): 64 bytes a row. The first `nibbles` bytes hold two numbers of four bits, the others four
 * of two bits, lowest bits first; the last two bytes are one number of seven bits each. The estimate is the sum of
 * number f of byte b times weight[f][b] << shift[b / 4]; |weight| <= 127. Two rows' lines lie together, half by half,
 * so that a register holds numbers of one kind as far as may be:
 *
 *      byte         0 .. 31 | 32 .. 63 | 64 .. 95 | 96 .. 127
 *      row, half     0, 0   |   1, 0   |   0, 1   |   1, 1
 *
 * Fine codes: 64 or 32 bytes a row, one row after another: four numbers of two bits a byte but for the last two, as in
 * a line without nibbles. Of 32 bytes, the first halves of the weights hold. */
#ifndef SB_VECTOR_KERNELS_H
#define SB_VECTOR_KERNELS_H

#include "base/base.h"

enum {
  SB_BLOCK_ROWS = 64,
  SB_REFINEMENT_BYTES = 64,
  SB_REFINEMENT_HALF = 32,
  SB_RESIDUAL_SHORT = 32,
  SB_RESIDUAL_LONG = 64,
  SB_LANE_BYTES = 4,
  SB_CENTROIDS = 64,
  SB_SUBSPACES_MAX = 48,
  SB_PANEL = 32
};

/* Of functions that load whole blocks of codes: byte lanes of rows that a writer is filling meanwhile are loaded with
 * the others, and ignored by the caller, who has read which rows count before. The thread sanitizer would call it a
 * race. */
#define SB_LOADS_ALL_LANES __attribute__((no_sanitize("thread")))

static inline size_t sb_kernels_block_bytes(size_t subspaces) { /* subspaces: a multiple of 4 */
  return subspaces / 4 * 3 * SB_BLOCK_ROWS;
}

/* Where byte b of row i's line stands. A row's two halves are SB_REFINEMENT_BYTES apart. */
static inline size_t sb_kernels_refinement_at(size_t row, size_t byte) {
  return row / 2 * (2 * SB_REFINEMENT_BYTES) + byte / SB_REFINEMENT_HALF * SB_REFINEMENT_BYTES +
         row % 2 * SB_REFINEMENT_HALF + byte % SB_REFINEMENT_HALF;
}

typedef struct sb_kernels_weights {
  _Alignas(64) int8_t weight[4][SB_REFINEMENT_BYTES];
  _Alignas(64) int32_t shift[SB_REFINEMENT_BYTES / SB_LANE_BYTES]; /* 0..SB_SHIFT_MAX */
  size_t nibbles;                                                  /* bytes: at most 62 */
} sb_kernels_weights;
enum { SB_SHIFT_MAX = 8 };
#define SB_UPPER_MIDDLE 0x8000u /* below an upper half */

typedef struct sb_kernels {
  /* Inner product of float32 and a kept row of float32, float16 or int8: 32 sums, number i of the values i, i + 32, ...
   * by fused multiply-add, then added up in halves: i + 16, i + 8, i + 4, i + 2, i + 1. Any n, any alignment. */
  float (*dot_f32)(const float *query, const void *row, size_t n);
  float (*dot_f16)(const float *query, const void *row, size_t n);
  float (*dot_i8)(const float *query, const void *row, size_t n);
  /* The same with a row of which only the upper halves are looked at (split): the middle of what they may stand for
   * counts. */
  float (*dot_upper)(const float *query, const void *row, size_t n);
  /* The upper 16 bits of all values, then the lower ones; and together again. `in` and `out` lie apart. */
  void (*split_halves)(const float *in, uint16_t *out, size_t n);
  void (*join_halves)(const uint16_t *in, float *out, size_t n);
  void (*to_f16)(const float *in, uint16_t *out, size_t n);
  void (*from_f16)(const uint16_t *in, float *out, size_t n);
  /* Bit i of masks[b]: row i of block b scores more than the threshold. Blocks and tables aligned to 64. Rows that are
   * being written meanwhile give any bit: the caller has read which rows count before, and ignores the others. */
  void (*scan)(const uint8_t *blocks, size_t count, size_t subspaces, const int8_t *tables, int threshold,
               uint64_t *masks);
  /* One block's scores, and which of them are more than `least`. */
  uint64_t (*score_block)(const uint8_t *block, size_t subspaces, const int8_t *tables, int least,
                          int8_t scores[SB_BLOCK_ROWS]);
  /* Estimates of the lines of those rows. `lines` aligned to 64. */
  void (*refine_at)(const uint8_t *refinement, const uint32_t *rows, size_t count, const sb_kernels_weights *weights,
                    int32_t *estimates);
  /* Of one block of 64 lines: bit i is set where the estimate is `least` or more. */
  uint64_t (*refine_block)(const uint8_t *refinement, const sb_kernels_weights *weights, int32_t least,
                           int32_t estimates[SB_BLOCK_ROWS]);
  /* Sums of the fine codes at base + bytes * rows[i], bytes being 64 or 32. Aligned to that. */
  void (*residual_at)(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,
                      const sb_kernels_weights *weights, int32_t *sums);
  /* y[v * stride + i] = sum over j of panels[i / 32][j][i % 32] * x[v * dim + j], i < 32 * panel_count. */
  void (*project)(const float *panels, size_t panel_count, size_t dim, const float *x, size_t count, float *y,
                  size_t stride);
  /* out[c] = sum over d < dims of table[64 * d + c] * y[d], c < 64: against 64 centroids at once. */
  void (*dot64)(const float *table, size_t dims, const float *y, float out[SB_CENTROIDS]);
  /* The c whose out[c] - half_norms[c] is largest. */
  size_t (*nearest64)(const float *table, const float *half_norms, size_t dims, const float *y);
  /* The largest magnitude as its bits: 0x7f800000 and more where a value is not finite. */
  uint32_t (*max_abs_bits)(const float *x, size_t n);
} sb_kernels;

/* The chosen one; and that of a level, NULL where this machine cannot run it. */
const sb_kernels *sb_kernels_chosen(void);
const sb_kernels *sb_kernels_of(sb_cpu level);

/* ---- What the files of one instruction set give to the tables */

#define SB_KERNELS_DECLARE(level)                                                                                      \
  float sb_kernel_dot_f32_##level(const float *query, const void *row, size_t n);                                      \
  float sb_kernel_dot_f16_##level(const float *query, const void *row, size_t n);                                      \
  float sb_kernel_dot_i8_##level(const float *query, const void *row, size_t n);                                       \
  float sb_kernel_dot_upper_##level(const float *query, const void *row, size_t n);                                    \
  void sb_kernel_split_halves_##level(const float *in, uint16_t *out, size_t n);                                       \
  void sb_kernel_join_halves_##level(const uint16_t *in, float *out, size_t n);                                        \
  void sb_kernel_to_f16_##level(const float *in, uint16_t *out, size_t n);                                             \
  void sb_kernel_from_f16_##level(const uint16_t *in, float *out, size_t n);                                           \
  void sb_kernel_scan_##level(const uint8_t *blocks, size_t count, size_t subspaces, const int8_t *tables,             \
                              int threshold, uint64_t *masks);                                                         \
  uint64_t sb_kernel_score_block_##level(const uint8_t *block, size_t subspaces, const int8_t *tables, int least,      \
                                         int8_t scores[SB_BLOCK_ROWS]);                                                \
  void sb_kernel_refine_at_##level(const uint8_t *base, const uint32_t *rows, size_t count,                            \
                                   const sb_kernels_weights *weights, int32_t *estimates);                             \
  uint64_t sb_kernel_refine_block_##level(const uint8_t *refinement, const sb_kernels_weights *weights, int32_t least, \
                                          int32_t estimates[SB_BLOCK_ROWS]);                                           \
  void sb_kernel_residual_at_##level(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,            \
                                     const sb_kernels_weights *weights, int32_t *sums);                                \
  void sb_kernel_project_##level(const float *panels, size_t panel_count, size_t dim, const float *x, size_t count,    \
                                 float *y, size_t stride);                                                             \
  void sb_kernel_dot64_##level(const float *table, size_t dims, const float *y, float out[SB_CENTROIDS]);              \
  size_t sb_kernel_nearest64_##level(const float *table, const float *half_norms, size_t dims, const float *y);        \
  uint32_t sb_kernel_max_abs_bits_##level(const float *x, size_t n)
SB_KERNELS_DECLARE(scalar);
SB_KERNELS_DECLARE(avx2);
SB_KERNELS_DECLARE(avx512);
SB_KERNELS_DECLARE(neon);

#endif
