/* Statistics of comparison scores (L1): error rates, their uncertainty, calibration. No pixels, no files, no clock.
 *
 * Terms of ISO/IEC 19795-1: a mated comparison is of two samples of one person, a non-mated one of two people.
 *   FMR(t)   false match rate: share of non-mated comparisons with a score of at least t
 *   FNMR(t)  false non-match rate: share of mated comparisons with a score below t; TAR = 1 - FNMR
 *   FPIR(t)  false positive identification rate: share of searches of people who are not enrolled that return anybody
 *            with a score of at least t
 *   FNIR(t)  false negative identification rate: share of searches of enrolled people that do not return them first and
 *            with a score of at least t
 * Scores are cosines, -1..1; higher means more alike. Rates are 0..1. Every function is pure, or works on an object of
 * one thread. */
#ifndef SB_STATS_H
#define SB_STATS_H

#include "base/base.h"

/* ---- normal.c: the normal distribution */

double sb_normal_tail(double z);     /* P(Z > z) */
double sb_normal_quantile(double p); /* the z with P(Z > z) = p, 0 < p < 1; exact to about 1e-12 */

/* ---- interval.c: uncertainty */

typedef struct sb_interval {
  double low, high;
} sb_interval;
/* Wilson's score interval at 95 % for a rate observed in `trials` independent trials (a real number: an effective
 * count); trials <= 0 gives 0..1. E. B. Wilson, JASA 22 (1927). */
sb_interval sb_interval_wilson(double rate, double trials);

/* The effective number of independent trials behind a rate over pairs, when pairs share people (or photos): by the
 * delete-one jackknife over units, since each unit is part of many pairs. `hits[i]`, `pairs[i]`: those that unit i
 * takes part in; the totals count each pair once. Returns the number of independent trials that would have the same
 * variance, at least `least` and at most total_pairs. Where no pair or every pair hits, the variance says nothing, and
 * `least` is returned. */
double sb_interval_effective_trials(const double *hits, const double *pairs, size_t units, double total_hits,
                                    double total_pairs, double least);

/* ---- calibration.c: what a score of one embedding model means */

enum { SB_CALIBRATION_MAX = 16 };
/* Measured points: rising threshold, falling FMR. Beyond the last point, a normal tail fitted to the lower points is
 * used: FMR(t) = min(last FMR, c P(Z > (t - tail_mean) / tail_deviation)), with c >= 1 chosen so that there is no
 * jump. */
typedef struct sb_calibration {
  size_t count; /* 0: not measured; only the two thresholds are set, as the model's authors published them */
  double fmr[SB_CALIBRATION_MAX], threshold[SB_CALIBRATION_MAX];
  double tail_mean, tail_deviation;
  double independent_pairs; /* effective number of the measured pairs, for confidence limits */
  double default_threshold, unsure_threshold;
  double non_mated_mean; /* half of all non-mated comparisons score below this */
  double fmr_floor;      /* lower rates are not claimed: this bound is reported instead */
  /* Constants of normalised scores (cohort.h); cohort_deviation 0: scores of this model are not normalised. */
  double cohort_deviation;             /* of the scores of one face against strangers; at most tail_deviation */
  double search_offset, verify_offset; /* in deviations: what normalising leaves, in a search and a comparison */
  double group_shift; /* how much higher strangers score in the adult group whose people the model tells apart worst */
} sb_calibration;

typedef struct sb_stats_rate {
  double rate;  /* best estimate, at least fmr_floor */
  double upper; /* upper 95 % confidence limit */
  bool bound;   /* the estimate was below fmr_floor: the rate is an upper bound */
} sb_stats_rate;
/* The FMR at a score. Upper limit: Wilson's at measured points; beyond the last point an exponential that falls no
 * faster than the tail does at that point, because relatives and look-alikes make real tails heavier. Without
 * measurements the rate is 1 and a bound. */
sb_stats_rate sb_calibration_fmr(const sb_calibration *calibration, double similarity);
/* The lowest score whose FMR is at most `fmr`; 0 < fmr < 1. At most 1. Requires measurements. */
double sb_calibration_threshold(const sb_calibration *calibration, double fmr);
/* SB_INVALID with a message that names what is inconsistent. */
sb_status sb_calibration_check(const sb_calibration *calibration, sb_error *error);

/* The probability that a search among `count` faces of other people returns anybody, from the FMR of one comparison;
 * and the inverse. Comparisons are taken as independent: 1 - (1 - FMR)^count. */
double sb_stats_fpir_of_fmr(double fmr, double count);
/* The same for a score, from the rate that the calibration estimates for it: the FPIR of a search among `people` whose
 * threshold it is. Not less than what the floor of the FMR gives, or SB_FPIR_FLOOR where that is smaller: searches in
 * galleries of all sizes were measured down to this rate. Without measurements 1. */
double sb_calibration_fpir(const sb_calibration *calibration, double score, double people);
#define SB_FPIR_FLOOR 1e-3
double sb_stats_fmr_of_fpir(double fpir, double count);

/* Fits a normal tail through `count` >= 2 measured points: least squares of thresholds on normal quantiles. False: the
 * points are not on a falling curve. */
bool sb_normal_fit_tail(const double *fmr, const double *threshold, size_t count, double *mean, double *deviation);

/* ---- scores.c: histograms of scores, in steps of 1e-4 */

enum { SB_SCORE_STEPS = 10000, SB_SCORE_BINS = 2 * SB_SCORE_STEPS + 1 };
typedef struct sb_scores {
  uint64_t count;
  double sum;
  uint64_t *bins; /* SB_SCORE_BINS: bin b holds scores of b / SB_SCORE_STEPS - 1 up to the next */
} sb_scores;
sb_status sb_scores_new(sb_scores *scores, sb_error *error);
void sb_scores_free(sb_scores *scores);
void sb_scores_add(sb_scores *scores, double score);
double sb_scores_share_from(const sb_scores *scores,
                            double threshold); /* the share at `threshold` or above; 0 without scores */
uint64_t sb_scores_count_from(const sb_scores *scores, double threshold);
/* The lowest step at which at most `share` of the scores are at or above it; above all scores when `share` is too
 * small. */
double sb_scores_threshold(const sb_scores *scores, double share);

typedef struct sb_stats_eer {
  double rate, threshold;
} sb_stats_eer;
/* The equal error rate: where FMR and FNMR meet; between two steps, their mean. Both histograms must have scores. */
sb_stats_eer sb_scores_eer(const sb_scores *mated, const sb_scores *non_mated);

typedef struct sb_stats_curve_point {
  double threshold, fmr, fnmr;
} sb_stats_curve_point;
/* The DET and ROC curve, by rising threshold: a point for each change of 4 % in one of the rates, about 1,000 points at
 * most, of which at most `most` >= 2 are written. Returns how many. */
size_t sb_scores_curve(const sb_scores *mated, const sb_scores *non_mated, sb_stats_curve_point *points, size_t most);

/* ---- identify.c: one-to-many */

/* A face template whose person is known. */
typedef struct sb_stats_sample {
  const float *template; /* `dim` numbers of unit length; borrowed */
  uint32_t person;       /* 0..people-1; samples of one person are consecutive */
  uint32_t group;        /* 0..groups-1, or SB_NO_GROUP */
} sb_stats_sample;
#define SB_NO_GROUP UINT32_MAX

/* One identification transaction: the best score among the person's own other samples, among everybody else's, and the
 * rank of the person. */
typedef struct sb_stats_search {
  bool mated;   /* the person has another sample among the samples */
  double own;   /* when mated */
  double other; /* the best of other people; -1 when there are none */
  size_t rank;  /* 1 + how many other people score at least `own`; when mated */
} sb_stats_search;
/* The share of mated searches whose person is among the first `rank`; 0 without mated searches. */
double sb_identify_rank(const sb_stats_search *probes, size_t count, size_t rank);
/* FNIR and FPIR at a threshold. */
double sb_identify_fnir(const sb_stats_search *probes, size_t count, double threshold);
double sb_identify_fpir(const sb_stats_search *probes, size_t count, double threshold);
/* The lowest threshold at which FPIR is at most `fpir`. */
sb_status sb_identify_threshold(const sb_stats_search *probes, size_t count, double fpir, double *threshold,
                                sb_error *error);

#endif
