/* L1: the statistics of comparison scores: error rates, their uncertainty, calibration. No pixels, no files, no clock.
 *
 * Terms are those of ISO/IEC 19795-1: a mated comparison is of two samples of one person, a non-mated one of two people.
 *   FMR(t)   share of non-mated comparisons with a score of at least t        FNMR(t)  of mated ones below t; TAR = 1 - FNMR
 *   FPIR(t)  share of searches of people who are not enrolled that return anybody at t or above
 *   FNIR(t)  share of searches of enrolled people that do not return them first and at t or above
 * Scores are cosines, -1..1; a higher one is more alike. Rates are 0..1. Every function here is pure, or works on an object
 * of one thread. */
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
/* Wilson's score interval at 95 % for a rate seen in `trials` independent trials (a real number: an effective count);
 * trials <= 0 gives 0..1. E. B. Wilson, JASA 22 (1927). */
sb_interval sb_interval_wilson(double rate, double trials);

/* How much a rate over pairs is worth when pairs share people (or photos): the delete-one jackknife over units, which is
 * what a rate over pairs needs, since each unit is part of many. `hits[i]`, `pairs[i]`: those that unit i takes part in;
 * the totals count each pair once. Gives the number of independent trials that would have the same variance, at least
 * `least` and at most total_pairs; where no or all pairs hit, the variance says nothing and `least` is given. */
double sb_interval_effective_trials(const double *hits, const double *pairs, size_t units, double total_hits,
                                    double total_pairs, double least);

/* ---- calibration.c: what a score of one embedding model means */

enum { SB_CALIBRATION_MAX = 16 };
/* Measured points: rising threshold, falling FMR. Beyond the last a normal tail goes on, fitted to the lower points:
 * FMR(t) = min(last FMR, c P(Z > (t - tail_mean) / tail_deviation)), c >= 1 chosen so that it never jumps. */
typedef struct sb_calibration {
  size_t count; /* 0: nobody measured; only the two thresholds are there, as the model's authors gave them */
  double fmr[SB_CALIBRATION_MAX], threshold[SB_CALIBRATION_MAX];
  double tail_mean, tail_deviation;
  double independent_pairs; /* what the measured pairs are worth: for limits of confidence */
  double default_threshold, unsure_threshold;
  double non_mated_mean; /* half of all different people score below this */
  double fmr_floor;      /* rates below this are not claimed: only that bound is stated */
} sb_calibration;

typedef struct sb_stats_rate {
  double rate;  /* the best estimate, never below the floor */
  double upper; /* its upper limit of confidence, 95 % */
  bool bound;   /* the estimate lay below the floor: the rate is an upper bound */
} sb_stats_rate;
/* FMR at `similarity`. Upper limit: Wilson's at measured points; beyond them from there as an exponential that falls no
 * faster than the tail does at the last measured point, since relatives and look-alikes make real tails heavier. Without
 * measurements the rate is 1 and a bound. */
sb_stats_rate sb_calibration_fmr(const sb_calibration *calibration, double similarity);
/* The lowest score whose FMR is `fmr` or less; 0 < fmr < 1. At most 1. There must be measurements. */
double sb_calibration_threshold(const sb_calibration *calibration, double fmr);
/* SB_INVALID with a sentence that says what is out of order. */
sb_status sb_calibration_check(const sb_calibration *calibration, sb_error *error);

/* Chance that a search among `count` faces of other people returns somebody, from the FMR of one comparison; and back. */
double sb_stats_fpir_of_fmr(double fmr, double count);
double sb_stats_fmr_of_fpir(double fpir, double count);

/* Least squares of thresholds on normal quantiles: the normal tail through `count` >= 2 measured points. False: they lie
 * on no falling curve. */
bool sb_normal_fit_tail(const double *fmr, const double *threshold, size_t count, double *mean, double *deviation);

/* ---- scores.c: scores counted in steps of 1e-4 */

enum { SB_SCORE_STEPS = 10000, SB_SCORE_BINS = 2 * SB_SCORE_STEPS + 1 };
typedef struct sb_scores {
  uint64_t count;
  double sum;
  uint64_t *bins; /* SB_SCORE_BINS: bin b holds scores of b / SB_SCORE_STEPS - 1 up to the next */
} sb_scores;
sb_status sb_scores_new(sb_scores *scores, sb_error *error);
void sb_scores_free(sb_scores *scores);
void sb_scores_add(sb_scores *scores, double score);
double sb_scores_share_from(const sb_scores *scores, double threshold); /* of those at `threshold` or above; none: 0 */
uint64_t sb_scores_count_from(const sb_scores *scores, double threshold);
/* The lowest step at which at most `share` of the scores are at or above it; above all of them when `share` is too small. */
double sb_scores_threshold(const sb_scores *scores, double share);

typedef struct sb_stats_eer {
  double rate, threshold;
} sb_stats_eer;
/* Where FMR and FNMR meet; between two steps their mean counts. Both must hold scores. */
sb_stats_eer sb_scores_eer(const sb_scores *mated, const sb_scores *non_mated);

typedef struct sb_stats_curve_point {
  double threshold, fmr, fnmr;
} sb_stats_curve_point;
/* The curve of DET and ROC, a point for each step of 4 % in one of the rates, rising threshold; about 1,000 points at the
 * utmost, of which at most `most` >= 2 are given. Gives how many. */
size_t sb_scores_curve(const sb_scores *mated, const sb_scores *non_mated, sb_stats_curve_point *points, size_t most);

/* ---- identify.c: one-to-many */

/* One search: the best score among the person's own other samples, among everybody else's, and the person's rank. */
typedef struct sb_stats_search {
  bool mated;   /* the person has another sample in the gallery */
  double own;   /* when mated */
  double other; /* the best of other people; -1 when there are none */
  size_t rank;  /* 1 + how many other people score at least `own`; when mated */
} sb_stats_search;
/* Share of mated searches whose person is among the first `rank`. No mated search: 0. */
double sb_identify_rank(const sb_stats_search *probes, size_t count, size_t rank);
/* At a threshold. */
double sb_identify_fnir(const sb_stats_search *probes, size_t count, double threshold);
double sb_identify_fpir(const sb_stats_search *probes, size_t count, double threshold);
/* The lowest score at which FPIR is `fpir` or less. */
sb_status sb_identify_threshold(const sb_stats_search *probes, size_t count, double fpir, double *threshold,
                                sb_error *error);

#endif
