/* sb_stats_evaluate: two rounds over all comparisons. The first fills the score histograms, from which the thresholds
 * follow; the second counts, for each person, the matches at these thresholds, which gives the confidence limits.
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
  sb_stats_evaluation *out;
  size_t units;
  double *pairs[2]; /* of each unit */
  double total[2];
  size_t at_count;
  unit_counts at[POINTS_MAX];
  bool second_round;
} evaluator;

static double dot(const float *a, const float *b, size_t n) {
  float sum[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t k = 0; k < 8; k++) sum[k] += a[i + k] * b[i + k];
  double all = 0;
  for (size_t k = 0; k < 8; k++) all += (double)sum[k];
  for (; i < n; i++) all += (double)a[i] * (double)b[i];
  return fmin(fmax(all, -1), 1);
}

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
    g->false_non_matches += score < x->thresholds[0];
  } else {
    g->non_mated_mean += (score - g->non_mated_mean) / (double)++g->non_mated;
    g->false_matches += score >= x->thresholds[0];
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

static void compare_all(evaluator *e) {
  const sb_stats_experiment *x = e->experiment;
  for (size_t t = 0; x->trials && t < x->trial_count; t++) {
    const sb_stats_trial *trial = &x->trials[t];
    add_comparison(e, trial->first, trial->second, trial->mated, trial->group,
                   dot(x->samples[trial->first].template, x->samples[trial->second].template, x->dim));
  }
  for (size_t i = 0; !x->trials && i < x->sample_count; i++) {
    const sb_stats_sample *a = &x->samples[i];
    for (size_t j = i + 1; j < x->sample_count; j++) {
      const sb_stats_sample *b = &x->samples[j];
      add_comparison(e, (uint32_t)i, (uint32_t)j, a->person == b->person, a->group == b->group ? a->group : SB_NO_GROUP,
                     dot(a->template, b->template, x->dim));
    }
  }
}

/* ---- Identification */

/* Searches for sample i among all others, taking the best score of each person. */
static void search(const sb_stats_experiment *x, size_t i, sb_stats_search *probe) {
  const sb_stats_sample *a = &x->samples[i];
  double own = -2;
  *probe = (sb_stats_search){.other = -1};
  for (size_t j = 0; j < x->sample_count; j++)
    if (j != i && x->samples[j].person == a->person) own = fmax(own, dot(a->template, x->samples[j].template, x->dim));
  probe->mated = own >= -1;
  probe->own = probe->mated ? own : 0;
  probe->rank = probe->mated ? 1 : 0;
  for (size_t j = 0; j < x->sample_count;) {
    uint32_t person = x->samples[j].person;
    double best = -1;
    for (; j < x->sample_count && x->samples[j].person == person; j++)
      if (person != a->person) best = fmax(best, dot(a->template, x->samples[j].template, x->dim));
    if (person == a->person) continue;
    probe->other = fmax(probe->other, best);
    probe->rank += probe->mated && best >= own;
  }
}

static sb_status identify(const sb_stats_experiment *x, sb_stats_evaluation *out, sb_error *error) {
  out->probes = sb_alloc(x->sample_count, sizeof *out->probes, error);
  if (!out->probes) return SB_NO_MEMORY;
  out->searches = x->sample_count;
  for (size_t i = 0; i < x->sample_count; i++) {
    search(x, i, &out->probes[i]);
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

static sb_status second_round(evaluator *e, sb_error *error) {
  const sb_stats_experiment *x = e->experiment;
  sb_status status = SB_OK;
  e->second_round = true;
  for (size_t t = 0; status == SB_OK && t < SB_TARGETS; t++)
    status = add_threshold(e, sb_scores_threshold(&e->out->non_mated, sb_stats_target_fmrs[t]), error);
  for (size_t t = 0; status == SB_OK && t < x->threshold_count; t++) status = add_threshold(e, x->thresholds[t], error);
  for (int mated = 0; mated < 2; mated++)
    if (status == SB_OK && !(e->pairs[mated] = sb_alloc(e->units, sizeof(double), error))) status = SB_NO_MEMORY;
  if (status != SB_OK) return status;
  compare_all(e);
  for (size_t t = 0; t < SB_TARGETS; t++) e->out->targets[t] = operating_point(e, &e->at[t]);
  for (size_t t = 0; t < x->threshold_count; t++) e->out->at[t] = operating_point(e, &e->at[SB_TARGETS + t]);
  return SB_OK;
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
  sb_status status = first_round(e, error);
  if (status != SB_OK) return status;
  if ((status = second_round(e, error)) != SB_OK) return status;
  return e->experiment->trials ? SB_OK : identify(e->experiment, e->out, error);
}

sb_status sb_stats_evaluate(const sb_stats_experiment *x, sb_stats_evaluation *out, sb_error *error) {
  sb_stats_evaluation evaluation = {0};
  evaluator e = {.experiment = x, .out = &evaluation, .units = x->trials ? x->sample_count : x->people};
  sb_status status = run(&e, error);
  for (int mated = 0; mated < 2; mated++) {
    free(e.pairs[mated]);
    for (size_t t = 0; t < e.at_count; t++) free(e.at[t].hits[mated]);
  }
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

/* ---- Calibration */

sb_status sb_stats_calibrate(const sb_stats_evaluation *evaluation, double fmr, sb_calibration *out, sb_error *error) {
  static const double ladder[] = {3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6};
  enum { BEYOND = 20, LADDER = sizeof ladder / sizeof *ladder };
  const sb_scores *scores = &evaluation->non_mated;
  sb_calibration c = {.non_mated_mean = scores->count ? scores->sum / (double)scores->count : 0};
  for (size_t i = 0; i < LADDER && ladder[i] * (double)scores->count >= BEYOND; i++) {
    double threshold = sb_scores_threshold(scores, ladder[i]);
    if (threshold > 1 || (c.count ? threshold <= c.threshold[c.count - 1] : threshold <= c.non_mated_mean)) continue;
    c.fmr[c.count] = ladder[i];
    c.threshold[c.count++] = threshold;
  }
  if (c.count < 2 || !sb_normal_fit_tail(c.fmr, c.threshold, c.count, &c.tail_mean, &c.tail_deviation))
    return sb_fail(
        error, SB_INVALID,
        "%llu comparisons of different people are too few for a calibration: at least 2,000 are needed, and 200,000 "
        "for rates down to 1e-4; add photos of more people",
        (unsigned long long)scores->count);
  c.fmr_floor = c.fmr[c.count - 1] / 2; /* data carry no lower rate */
  c.independent_pairs = fmax(1, evaluation->targets[0].effective_non_mated);
  c.default_threshold = sb_calibration_threshold(&c, fmr);
  c.unsure_threshold = fmin(sb_calibration_threshold(&c, fmin(10 * fmr, 0.4)), c.default_threshold);
  sb_status status = sb_calibration_check(&c, error);
  if (status == SB_OK) *out = c;
  return status;
}
