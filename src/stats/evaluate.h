/* Evaluation on samples whose people are known: from face templates to the figures of ISO/IEC 19795-1. */
#ifndef SB_STATS_EVALUATE_H
#define SB_STATS_EVALUATE_H

#include "stats/stats.h"

typedef struct sb_stats_sample {
  const float *template; /* `dim` numbers of unit length; borrowed */
  uint32_t person;       /* 0..people-1; samples of one person are consecutive */
  uint32_t group;        /* 0..groups-1, or SB_NO_GROUP */
} sb_stats_sample;
#define SB_NO_GROUP UINT32_MAX

/* A comparison that is listed explicitly (pairs files). */
typedef struct sb_stats_trial {
  uint32_t first, second; /* samples */
  bool mated;
  uint32_t group;
} sb_stats_trial;

enum { SB_TARGETS = 4, SB_RANKS = 10, SB_FPIRS = 3, SB_WORST = 10 };
extern const double sb_stats_target_fmrs[SB_TARGETS]; /* 1e-2 .. 1e-5 */
extern const double sb_stats_target_fpirs[SB_FPIRS];  /* 1e-1 .. 1e-3 */

typedef struct sb_stats_experiment {
  size_t dim;
  const sb_stats_sample *samples;
  size_t sample_count, people, groups;
  const sb_stats_trial *trials; /* NULL: compare every sample with every other, and evaluate identification */
  size_t trial_count;
  const double *thresholds; /* further thresholds to report, such as the default */
  size_t threshold_count;   /* at most SB_THRESHOLDS_MAX */
} sb_stats_experiment;
enum { SB_THRESHOLDS_MAX = 4 };

/* The figures at one threshold. Intervals are at 95 % confidence; people (in trials: samples) are the independent
 * units. */
typedef struct sb_stats_operating_point {
  double threshold, fmr, tar;
  sb_interval fmr_limits, tar_limits;
  uint64_t false_matches, false_non_matches;
  double effective_non_mated; /* effective number of independent non-mated comparisons */
} sb_stats_operating_point;

typedef struct sb_stats_group_figures {
  uint64_t mated, non_mated, false_matches, false_non_matches; /* at thresholds[0]; both samples belong to the group */
  double mated_mean, non_mated_mean;
} sb_stats_group_figures;

typedef struct sb_stats_pair {
  uint32_t first, second;
  double score;
} sb_stats_pair;

typedef struct sb_stats_evaluation {
  sb_scores mated, non_mated;
  sb_stats_eer eer;                             /* valid when both histograms have scores */
  sb_stats_operating_point targets[SB_TARGETS]; /* at the lowest thresholds that reach sb_stats_target_fmrs */
  sb_stats_operating_point at[SB_THRESHOLDS_MAX];
  sb_stats_group_figures *groups;
  bool identified; /* the identification figures below are valid */
  size_t mated_searches, searches;
  double ranks[SB_RANKS], fnir[SB_FPIRS], fpir_threshold[SB_FPIRS];
  sb_stats_search *probes; /* one for each sample */
  size_t lowest_count, highest_count;
  sb_stats_pair lowest[SB_WORST];  /* mated pairs, the worst first */
  sb_stats_pair highest[SB_WORST]; /* non-mated pairs, the worst first */
} sb_stats_evaluation;

sb_status sb_stats_evaluate(const sb_stats_experiment *experiment, sb_stats_evaluation *out, sb_error *error);
void sb_stats_evaluation_free(sb_stats_evaluation *evaluation);

/* Makes a calibration: points with at least 20 non-mated pairs beyond them, a tail fitted to the points, the default
 * threshold at `fmr`, the "not sure" threshold at ten times that rate. SB_INVALID: too few non-mated pairs, or too few
 * people. */
sb_status sb_stats_calibrate(const sb_stats_evaluation *evaluation, double fmr, sb_calibration *out, sb_error *error);

#endif
