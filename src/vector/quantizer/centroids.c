#include "vector/quantizer/centroids.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 12 };

void sb_centroids_weigh(const float *centroids, size_t dims, const float *weight, float *weighted,
                        float half_norms[SB_CODES]) {
  memset(half_norms, 0, SB_CODES * sizeof *half_norms);
  for (size_t d = 0; d < dims; d++) {
    for (size_t c = 0; c < SB_CODES; c++) {
      float value = centroids[d * SB_CODES + c];
      weighted[d * SB_CODES + c] = value * weight[d];
      half_norms[c] += value * value * weight[d] / 2;
    }
  }
}

/* Points spread evenly over the sample; equal ones part in the first rounds. */
static void begin(const float *points, size_t rows, size_t stride, size_t dims, float *centroids) {
  for (size_t c = 0; c < SB_CODES; c++)
    for (size_t d = 0; d < dims; d++) centroids[d * SB_CODES + c] = points[c * rows / SB_CODES * stride + d];
}

/* Assigns each point to the nearest centroid and adds it to that one's sum. */
static void assign(const sb_kernels *kernels, const float *points, size_t rows, size_t stride, size_t dims,
                   const float *weighted, const float *half_norms, double *sums, size_t *counts) {
  memset(sums, 0, dims * SB_CODES * sizeof *sums);
  memset(counts, 0, SB_CODES * sizeof *counts);
  for (size_t r = 0; r < rows; r++) {
    size_t best = kernels->nearest64(weighted, half_norms, dims, points + r * stride);
    counts[best]++;
    for (size_t d = 0; d < dims; d++) sums[d * SB_CODES + best] += (double)points[r * stride + d];
  }
}

/* Means of what was assigned; a centroid without points moves next to the fullest one. */
static void move(const double *sums, const size_t *counts, size_t dims, float *centroids) {
  size_t fullest = 0;
  for (size_t c = 1; c < SB_CODES; c++) fullest = counts[c] > counts[fullest] ? c : fullest;
  for (size_t c = 0; c < SB_CODES; c++) {
    for (size_t d = 0; d < dims; d++) {
      double mean = sums[d * SB_CODES + fullest] / (double)counts[fullest];
      centroids[d * SB_CODES + c] = counts[c] ? (float)(sums[d * SB_CODES + c] / (double)counts[c])
                                              : (float)(mean * (1 + 1e-3 * (double)(c + d + 1)));
    }
  }
}

sb_status sb_centroids_find(const sb_kernels *kernels, const float *points, size_t rows, size_t stride, size_t dims,
                            const float *weight, float *centroids, float share[SB_CODES], sb_error *error) {
  size_t counts[SB_CODES];
  float half_norms[SB_CODES];
  float *weighted = sb_alloc(dims * SB_CODES, sizeof *weighted, error);
  double *sums = sb_alloc(dims * SB_CODES, sizeof *sums, error);
  if (weighted && sums) {
    begin(points, rows, stride, dims, centroids);
    for (int round = 0; round < ROUNDS; round++) {
      sb_centroids_weigh(centroids, dims, weight, weighted, half_norms);
      assign(kernels, points, rows, stride, dims, weighted, half_norms, sums, counts);
      move(sums, counts, dims, centroids);
    }
    for (size_t c = 0; c < SB_CODES; c++) share[c] = (float)counts[c] / (float)rows;
  }
  sb_status status = weighted && sums ? SB_OK : SB_NO_MEMORY;
  free(weighted);
  free(sums);
  return status;
}
