/* Calibration: from a score to its false match rate and back; stats.h describes the model. */
#include "stats/stats.h"

#include <math.h>

/* The normal tail beyond the last measured point, not yet capped by that point. */
static double tail_at(const sb_calibration *c, double score) {
  size_t last = c->count - 1;
  double at_last = sb_normal_tail((c->threshold[last] - c->tail_mean) / c->tail_deviation);
  return fmax(1, c->fmr[last] / at_last) * sb_normal_tail((score - c->tail_mean) / c->tail_deviation);
}

static double estimate(const sb_calibration *c, double score) {
  if (score <= c->non_mated_mean) /* linear: 0.5 at the mean, 1 as far below it as the first point is above */
    return 1 - 0.5 * fmax(0, fmin(1, 1 - (c->non_mated_mean - score) / (c->threshold[0] - c->non_mated_mean)));
  double low_score = c->non_mated_mean, low = 0.5;
  for (size_t i = 0; i < c->count; i++) {
    if (score < c->threshold[i]) { /* log-linear between the points */
      double part = (score - low_score) / (c->threshold[i] - low_score);
      return exp(log(low) + part * (log(c->fmr[i]) - log(low)));
    }
    low_score = c->threshold[i];
    low = c->fmr[i];
  }
  return fmin(low, tail_at(c, score));
}

static double upper_limit(const sb_calibration *c, double score, double rate) {
  size_t last = c->count - 1;
  double edge = c->threshold[last];
  if (score <= edge) return sb_interval_wilson(rate, c->independent_pairs).high;
  double z = (edge - c->tail_mean) / c->tail_deviation;
  double hazard = exp(-z * z / 2) / 2.5066282746310002 / (sb_normal_tail(z) * c->tail_deviation);
  return sb_interval_wilson(c->fmr[last], c->independent_pairs).high * exp(-hazard * (score - edge));
}

sb_stats_rate sb_calibration_fmr(const sb_calibration *c, double similarity) {
  if (!c->count) return (sb_stats_rate){1, 1, true};
  double rate = estimate(c, similarity);
  sb_stats_rate out = {.rate = fmax(rate, c->fmr_floor), .bound = rate < c->fmr_floor};
  out.upper = fmax(upper_limit(c, similarity, rate), out.rate);
  return out;
}

double sb_calibration_threshold(const sb_calibration *c, double fmr) {
  size_t last = c->count - 1;
  if (fmr < c->fmr[last]) {
    double at_last = sb_normal_tail((c->threshold[last] - c->tail_mean) / c->tail_deviation);
    double scale = fmax(1, c->fmr[last] / at_last);
    double score = c->tail_mean + c->tail_deviation * sb_normal_quantile(fmr / scale);
    return fmin(fmax(score, c->threshold[last]), 1);
  }
  if (fmr >= 0.5) return c->non_mated_mean - 2 * (fmr - 0.5) * (c->threshold[0] - c->non_mated_mean);
  double high_score = c->non_mated_mean, high = 0.5;
  for (size_t i = 0; i < c->count; i++) {
    if (fmr >= c->fmr[i])
      return high_score + (c->threshold[i] - high_score) * (log(fmr) - log(high)) / (log(c->fmr[i]) - log(high));
    high_score = c->threshold[i];
    high = c->fmr[i];
  }
  return c->threshold[last];
}

sb_status sb_calibration_check(const sb_calibration *c, sb_error *error) {
  if (c->count < 1 || c->count > SB_CALIBRATION_MAX)
    return sb_fail(error, SB_INVALID, "a calibration must have 1 to %d points", SB_CALIBRATION_MAX);
  for (size_t i = 0; i < c->count; i++) {
    double before_score = i ? c->threshold[i - 1] : c->non_mated_mean, before = i ? c->fmr[i - 1] : 0.5;
    if (!(c->fmr[i] > 0 && c->fmr[i] < before && c->threshold[i] > before_score && c->threshold[i] <= 1))
      return sb_fail(error, SB_INVALID,
                     "the points must have a falling fmr below 0.5 and a rising threshold above non_mated_mean");
  }
  if (!(c->tail_deviation > 0 && c->tail_mean < c->threshold[c->count - 1] && c->tail_mean >= -1))
    return sb_fail(error, SB_INVALID, "the tail's deviation must be positive, its mean below the last point");
  if (!(c->independent_pairs >= 1)) return sb_fail(error, SB_INVALID, "independent_pairs must be at least 1");
  if (!(c->default_threshold >= -1 && c->default_threshold <= 1 && c->unsure_threshold >= -1 &&
        c->unsure_threshold <= c->default_threshold))
    return sb_fail(error, SB_INVALID,
                   "the thresholds must lie between -1 and 1, unsure_threshold not above default_threshold");
  if (!(c->cohort_deviation >= 0 && c->cohort_deviation <= c->tail_deviation))
    return sb_fail(error, SB_INVALID, "the cohort's deviation must not be above the tail's");
  if (!(fabs(c->search_offset) <= 2 && fabs(c->verify_offset) <= 2 && c->group_shift >= 0 && c->group_shift <= 1))
    return sb_fail(error, SB_INVALID,
                   "the cohort's offsets must lie between -2 and 2, its group_shift between 0 and 1");
  if (!(c->fmr_floor > 0 && c->fmr_floor <= c->fmr[c->count - 1]))
    return sb_fail(error, SB_INVALID, "fmr_floor must be positive and not above the fmr of the last point");
  return SB_OK;
}

double sb_stats_fpir_of_fmr(double fmr, double count) {
  return -expm1(count * log1p(-fmin(fmr, 1 - 1e-16)));
}

double sb_stats_fmr_of_fpir(double fpir, double count) {
  return -expm1(log1p(-fmin(fpir, 1 - 1e-16)) / fmax(count, 1));
}

double sb_calibration_fpir(const sb_calibration *c, double score, double people) {
  if (!c->count) return 1;
  double floor = fmin(sb_stats_fpir_of_fmr(c->fmr_floor, people), SB_FPIR_FLOOR);
  return fmax(sb_stats_fpir_of_fmr(estimate(c, score), people), floor);
}

bool sb_normal_fit_tail(const double *fmr, const double *threshold, size_t count, double *mean, double *deviation) {
  double mz = 0, mt = 0, zz = 0, zt = 0;
  for (size_t i = 0; i < count; i++) {
    mz += sb_normal_quantile(fmr[i]) / (double)count;
    mt += threshold[i] / (double)count;
  }
  for (size_t i = 0; i < count; i++) {
    double z = sb_normal_quantile(fmr[i]) - mz;
    zz += z * z;
    zt += z * (threshold[i] - mt);
  }
  if (!(zz > 0 && zt > 0)) return false;
  *deviation = zt / zz;
  *mean = mt - *deviation * mz;
  return true;
}
