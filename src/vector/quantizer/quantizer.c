/* The quantizer's memory, its PQ codes in blocks, lookup tables of queries, and numbers of candidates; see quantizer.h.
 * refinement.c has the scalar codes. */
#include "vector/quantizer/quantizer.h"

#include "vector/quantizer/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_quantizer_new(const sb_kernels *kernels, size_t dim, size_t axes, sb_quantizer **out, sb_error *error) {
  sb_quantizer *quantizer = sb_alloc(1, sizeof *quantizer, error);
  if (!quantizer) return SB_NO_MEMORY;
  *quantizer = (sb_quantizer){.kernels = kernels, .dim = dim, .axes = axes, .oversampling = 1};
  float **arrays[] = {&quantizer->panels,         &quantizer->mean,          &quantizer->centroids,
                      &quantizer->weighted,       &quantizer->half_norms,    &quantizer->centroid_share,
                      &quantizer->step,           &quantizer->refine_weight, &quantizer->residual_step,
                      &quantizer->residual_weight};
  const size_t counts[] = {axes * dim,
                           axes,
                           axes * SB_CENTROIDS,
                           axes * SB_CENTROIDS,
                           (size_t)SB_SUBSPACES_MAX * SB_CENTROIDS,
                           (size_t)SB_SUBSPACES_MAX * SB_CENTROIDS,
                           axes,
                           axes,
                           axes,
                           axes};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    if ((*arrays[i] = sb_alloc(counts[i], sizeof(float), error))) continue;
    sb_quantizer_free(quantizer);
    return SB_NO_MEMORY;
  }
  *out = quantizer;
  return SB_OK;
}

void sb_quantizer_free(sb_quantizer *quantizer) {
  if (!quantizer) return;
  free(quantizer->panels);
  free(quantizer->mean);
  free(quantizer->centroids);
  free(quantizer->weighted);
  free(quantizer->half_norms);
  free(quantizer->centroid_share);
  free(quantizer->step);
  free(quantizer->refine_weight);
  free(quantizer->residual_step);
  free(quantizer->residual_weight);
  free(quantizer);
}

static size_t bytes_of(size_t axes, size_t dim) {
  return sizeof(sb_quantizer) +
         sizeof(float) * (axes * (dim + (size_t)2 * SB_CENTROIDS + 5) + (size_t)2 * SB_SUBSPACES_MAX * SB_CENTROIDS);
}

size_t sb_quantizer_bytes(const sb_quantizer *quantizer) {
  return bytes_of(quantizer->axes, quantizer->dim);
}

size_t sb_quantizer_bytes_max(size_t dim) {
  return bytes_of(dim, dim);
}

void sb_quantizer_project(const sb_quantizer *quantizer, const float *x, size_t count, float *y) {
  quantizer->kernels->project(quantizer->panels, quantizer->axes / SB_PANEL, quantizer->dim, x, count, y,
                              quantizer->axes);
}

/* ---- Rows */

void sb_quantizer_block_write(uint8_t *block, size_t subspaces, size_t row, const sb_quantizer_codes *codes) {
  uint8_t *at = block + row;
  for (size_t g = 0; g < subspaces; g += 4, at += (size_t)3 * SB_BLOCK_ROWS) {
    unsigned d = codes->pq[g + 3];
    at[0] = (uint8_t)(codes->pq[g] | d << 6);
    at[SB_BLOCK_ROWS] = (uint8_t)(codes->pq[g + 1] | d >> 2 << 6);
    at[(size_t)2 * SB_BLOCK_ROWS] = (uint8_t)(codes->pq[g + 2] | d >> 4 << 6);
  }
}

void sb_quantizer_block_erase(uint8_t *block, size_t subspaces, size_t row) {
  for (size_t i = 0; i < subspaces / 4 * 3; i++) block[i * SB_BLOCK_ROWS + row] = 0;
}

void sb_quantizer_refinement_write(uint8_t *refinement, size_t row, const uint8_t *code) {
  for (size_t byte = 0; byte < SB_REFINEMENT_BYTES; byte += SB_REFINEMENT_HALF) {
    uint8_t *half = refinement + sb_kernels_refinement_at(row, byte);
    if (code)
      memcpy(half, code + byte, SB_REFINEMENT_HALF);
    else
      memset(half, 0, SB_REFINEMENT_HALF);
  }
}

/* ---- Queries */

/* The inner products of the query with a subspace's centroids, and their mean and mean square over the rows. */
static void subspace_products(const sb_quantizer *quantizer, size_t g, const float *y, float *products, double *mean,
                              double *mean_square) {
  const float *share = quantizer->centroid_share + g * SB_CENTROIDS;
  size_t first = quantizer->subspace_start[g], dims = quantizer->subspace_start[g + 1] - first;
  quantizer->kernels->dot64(quantizer->centroids + first * SB_CENTROIDS, dims, y + first, products);
  double sum = 0, squares = 0;
  for (int c = 0; c < SB_CENTROIDS; c++) {
    sum += (double)share[c] * (double)products[c];
    squares += (double)share[c] * (double)products[c] * (double)products[c];
  }
  *mean = sum;
  *mean_square = squares;
}

void sb_quantizer_query_tables(const sb_quantizer *quantizer, const float *y, sb_quantizer_query *out) {
  float products[SB_SUBSPACES_MAX * SB_CENTROIDS];
  double means[SB_SUBSPACES_MAX], variance = 0;
  out->centre = 0;
  for (size_t g = 0; g < quantizer->subspaces; g++) {
    double square;
    subspace_products(quantizer, g, y, products + g * SB_CENTROIDS, &means[g], &square);
    out->centre += means[g];
    variance += square - means[g] * means[g];
  }
  out->sigma = sqrt(variance > 0 ? variance : 0) + 1e-20;
  float scale = (float)(SB_TABLE_SIGMA / out->sigma);
  for (size_t g = 0; g < quantizer->subspaces; g++) {
    for (int c = 0; c < SB_CENTROIDS; c++) {
      float value = (products[g * SB_CENTROIDS + (size_t)c] - (float)means[g]) * scale;
      value = value > 127 ? 127 : value < -128 ? -128 : value;
      out->tables[g * SB_CENTROIDS + (size_t)c] = (int8_t)lrintf(value);
    }
  }
}

/* ---- Numbers of candidates
 *
 * If scores are normal, the k best of n lie above u standard deviations. A row there has an estimate of rho * u on
 * average, with a deviation of sqrt(1 - rho^2). The number of candidates allows for 3.4 such deviations (one row in
 * 3,000 has more), and doubles the result, because scores are not exactly normal. */

static size_t candidates(double rho, double oversampling, size_t n, size_t k, size_t least) {
  double share = n > 2 * k ? (double)k / (double)n : 0.5;
  double estimate = rho * sb_normal_quantile_above(share) - 3.4 * sqrt(1 - rho * rho);
  double wanted = 2 * oversampling * (double)n * sb_normal_above(estimate);
  if (wanted < (double)least) wanted = (double)least;
  return wanted < (double)n ? (size_t)wanted : n;
}

size_t sb_quantizer_survivors(const sb_quantizer *quantizer, size_t n, size_t k) {
  return candidates(quantizer->rho[0], quantizer->oversampling, n, k, 1000 + 10 * k);
}

size_t sb_quantizer_reranked(const sb_quantizer *quantizer, size_t n, size_t k) {
  return candidates(quantizer->rho[1], quantizer->oversampling, n, k, 450 + 5 * k);
}
