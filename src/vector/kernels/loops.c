/* Kernels that need no special instructions: written with the compiler's vector extensions and built once for each
 * instruction set, which SB_LEVEL names. The rounding of project, dot64 and nearest64 depends on the width of a
 * register; nothing that must be the same on every machine may depend on them. */
#include "vector/kernels/kernels.h"

#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, TILE = 8 };
#elif defined(__AVX__)
enum { LANES = 8, TILE = 3 };
#else
enum { LANES = 4, TILE = 2 };
#endif
enum { PARTS = SB_PANEL / LANES, PARTS64 = SB_CENTROIDS / LANES };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t numbers __attribute__((vector_size(LANES * sizeof(float))));

#define SB_PASTE_(name, level) sb_kernel_##name##_##level
#define SB_PASTE(name, level) SB_PASTE_(name, level)
#define SB_KERNEL(name) SB_PASTE(name, SB_LEVEL) /* for example sb_kernel_project_avx2 */

static inline lanes load(const float *at) {
  lanes value;
  memcpy(&value, at, sizeof value);
  return value;
}

/* Multiplies `count` vectors by one panel, with count * PARTS sums in registers. `count` is at most TILE, and a
 * constant where this is inlined. */
__attribute__((always_inline)) static inline void project_tile(const float *panel, size_t dim, const float *x,
                                                               int count, float *y, size_t stride) {
  lanes sums[TILE][PARTS];
  for (int v = 0; v < count; v++)
    for (int p = 0; p < PARTS; p++) sums[v][p] = (lanes){0};
  for (size_t j = 0; j < dim; j++, panel += SB_PANEL) {
    lanes column[PARTS];
    for (int p = 0; p < PARTS; p++) column[p] = load(panel + (size_t)p * LANES);
    for (int v = 0; v < count; v++)
      for (int p = 0; p < PARTS; p++) sums[v][p] += column[p] * x[(size_t)v * dim + j];
  }
  for (int v = 0; v < count; v++) memcpy(y + (size_t)v * stride, sums[v], sizeof sums[v]);
}

void SB_KERNEL(project)(const float *panels, size_t panel_count, size_t dim, const float *x, size_t count, float *y,
                        size_t stride) {
  for (size_t p = 0; p < panel_count; p++) {
    const float *panel = panels + p * dim * SB_PANEL;
    size_t v = 0;
    for (; v + TILE <= count; v += TILE)
      project_tile(panel, dim, x + v * dim, TILE, y + v * stride + p * SB_PANEL, stride);
    for (; v < count; v++) project_tile(panel, dim, x + v * dim, 1, y + v * stride + p * SB_PANEL, stride);
  }
}

void SB_KERNEL(dot64)(const float *table, size_t dims, const float *y, float out[SB_CENTROIDS]) {
  lanes sums[PARTS64];
  for (int p = 0; p < PARTS64; p++) sums[p] = (lanes){0};
  for (size_t d = 0; d < dims; d++)
    for (int p = 0; p < PARTS64; p++) sums[p] += load(table + d * SB_CENTROIDS + (size_t)p * LANES) * y[d];
  memcpy(out, sums, sizeof sums);
}

size_t SB_KERNEL(nearest64)(const float *table, const float *half_norms, size_t dims, const float *y) {
  float values[SB_CENTROIDS], best_value[LANES];
  int32_t best_code[LANES];
  SB_KERNEL(dot64)(table, dims, y, values);
  lanes best = load(values) - load(half_norms);
  numbers code, codes;
  for (int i = 0; i < LANES; i++) code[i] = i;
  codes = code;
  for (int p = 1; p < PARTS64; p++) {
    lanes value = load(values + (size_t)p * LANES) - load(half_norms + (size_t)p * LANES);
    numbers better = value > best; /* all ones where true */
    codes += LANES;
    code = (better & codes) | (~better & code);
    best = (lanes)((better & (numbers)value) | (~better & (numbers)best));
  }
  memcpy(best_value, &best, sizeof best);
  memcpy(best_code, &code, sizeof code);
  int winner = 0;
  for (int i = 1; i < LANES; i++) winner = best_value[i] > best_value[winner] ? i : winner;
  return (size_t)best_code[winner];
}

void SB_KERNEL(split_halves)(const float *restrict in, uint16_t *restrict out, size_t n) {
  uint16_t *restrict lower = out + n;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, in + i, sizeof bits);
    out[i] = (uint16_t)(bits >> 16);
    lower[i] = (uint16_t)bits;
  }
}

void SB_KERNEL(join_halves)(const uint16_t *restrict in, float *restrict out, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)in[i] << 16 | in[n + i];
    memcpy(out + i, &bits, sizeof bits);
  }
}

uint32_t SB_KERNEL(max_abs_bits)(const float *x, size_t n) {
  numbers most = {0}, without_sign = {0};
  without_sign += 0x7fffffff;
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    numbers bits = (numbers)load(x + i) & without_sign, more = bits > most;
    most = (more & bits) | (~more & most);
  }
  int32_t largest = 0;
  for (int lane = 0; lane < LANES; lane++) largest = most[lane] > largest ? most[lane] : largest;
  for (; i < n; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return (uint32_t)largest;
}
