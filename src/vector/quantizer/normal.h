/* Upper tail of the standard normal distribution, and its inverse. */
#ifndef SB_VECTOR_QUANTIZER_NORMAL_H
#define SB_VECTOR_QUANTIZER_NORMAL_H

#include <math.h>

/* The share above z. */
static inline double sb_normal_above(double z) {
  return 0.5 * erfc(z / 1.4142135623730951);
}

/* The z above which `share` lies, by bisection; 0 < share < 1. */
static inline double sb_normal_quantile_above(double share) {
  double low = -40, high = 40;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (sb_normal_above(middle) > share)
      low = middle;
    else
      high = middle;
  }
  return low;
}

#endif
