/* sb_stats_evaluate: two rounds over all comparisons. The first fills the score histograms, from which the thresholds
 * follow; the second counts, for each person, the matches at these thresholds, which gives the confidence limits. Then
 * a round over the comparisons of each group.
 * Nothing is stored a pair, so the pairs of a million samples cost only time. */
#include "stats/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double sb_stats_target_fmrs[SB_TARGETS] = {1e-2, 1e-3, 1e-4, 1e-5};
const double sb_stats_target_fpirs[SB_FPIRS] = {1e-1, 1e-2, 1e-3};

enum { POINTS_MAX = SB_TARGETS + SB_THRESHOLDS_MAX };

/* The jackknife's counts at one threshold, of each unit and in total; index 0: non-mated, 1: mated. */
typedef struct unit_counts {
  double threshold;
  double *hits[2];
  double total[2];
} unit_counts;

typedef struct evaluator {
  const sb_stats_experiment *experiment;
  sb_identify_gallery gallery; /* of all samples, unless there are trials */
  sb_cohort *cohorts;          /* of each sample; NULL: scores are cosines */
  sb_stats_evaluation *out;
  size_t units;
  double *pairs[2]; /* of each unit */
  double total[2];
  size_t at_count;
  unit_counts at[POINTS_MAX];
  bool second_round;
  uint32_t only; /* comparisons within this group; SB_NO_GROUP: all */
} evaluator;

/* Keeps the SB_WORST pairs with the lowest sign * score. */
static void keep_worst(sb_stats_pair *list, size_t *count, sb_stats_pair pair, double sign) {
  if (*count == SB_WORST && sign * pair.score >= sign * list[SB_WORST - 1].score) return;
  size_t at = *count < SB_WORST ? (*count)++ : SB_WORST - 1;
  while (at > 0 && sign * list[at - 1].score > sign * pair.score) {
    list[at] = list[at - 1];
    at--;
  }
  list[at] = pair;
}

static void count_group(evaluator *e, uint32_t group, bool mated, double score) {
  const sb_stats_experiment *x = e->experiment;
  if (group == SB_NO_GROUP || !x->threshold_count) return;
  sb_stats_group_figures *g = &e->out->groups[group];
  if (mated) {
    g->mated_mean += (score - g->mated_mean) / (double)++g->mated;
  } else {
    g->non_mated_mean += (score - g->non_mated_mean) / (double)++g->non_mated;
  }
}

static void count_unit(double *of_unit, double *total, size_t one, size_t other) {
  of_unit[one]++;
  if (other != one) of_unit[other]++;
  (*total)++;
}

static void add_comparison(evaluator *e, uint32_t first, uint32_t second, bool mated, uint32_t group, double score) {
  sb_stats_evaluation *out = e->out;
  if (!e->second_round) {
    sb_scores_add(mated ? &out->mated : &out->non_mated, score);
    count_group(e, group, mated, score);
    if (mated)
      keep_worst(out->lowest, &out->lowest_count, (sb_stats_pair){first, second, score}, 1);
    else
      keep_worst(out->highest, &out->highest_count, (sb_stats_pair){first, second, score}, -1);
    return;
  }
  const sb_stats_experiment *x = e->experiment;
  size_t one = x->trials ? first : x->samples[first].person, other = x->trials ? second : x->samples[second].person;
  count_unit(e->pairs[mated], &e->total[mated], one, other);
  for (size_t t = 0; t < e->at_count; t++)
    if (score >= e->at[t].threshold) count_unit(e->at[t].hits[mated], &e->at[t].total[mated], one, other);
}

static double score_of(const evaluator *e, size_t i, size_t j) {
  const sb_stats_experiment *x = e->experiment;
  double cosine = sb_stats_cosine(x->samples[i].template, x->samples[j].template, x->dim);
  return e->cohorts ? sb_cohort_verify_score(x->calibration, &e->cohorts[i], &e->cohorts[j], cosine) : cosine;
}

static bool left_out(const evaluator *e, uint32_t group) {
  return e->only != SB_NO_GROUP && group != e->only;
}

static void compare_all(evaluator *e) {
  const sb_stats_experiment *x = e->experiment;
  for (size_t t = 0; x->trials && t < x->trial_count; t++) {
    const sb_stats_trial *trial = &x->trials[t];
    if (left_out(e, trial->group)) continue;
    add_comparison(e, trial->first, trial->second, trial->mated, trial->group,
                   score_of(e, trial->first, trial->second));
  }
  for (size_t i = 0; !x->trials && i < x->sample_count; i++) {
    const sb_stats_sample *a = &x->samples[i];
    for (size_t j = i + 1; j < x->sample_count && !left_out(e, a->group); j++) {
      const sb_stats_sample *b = &x->samples[j];
      if (left_out(e, b->group)) continue;
      add_comparison(e, (uint32_t)i, (uint32_t)j, a->person == b->person, a->group == b->group ? a->group : SB_NO_GROUP,
                     score_of(e, i, j));
    }
  }
}

/* ---- Identification */

/* Each sample is searched for among all others. */
static sb_status identify(evaluator *e, sb_error *error) {
  const sb_stats_experiment *x = e->experiment;
  sb_stats_evaluation *out = e->out;
  out->probes = sb_alloc(x->sample_count, sizeof *out->probes, error);
  if (!out->probes) return SB_NO_MEMORY;
  out->searches = x->sample_count;
  for (size_t i = 0; i < x->sample_count; i++) {
    sb_identify_answer answer;
    sb_identify_gallery_search(&e->gallery, (uint32_t)i, &answer);
    out->probes[i] = x->calibration ? answer.score : answer.cosine;
    out->mated_searches += out->probes[i].mated;
  }
  for (size_t r = 0; r < SB_RANKS; r++) out->ranks[r] = sb_identify_rank(out->probes, out->searches, r + 1);
  for (size_t f = 0; f < SB_FPIRS; f++) {
    sb_status status =
        sb_identify_threshold(out->probes, out->searches, sb_stats_target_fpirs[f], &out->fpir_threshold[f], error);
    if (status != SB_OK) return status;
    out->fnir[f] = sb_identify_fnir(out->probes, out->searches, out->fpir_threshold[f]);
  }
  out->identified = out->mated_searches > 0;
  return SB_OK;
}

/* The gallery of all samples, and the cohorts that it has for them. */
static sb_status enrol_all(evaluator *e, sb_error *error) {
  static const sb_calibration none = {0};
  const sb_stats_experiment *x = e->experiment;
  const sb_calibration *calibration = x->calibration ? x->calibration : &none;
  if (x->comparisons_only && !x->calibration) return SB_OK;
  uint32_t *all = sb_alloc(x->sample_count, sizeof *all, error);
  if (!all) return SB_NO_MEMORY;
  for (size_t i = 0; i < x->sample_count; i++) all[i] = (uint32_t)i;
  sb_status status = sb_identify_gallery_new(calibration, x->dim, x->samples, all, x->sample_count, &e->gallery, error);
  free(all);
  if (status != SB_OK || !sb_cohort_available(calibration)) return status;
  e->cohorts = sb_alloc(x->sample_count, sizeof *e->cohorts, error);
  if (!e->cohorts) return SB_NO_MEMORY;
  for (size_t i = 0; i < x->sample_count; i++) e->cohorts[i] = sb_identify_gallery_cohort(&e->gallery, (uint32_t)i);
  return SB_OK;
}

/* ---- Limits of confidence */

static sb_status add_threshold(evaluator *e, double threshold, sb_error *error) {
  unit_counts *t = &e->at[e->at_count++];
  t->threshold = threshold;
  for (int mated = 0; mated < 2; mated++)
    if (!(t->hits[mated] = sb_alloc(e->units, sizeof(double), error))) return SB_NO_MEMORY;
  return SB_OK;
}

/* The effective number of trials where no error was observed: every person with mates counts once, and every pair of
 * people. */
static double least_trials(const evaluator *e, bool mated) {
  double units = 0;
  for (size_t i = 0; i < e->units; i++) units += e->pairs[mated][i] > 0;
  if (e->experiment->trials) return fmax(1, units / 2);
  return fmax(1, mated ? units : units * (units - 1) / 2);
}

static sb_stats_operating_point operating_point(const evaluator *e, const unit_counts *t) {
  sb_stats_operating_point point = {.threshold = t->threshold};
  point.false_matches = (uint64_t)t->total[0];
  point.false_non_matches = (uint64_t)(e->total[1] - t->total[1]);
  point.fmr = e->total[0] > 0 ? t->total[0] / e->total[0] : 0;
  point.tar = e->total[1] > 0 ? t->total[1] / e->total[1] : 0;
  point.effective_non_mated =
      sb_interval_effective_trials(t->hits[0], e->pairs[0], e->units, t->total[0], e->total[0], least_trials(e, false));
  double mated =
      sb_interval_effective_trials(t->hits[1], e->pairs[1], e->units, t->total[1], e->total[1], least_trials(e, true));
  point.fmr_limits = sb_interval_wilson(point.fmr, point.effective_non_mated);
  point.tar_limits = sb_interval_wilson(point.tar, mated);
  return point;
}

static sb_status reserve_pairs(evaluator *e, sb_error *error) {
  for (int mated = 0; mated < 2; mated++)
    if (!(e->pairs[mated] = sb_alloc(e->units, sizeof(double), error))) return SB_NO_MEMORY;
  return SB_OK;
}

static void free_counts(evaluator *e) {
  for (int mated = 0; mated < 2; mated++) {
    free(e->pairs[mated]);
    for (size_t t = 0; t < e->at_count; t++) free(e->at[t].hits[mated]);
  }
}

static sb_status second_round(evaluator *e, sb_error *error) {
  const sb_stats_experiment *x = e->experiment;
  sb_status status = reserve_pairs(e, error);
  e->second_round = true;
  for (size_t t = 0; status == SB_OK && t < SB_TARGETS; t++)
    status = add_threshold(e, sb_scores_threshold(&e->out->non_mated, sb_stats_target_fmrs[t]), error);
  for (size_t t = 0; status == SB_OK && t < x->threshold_count; t++) status = add_threshold(e, x->thresholds[t], error);
  if (status != SB_OK) return status;
  compare_all(e);
  for (size_t t = 0; t < SB_TARGETS; t++) e->out->targets[t] = operating_point(e, &e->at[t]);
  for (size_t t = 0; t < x->threshold_count; t++) e->out->at[t] = operating_point(e, &e->at[SB_TARGETS + t]);
  return SB_OK;
}

/* A second round over the comparisons of one group. */
static sb_status evaluate_group(const evaluator *whole, uint32_t group, sb_stats_group_figures *out, sb_error *error) {
  evaluator e = {.experiment = whole->experiment,
                 .cohorts = whole->cohorts,
                 .units = whole->units,
                 .second_round = true,
                 .only = group};
  sb_status status = reserve_pairs(&e, error);
  if (status == SB_OK) status = add_threshold(&e, e.experiment->thresholds[0], error);
  if (status == SB_OK) {
    compare_all(&e);
    for (size_t u = 0; u < e.units; u++) out->units += e.pairs[0][u] + e.pairs[1][u] > 0;
    out->at = operating_point(&e, &e.at[0]);
  }
  free_counts(&e);
  return status;
}

static sb_status first_round(evaluator *e, sb_error *error) {
  sb_stats_evaluation *out = e->out;
  sb_status status = sb_scores_new(&out->mated, error);
  if (status != SB_OK) return status;
  if ((status = sb_scores_new(&out->non_mated, error)) != SB_OK) return status;
  out->groups = sb_alloc(e->experiment->groups, sizeof *out->groups, error);
  if (!out->groups) return SB_NO_MEMORY;
  compare_all(e);
  if (out->mated.count && out->non_mated.count) out->eer = sb_scores_eer(&out->mated, &out->non_mated);
  return SB_OK;
}

static sb_status run(evaluator *e, sb_error *error) {
  const sb_stats_experiment *x = e->experiment;
  sb_status status = x->trials ? SB_OK : enrol_all(e, error);
  if (status == SB_OK) status = first_round(e, error);
  if (status == SB_OK) status = second_round(e, error);
  for (uint32_t g = 0; status == SB_OK && x->threshold_count && g < x->groups; g++)
    status = evaluate_group(e, g, &e->out->groups[g], error);
  return status != SB_OK || x->trials || x->comparisons_only ? status : identify(e, error);
}

sb_status sb_stats_evaluate(const sb_stats_experiment *x, sb_stats_evaluation *out, sb_error *error) {
  sb_stats_evaluation evaluation = {0};
  evaluator e = {
      .experiment = x, .out = &evaluation, .units = x->trials ? x->sample_count : x->people, .only = SB_NO_GROUP};
  sb_status status = run(&e, error);
  free_counts(&e);
  sb_identify_gallery_free(&e.gallery);
  free(e.cohorts);
  if (status == SB_OK)
    *out = evaluation;
  else
    sb_stats_evaluation_free(&evaluation);
  return status;
}

void sb_stats_evaluation_free(sb_stats_evaluation *evaluation) {
  sb_scores_free(&evaluation->mated);
  sb_scores_free(&evaluation->non_mated);
  free(evaluation->groups);
  free(evaluation->probes);
  *evaluation = (sb_stats_evaluation){0};
}
