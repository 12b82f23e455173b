#include "vector/kernels.h"

/* The reference that every other variant is tested against; sums in double, so that it is the more exact one. */
float sb_dot_scalar(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return (float)sum;
}
