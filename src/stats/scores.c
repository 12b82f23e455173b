/* Histograms of scores, and what follows from two of them: thresholds, equal error rate, curve. */
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

sb_status sb_scores_new(sb_scores *scores, sb_error *error) {
  uint64_t *bins = sb_alloc(SB_SCORE_BINS, sizeof *bins, error);
  if (!bins) return SB_NO_MEMORY;
  *scores = (sb_scores){.bins = bins};
  return SB_OK;
}

void sb_scores_free(sb_scores *scores) {
  free(scores->bins);
  *scores = (sb_scores){0};
}

/* The bin of a score; the small term puts decimal thresholds such as .432, which no double represents exactly, into
 * their own bin. */
static int bin_of(double score) {
  double bin = floor((score + 1) * SB_SCORE_STEPS + 1e-6);
  return (int)fmin(fmax(bin, 0), SB_SCORE_BINS - 1);
}

/* The first bin whose scores are all at `threshold` or above. */
static int first_bin(double threshold) {
  double bin = ceil((threshold + 1) * SB_SCORE_STEPS - 1e-6);
  return (int)fmin(fmax(bin, 0), SB_SCORE_BINS);
}

static double score_of(int bin) {
  return (double)(bin - SB_SCORE_STEPS) / SB_SCORE_STEPS;
}

void sb_scores_add(sb_scores *scores, double score) {
  scores->bins[bin_of(score)]++;
  scores->count++;
  scores->sum += score;
}

uint64_t sb_scores_count_from(const sb_scores *scores, double threshold) {
  uint64_t count = 0;
  for (int b = first_bin(threshold); b < SB_SCORE_BINS; b++) count += scores->bins[b];
  return count;
}

double sb_scores_share_from(const sb_scores *scores, double threshold) {
  return scores->count ? (double)sb_scores_count_from(scores, threshold) / (double)scores->count : 0;
}

double sb_scores_threshold(const sb_scores *scores, double share) {
  double allowed = share * (double)scores->count * (1 + 1e-12);
  uint64_t above = 0;
  int bin = SB_SCORE_BINS;
  while (bin > 0 && (double)(above + scores->bins[bin - 1]) <= allowed) above += scores->bins[--bin];
  return score_of(bin);
}

sb_stats_eer sb_scores_eer(const sb_scores *mated, const sb_scores *non_mated) {
  uint64_t missed = 0, false_matches = non_mated->count;
  for (int b = 0; b <= SB_SCORE_BINS; b++) { /* threshold: the start of bin b */
    double fmr = (double)false_matches / (double)non_mated->count, fnmr = (double)missed / (double)mated->count;
    if (fnmr >= fmr) return (sb_stats_eer){(fmr + fnmr) / 2, score_of(b)};
    if (b == SB_SCORE_BINS) break;
    missed += mated->bins[b];
    false_matches -= non_mated->bins[b];
  }
  return (sb_stats_eer){0, 1};
}

/* Whether a rate has changed visibly, also on a logarithmic axis. */
static bool moved(double from, double to) {
  return fabs(to - from) > 0.04 * fmax(from, to) || (from > 0) != (to > 0);
}

size_t sb_scores_curve(const sb_scores *mated, const sb_scores *non_mated, sb_stats_curve_point *points, size_t most) {
  size_t count = 0;
  uint64_t missed = 0, false_matches = non_mated->count;
  for (int b = 0; b <= SB_SCORE_BINS && count < most; b++) {
    sb_stats_curve_point point = {score_of(b), non_mated->count ? (double)false_matches / (double)non_mated->count : 0,
                                  mated->count ? (double)missed / (double)mated->count : 0};
    const sb_stats_curve_point *last = &points[count ? count - 1 : 0];
    bool room = count + 1 < most; /* one is reserved for the end */
    if (b == SB_SCORE_BINS || !count || (room && (moved(last->fmr, point.fmr) || moved(last->fnmr, point.fnmr))))
      points[count++] = point;
    if (b == SB_SCORE_BINS) break;
    missed += mated->bins[b];
    false_matches -= non_mated->bins[b];
  }
  return count;
}
