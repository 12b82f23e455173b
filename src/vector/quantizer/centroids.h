/* k-means clustering with 64 centroids (Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information
 * Theory 28, 1982), for the PQ codebook of one subspace. */
#ifndef SB_VECTOR_QUANTIZER_CENTROIDS_H
#define SB_VECTOR_QUANTIZER_CENTROIDS_H

#include "vector/kernels/kernels.h"

/* `rows` points of `dims` coordinates: values[row * stride + d]. Distances are weighted by weight[d]. */
typedef struct sb_centroids_points {
  const float *values;
  size_t rows, stride, dims;
  const float *weight;
} sb_centroids_points;

/* Writes the centroids as [d][64] and the share of the points that is nearest to each. Deterministic. SB_NO_MEMORY. */
sb_status sb_centroids_find(const sb_kernels *kernels, const sb_centroids_points *points, float *centroids,
                            float share[SB_CENTROIDS], sb_error *error);
/* Writes weighted centroids and half of their weighted square lengths, with which the kernel nearest64 finds the
 * nearest centroid by inner products. */
void sb_centroids_weigh(const float *centroids, size_t dims, const float *weight, float *weighted,
                        float half_norms[SB_CENTROIDS]);

#endif
