/* Confidence intervals, and the effective number of trials behind a rate. */
#include "stats/stats.h"

#include <math.h>

static const double z95 = 1.959963984540054; /* the normal quantile of 97.5 % */

sb_interval sb_interval_wilson(double rate, double trials) {
  if (!(trials > 0)) return (sb_interval){0, 1};
  double square = z95 * z95, whole = 1 + square / trials;
  double centre = (rate + square / (2 * trials)) / whole;
  double half = z95 * sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials)) / whole;
  return (sb_interval){rate > 0 ? fmax(centre - half, 0) : 0, rate < 1 ? fmin(centre + half, 1) : 1};
}

double sb_interval_effective_trials(const double *hits, const double *pairs, size_t units, double total_hits,
                                    double total_pairs, double least) {
  double rate = total_pairs > 0 ? total_hits / total_pairs : 0, mean = 0, squares = 0, kept = 0;
  least = fmin(least, total_pairs);
  if (rate <= 0 || rate >= 1) return least;
  for (size_t i = 0; i < units; i++) {
    if (!(total_pairs - pairs[i] > 0)) continue;
    double without = (total_hits - hits[i]) / (total_pairs - pairs[i]);
    kept++;
    double step = without - mean;
    mean += step / kept;
    squares += step * (without - mean);
  }
  double variance = kept > 1 ? squares * (kept - 1) / kept : 0;
  if (!(variance > 0)) return least;
  return fmin(fmax(rate * (1 - rate) / variance, least), total_pairs);
}
