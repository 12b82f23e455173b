/* SIMD kernels: the inner loops of the index. There is one table of functions (sb_kernels) for each instruction set, of
 * which one is chosen at run time. The scalar table is the reference: every other one returns the same bits, except for
 * the loops marked "rounding varies", whose sums depend on the register width.
 *
 * Product quantization codes, in blocks of 64 rows. Four subspaces a, b, c, d (numbers 4s to 4s + 3) take three
 * registers of
 * 64 bytes; byte i belongs to row i and holds one code of 6 bits and 2 bits of the fourth code:
 *
 *      register 0   d1 d0 | a5 a4 a3 a2 a1 a0
 *      register 1   d3 d2 | b5 b4 b3 b2 b1 b0
 *      register 2   d5 d4 | c5 c4 c3 c2 c1 c0
 *
 * A row's sum is that of tables[64 * subspace + code] over the subspaces, in saturating int8: first the even subspaces
 * in rising order and, separately, the odd ones, then both together. (The order matters because saturation is not
 * associative.)
 *
 * Refinement codes, 64 bytes per row. The first `nibbles` bytes hold two numbers of 4 bits each, the others four
 * numbers of 2 bits, lowest bits first; each of the last two bytes is one number of 7 bits. The sum over a code is that
 * of number f of byte b times weight[f][b] << shift[b / 4], with |weight| <= 127. The codes of two rows are
 * interleaved, half by half, so that a register holds numbers of one width as far as possible:
 *
 *      byte         0 .. 31 | 32 .. 63 | 64 .. 95 | 96 .. 127
 *      row, half     0, 0   |   1, 0   |   0, 1   |   1, 1
 *
 * Residual codes, 64 or 32 bytes per row, one row after another: like a refinement code without nibbles. For 32 bytes
 * the first halves of the weights are used. */
#ifndef SB_VECTOR_KERNELS_H
#define SB_VECTOR_KERNELS_H

#include "base/base.h"

enum {
  SB_BLOCK_ROWS = 64,
  SB_REFINEMENT_BYTES = 64, /* of a refinement code */
  SB_REFINEMENT_HALF = 32,
  SB_RESIDUAL_SHORT = 32, /* bytes of a residual code: either 32 */
  SB_RESIDUAL_LONG = 64,  /* or 64 */
  SB_LANE_BYTES = 4,      /* code bytes that share a shift */
  SB_CENTROIDS = 64,      /* per subspace */
  SB_SUBSPACES_MAX = 48,
  SB_PANEL = 32 /* axes that `project` computes together */
};

/* For functions that load whole blocks of codes. They also load the bytes of rows that a writer is changing at the same
 * time, which the caller ignores, because it has read before which rows count. To the
 * thread sanitizer that is a race. */
#define SB_LOADS_ALL_LANES __attribute__((no_sanitize("thread")))

static inline size_t sb_kernels_block_bytes(size_t subspaces) { /* subspaces: a multiple of 4 */
  return subspaces / 4 * 3 * SB_BLOCK_ROWS;
}

/* Where byte `byte` of a row's refinement code is. A row's two halves are SB_REFINEMENT_BYTES apart. */
static inline size_t sb_kernels_refinement_at(size_t row, size_t byte) {
  return row / 2 * 2 * SB_REFINEMENT_BYTES + byte / SB_REFINEMENT_HALF * SB_REFINEMENT_BYTES +
         row % 2 * SB_REFINEMENT_HALF + byte % SB_REFINEMENT_HALF;
}

/* Weights of a query for refinement or residual codes. */
typedef struct sb_kernels_weights {
  _Alignas(64) int8_t weight[4][SB_REFINEMENT_BYTES];
  _Alignas(64) int32_t shift[SB_REFINEMENT_BYTES / SB_LANE_BYTES]; /* 0..SB_SHIFT_MAX */
  size_t nibbles;                                                  /* bytes of two 4-bit numbers, at most 62 */
} sb_kernels_weights;
enum { SB_SHIFT_MAX = 8 };
/* The lower half that stands for all lower halves where only the upper one is read: their middle. */
#define SB_UPPER_MIDDLE 0x8000u

typedef struct sb_kernels {
  /* Inner product of a float32 query and a row of float32, float16 or int8. Sum i of 32 adds up the products i, i + 32,
   * ... by fused multiply-add; then the sums are added pairwise: i + 16, i + 8, i + 4, i + 2, i + 1. Any n, any
   * alignment. */
  float (*dot_f32)(const float *query, const void *row, size_t n);
  float (*dot_f16)(const float *query, const void *row, size_t n);
  float (*dot_i8)(const float *query, const void *row, size_t n);
  /* The same, reading only the upper halves of a row that split_halves wrote; the lower ones count as SB_UPPER_MIDDLE.
   * */
  float (*dot_upper)(const float *query, const void *row, size_t n);
  /* Writes the upper 16 bits of all values, then the lower 16 bits of all; and the inverse. `in` and `out` must not
   * overlap. */
  void (*split_halves)(const float *in, uint16_t *out, size_t n);
  void (*join_halves)(const uint16_t *in, float *out, size_t n);
  void (*to_f16)(const float *in, uint16_t *out, size_t n);
  void (*from_f16)(const uint16_t *in, float *out, size_t n);
  /* PQ fast scan: bit i of masks[b] is set where the sum of row i of block b exceeds the threshold. Blocks and tables
   * are aligned to 64. The bits of rows that are being written at the same time are undefined (SB_LOADS_ALL_LANES). */
  void (*scan)(const uint8_t *blocks, size_t count, size_t subspaces, const int8_t *tables, int threshold,
               uint64_t *masks);
  /* The sums of one block, and a mask of those that exceed `least`. */
  uint64_t (*score_block)(const uint8_t *block, size_t subspaces, const int8_t *tables, int least,
                          int8_t scores[SB_BLOCK_ROWS]);
  /* The sums over the refinement codes of the given rows. `refinement` is aligned to 64. */
  void (*refine_at)(const uint8_t *refinement, const uint32_t *rows, size_t count, const sb_kernels_weights *weights,
                    int32_t *estimates);
  /* The sums over 64 consecutive refinement codes, and a mask of those that are at least `least`. */
  uint64_t (*refine_block)(const uint8_t *refinement, const sb_kernels_weights *weights, int32_t least,
                           int32_t estimates[SB_BLOCK_ROWS]);
  /* The sums over the residual codes at base + bytes * rows[i]; bytes: 64 or 32, to which `base` is aligned. */
  void (*residual_at)(const uint8_t *base, size_t bytes, const uint32_t *rows, size_t count,
                      const sb_kernels_weights *weights, int32_t *sums);
  /* Matrix product, rounding varies: y[v * stride + i] = sum over j of panels[i / 32][j][i % 32] * x[v * dim + j], i <
   * 32 * panel_count. */
  void (*project)(const float *panels, size_t panel_count, size_t dim, const float *x, size_t count, float *y,
                  size_t stride);
  /* Inner products with 64 centroids, rounding varies: out[c] = sum over d < dims of table[64 * d + c] * y[d]. */
  void (*dot64)(const float *table, size_t dims, const float *y, float out[SB_CENTROIDS]);
  /* The nearest of 64 centroids: the c with the largest out[c] - half_norms[c]. Rounding varies. */
  size_t (*nearest64)(const float *table, const float *half_norms, size_t dims, const float *y);
  /* The largest magnitude, as its bits; 0x7f800000 or more: a value is not finite. */
  uint32_t (*max_abs_bits)(const float *x, size_t n);
} sb_kernels;

/* The table that this process uses; and that of an instruction set, NULL if this machine does not have it. */
const sb_kernels *sb_kernels_chosen(void);
const sb_kernels *sb_kernels_of(sb_cpu level);

/* ---- The functions of each instruction set: kernels_*.c and loops.c */

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
  void sb_kernel_refine_at_##level(const uint8_t *refinement, const uint32_t *rows, size_t count,                      \
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
