/* Evaluation on samples whose people are known: from face templates to the figures of ISO/IEC 19795-1. */
#ifndef SB_STATS_EVALUATE_H
#define SB_STATS_EVALUATE_H

#include "stats/promise.h"

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
  const sb_calibration *calibration; /* NULL: scores are cosines; else they are normalised (cohort.h) by the gallery of
                                        all samples. With trials, which tell no people, there is no gallery */
  size_t dim;
  const sb_stats_sample *samples;
  size_t sample_count, people, groups;
  const sb_stats_trial *trials; /* NULL: compare every sample with every other, and evaluate identification */
  size_t trial_count;
  const double *thresholds; /* further thresholds to report, such as the default */
  size_t threshold_count;   /* at most SB_THRESHOLDS_MAX */
  bool comparisons_only;    /* no identification */
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

/* Of the comparisons whose samples both belong to the group. */
typedef struct sb_stats_group_figures {
  uint64_t mated, non_mated;
  double mated_mean, non_mated_mean;
  size_t units;                /* people (in trials: samples) that are compared */
  sb_stats_operating_point at; /* at thresholds[0] */
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

#endif
