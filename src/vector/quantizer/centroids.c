/* k-means with 64 centroids; see centroids.h. */
#include "vector/quantizer/centroids.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 12 };

void sb_centroids_weigh(const float *centroids, size_t dims, const float *weight, float *weighted,
                        float half_norms[SB_CENTROIDS]) {
  memset(half_norms, 0, SB_CENTROIDS * sizeof *half_norms);
  for (size_t d = 0; d < dims; d++) {
    for (size_t c = 0; c < SB_CENTROIDS; c++) {
      float value = centroids[d * SB_CENTROIDS + c];
      weighted[d * SB_CENTROIDS + c] = value * weight[d];
      half_norms[c] += value * value * weight[d] / 2;
    }
  }
}

/* Starts at points spread evenly over the sample; equal ones separate in the first rounds (move). */
static void begin(const sb_centroids_points *p, float *centroids) {
  for (size_t c = 0; c < SB_CENTROIDS; c++)
    for (size_t d = 0; d < p->dims; d++)
      centroids[d * SB_CENTROIDS + c] = p->values[c * p->rows / SB_CENTROIDS * p->stride + d];
}

/* Points assigned to each centroid: their sums and number. */
typedef struct clusters {
  double *sums; /* [d][64] */
  size_t counts[SB_CENTROIDS];
} clusters;

/* Assigns each point to its nearest centroid. */
static void assign(const sb_kernels *kernels, const sb_centroids_points *p, const float *weighted,
                   const float *half_norms, clusters *out) {
  memset(out->sums, 0, p->dims * SB_CENTROIDS * sizeof *out->sums);
  memset(out->counts, 0, sizeof out->counts);
  for (size_t r = 0; r < p->rows; r++) {
    const float *point = p->values + r * p->stride;
    size_t best = kernels->nearest64(weighted, half_norms, p->dims, point);
    out->counts[best]++;
    for (size_t d = 0; d < p->dims; d++) out->sums[d * SB_CENTROIDS + best] += (double)point[d];
  }
}

/* Moves centroids to the means of their points; one without points next to the fullest one. */
static void move(const clusters *k, size_t dims, float *centroids) {
  size_t fullest = 0;
  for (size_t c = 1; c < SB_CENTROIDS; c++) fullest = k->counts[c] > k->counts[fullest] ? c : fullest;
  for (size_t c = 0; c < SB_CENTROIDS; c++) {
    for (size_t d = 0; d < dims; d++) {
      double mean = k->sums[d * SB_CENTROIDS + fullest] / (double)k->counts[fullest];
      centroids[d * SB_CENTROIDS + c] = k->counts[c] ? (float)(k->sums[d * SB_CENTROIDS + c] / (double)k->counts[c])
                                                     : (float)(mean * (1 + 1e-3 * (double)(c + d + 1)));
    }
  }
}

sb_status sb_centroids_find(const sb_kernels *kernels, const sb_centroids_points *points, float *centroids,
                            float share[SB_CENTROIDS], sb_error *error) {
  size_t dims = points->dims;
  float half_norms[SB_CENTROIDS];
  float *weighted = sb_alloc(dims * SB_CENTROIDS, sizeof *weighted, error);
  clusters k = {.sums = sb_alloc(dims * SB_CENTROIDS, sizeof *k.sums, error)};
  sb_status status = weighted && k.sums ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) {
    begin(points, centroids);
    for (int round = 0; round < ROUNDS; round++) {
      sb_centroids_weigh(centroids, dims, points->weight, weighted, half_norms);
      assign(kernels, points, weighted, half_norms, &k);
      move(&k, dims, centroids);
    }
    for (size_t c = 0; c < SB_CENTROIDS; c++) share[c] = (float)k.counts[c] / (float)points->rows;
  }
  free(weighted);
  free(k.sums);
  return status;
}
