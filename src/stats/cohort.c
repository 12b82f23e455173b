/* Scores normalised by cohorts; cohort.h explains the statistic. */
#include "stats/cohort.h"

#include <math.h>

enum {
  LOCATION_PRIOR = 2, /* so many neighbours weigh as much as the calibration's location */
  LEFT_OUT = 2        /* of the highest scores; fewer where no neighbour would be left */
};

bool sb_cohort_available(const sb_calibration *c) {
  return c->count > 0 && c->cohort_deviation > 0;
}

sb_cohort sb_cohort_unknown(const sb_calibration *c) {
  return (sb_cohort){c->tail_mean, c->cohort_deviation, 0};
}

static double expected_z(size_t rank, size_t population) {
  return sb_normal_quantile(((double)rank - 0.375) / ((double)population + 0.25));
}

/* Means, and sums of squares about them, of scores and of their expected normal order statistics. */
typedef struct moments {
  double mean_x, mean_z, zz, zx;
} moments;

static moments moments_of(const float *scores, size_t count, size_t first, size_t population) {
  moments m = {0};
  for (size_t i = 0; i < count; i++) {
    m.mean_x += (double)scores[i] / (double)count;
    m.mean_z += expected_z(first + i, population) / (double)count;
  }
  for (size_t i = 0; i < count; i++) {
    double z = expected_z(first + i, population) - m.mean_z;
    m.zz += z * z;
    m.zx += z * ((double)scores[i] - m.mean_x);
  }
  return m;
}

double sb_cohort_weight(double neighbors) {
  return neighbors / (neighbors + LOCATION_PRIOR);
}

sb_cohort sb_cohort_fit(const sb_calibration *c, const float *scores, size_t count, size_t first, size_t population,
                        double prior) {
  if (first > population) return sb_cohort_unknown(c);
  if (count > population - first + 1) count = population - first + 1;
  for (size_t i = 0; i < count; i++)
    if (!isfinite(scores[i])) return sb_cohort_unknown(c);
  if (!count) return sb_cohort_unknown(c);
  size_t left_out = count - 1 < LEFT_OUT ? count - 1 : LEFT_OUT;
  scores += left_out, first += left_out, count -= left_out;
  moments m = moments_of(scores, count, first, population);
  double slope = m.zz > 0 ? fmax(m.zx / m.zz, 0) : c->cohort_deviation;
  double w = (double)count / ((double)count + prior), v = sb_cohort_weight((double)count);
  double deviation = sqrt(w * slope * slope + (1 - w) * c->cohort_deviation * c->cohort_deviation);
  return (sb_cohort){v * (m.mean_x - deviation * m.mean_z) + (1 - v) * c->tail_mean, deviation, v};
}

size_t sb_cohort_verify_size(size_t people) {
  size_t size = people / 10 > SB_COHORT_VERIFY_LEAST ? people / 10 : SB_COHORT_VERIFY_LEAST;
  if (size > SB_COHORT_VERIFY) size = SB_COHORT_VERIFY;
  if (people < 2) return 0;
  return size < people - 1 ? size : people - 1; /* rank 1 may be the person */
}

static double normalize(const sb_calibration *c, const sb_cohort *a, const sb_cohort *b, double similarity,
                        double offset) {
  if (!sb_cohort_available(c)) return similarity;
  double v = (a->weight + b->weight) / 2, s = c->tail_deviation, d = c->cohort_deviation;
  double variance = (a->deviation * a->deviation + b->deviation * b->deviation) / 2 + (1 - v) * (s * s - d * d);
  double t = (similarity - (a->location + b->location) / 2) / sqrt(variance);
  return fmin(c->tail_mean + s * (t - offset * v), 1);
}

double sb_cohort_search_score(const sb_calibration *c, const sb_cohort *probe, const sb_cohort *candidate,
                              double similarity) {
  return normalize(c, probe, candidate, similarity, c->search_offset);
}

double sb_cohort_verify_score(const sb_calibration *c, const sb_cohort *one, const sb_cohort *other,
                              double similarity) {
  return normalize(c, one, other, similarity, c->verify_offset);
}

double sb_cohort_bias(const sb_cohort *candidate) {
  static const double usual_z = 2.75; /* of the 30 best among some thousands */
  return (candidate->location + usual_z * candidate->deviation) / 2;
}

double sb_cohort_templates_score(const sb_calibration *c, double score, double weight, double templates,
                                 double mean_templates, double growth) {
  double factor = pow(fmax(templates, 1), growth) / pow(fmax(mean_templates, 1), growth * weight);
  if (!c->count || !(factor > 1)) return score;
  double z = (score - c->tail_mean) / c->tail_deviation;
  if (z < 1) return score; /* everybody's best template scores there */
  double hazard = exp(-z * z / 2) / 2.5066282746310002 / sb_normal_tail(z);
  if (!isfinite(hazard)) hazard = z; /* far out, where both underflow */
  return score - c->tail_deviation * log(factor) / hazard;
}

sb_stats_rate sb_cohort_fmr(const sb_calibration *c, double score, double weight) {
  sb_stats_rate out = sb_calibration_fmr(c, score);
  if (c->count) out.upper = fmax(out.upper, sb_calibration_fmr(c, score - (1 - weight) * c->group_shift).upper);
  return out;
}
