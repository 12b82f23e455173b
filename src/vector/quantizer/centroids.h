/* k-means with 64 centroids. */
#ifndef SB_VECTOR_QUANTIZER_CENTROIDS_H
#define SB_VECTOR_QUANTIZER_CENTROIDS_H

#include "vector/kernels/kernels.h"

/* Of `rows` points of `dims` coordinates (points[row * stride + d]), distances weighted by weight[d]. Writes centroids as
 * [d][64] and the share of the points that each has. Deterministic. */
sb_status sb_centroids_find(const sb_kernels *kernels, const float *points, size_t rows, size_t stride, size_t dims,
                            const float *weight, float *centroids, float share[SB_CODES], sb_error *error);
/* centroids times weight, and half the weighted square lengths: what the nearest one is found by. */
void sb_centroids_weigh(const float *centroids, size_t dims, const float *weight, float *weighted,
                        float half_norms[SB_CODES]);

#endif
