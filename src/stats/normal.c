/* The tail of the normal distribution and its inverse. */
#include "stats/stats.h"

#include <math.h>

double sb_normal_tail(double z) {
  return 0.5 * erfc(z / 1.4142135623730951);
}

/* A first approximation (Abramowitz and Stegun 26.2.23, error below 4.5e-4), then Newton steps on the logarithm of the
 * tail, which converge far out, too, where the tail itself is flat. */
double sb_normal_quantile(double p) {
  if (p > 0.5) return -sb_normal_quantile(1 - p);
  double t = sqrt(-2 * log(p));
  double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int step = 0; step < 4; step++) {
    double tail = sb_normal_tail(z), density = exp(-z * z / 2) / 2.5066282746310002;
    z += (log(tail) - log(p)) * tail / density;
  }
  return z;
}
