/* The principal axes of a sample: subspace iteration (Rayleigh-Ritz), so that only as many are computed as are wanted. */
#ifndef SB_VECTOR_QUANTIZER_AXES_H
#define SB_VECTOR_QUANTIZER_AXES_H

#include "vector/kernels/kernels.h"

typedef struct sb_axes {
  size_t count, dim;   /* count: at most what was wanted and dim */
  float *axes;         /* count x dim, orthonormal, largest eigenvalue first */
  double *eigenvalues; /* of the uncentred covariance: the mean square along each axis */
  double energy;       /* mean square length of the sample */
} sb_axes;
/* `sample`: rows x dim. Deterministic. SB_NO_MEMORY; rows and dim at least 1. */
sb_status sb_axes_find(const sb_kernels *kernels, const float *sample, size_t rows, size_t dim, size_t wanted,
                       sb_axes *out, sb_error *error);
void sb_axes_free(sb_axes *axes);

/* Eigenvalues and eigenvectors (rows of `vectors`) of a symmetric n x n matrix, which is overwritten; largest first. Jacobi. */
void sb_jacobi(double *matrix, size_t n, double *values, double *vectors);

#endif
