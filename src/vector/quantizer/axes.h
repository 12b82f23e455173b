/* Principal component analysis: the leading principal axes of a sample, by subspace iteration with a Rayleigh-Ritz step
 * (Golub, Van Loan, "Matrix computations", chapter 8), which computes only as many axes as are wanted. */
#ifndef SB_VECTOR_QUANTIZER_AXES_H
#define SB_VECTOR_QUANTIZER_AXES_H

#include "vector/kernels/kernels.h"

typedef struct sb_axes {
  size_t count, dim;   /* count: what was wanted, or dim if that is less */
  float *axes;         /* count x dim, orthonormal, largest eigenvalue first */
  double *eigenvalues; /* of the uncentred covariance: mean square along each axis */
  double energy;       /* mean square length of the sample */
} sb_axes;

/* `sample`: rows x dim, both at least 1. Deterministic. SB_NO_MEMORY. */
sb_status sb_axes_find(const sb_kernels *kernels, const float *sample, size_t rows, size_t dim, size_t wanted,
                       sb_axes *out, sb_error *error);
void sb_axes_free(sb_axes *axes);

/* Eigenvalues, largest first, and eigenvectors (rows of `vectors`) of a symmetric n x n
 * matrix, which is overwritten. */
void sb_jacobi(double *matrix, size_t n, double *values, double *vectors);

#endif
