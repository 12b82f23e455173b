#include "face/face.h"

#include <math.h>

double sb_calibration_fmr(const sb_calibration *c, double similarity, bool *bound) {
  *bound = !c->count;
  if (!c->count) return 1;
  /* Before the first measured point: from one half at the mean of non-mated scores, and 1 as far below it. */
  if (similarity <= c->non_mated_mean)
    return 1 - 0.5 * fmax(0, fmin(1, 1 - (c->non_mated_mean - similarity) / (c->threshold[0] - c->non_mated_mean)));
  double low_score = c->non_mated_mean, low = 0.5;
  for (size_t i = 0; i < c->count; i++) {
    if (similarity < c->threshold[i]) {
      double part = (similarity - low_score) / (c->threshold[i] - low_score);
      double rate = exp(log(low) + part * (log(c->fmr[i]) - log(low)));
      *bound = rate < c->fmr_floor;
      return fmax(rate, c->fmr_floor);
    }
    low_score = c->threshold[i];
    low = c->fmr[i];
  }
  *bound = true;
  return fmax(low, c->fmr_floor);
}
