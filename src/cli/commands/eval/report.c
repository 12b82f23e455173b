/* The figures of eval as text and as JSON. */
#include "cli/commands/eval/eval.h"
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- JSON */

static json_t *path_json(const char *path) {
  return sb_json_path(path, strlen(path));
}

/* An operating point: its rates with their 95 % confidence limits. */
static json_t *point_json(const sb_stats_operating_point *p) {
  return json_pack("{s:o,s:o,s:[o,o],s:I,s:o,s:[o,o],s:o,s:I}", "threshold", sb_json_significant(p->threshold, 5),
                   "fmr", sb_json_significant(p->fmr, 4), "fmr_limits", sb_json_significant(p->fmr_limits.low, 4),
                   sb_json_significant(p->fmr_limits.high, 4), "false_matches", (json_int_t)p->false_matches, "tar",
                   sb_json_significant(p->tar, 5), "tar_limits", sb_json_significant(p->tar_limits.low, 5),
                   sb_json_significant(p->tar_limits.high, 5), "fnmr", sb_json_significant(1 - p->tar, 4),
                   "false_non_matches", (json_int_t)p->false_non_matches);
}

static json_t *targets_json(const sb_stats_evaluation *e) {
  json_t *list = json_array();
  for (size_t t = 0; list && t < SB_TARGETS; t++) {
    json_t *point = point_json(&e->targets[t]);
    if (point) {
      json_object_set_new(point, "fmr_target", json_real(sb_stats_target_fmrs[t]));
      json_object_set_new(point, "measured", json_boolean(sb_stats_target_fmrs[t] * (double)e->non_mated.count >= 1));
    }
    json_array_append_new(list, point);
  }
  return list;
}

/* The thresholds of the model and of --threshold; accuracy is the share of comparisons that are right. */
static json_t *thresholds_json(const sb_cli_eval *eval) {
  const sb_stats_evaluation *e = &eval->result;
  json_t *list = json_array();
  for (size_t t = 0; list && t < eval->threshold_count; t++) {
    json_t *point = point_json(&e->at[t]);
    double wrong = (double)(e->at[t].false_matches + e->at[t].false_non_matches);
    double all = (double)(e->mated.count + e->non_mated.count);
    if (point) {
      sb_cli_eval_promise promise =
          sb_cli_eval_comparisons(eval, &e->at[t], e->non_mated.count, eval->set.people - eval->people_failed);
      json_object_set_new(point, "name", json_string(eval->threshold_names[t]));
      json_object_set_new(point, "promise", eval->calibration.count ? sb_cli_eval_promise_json(&promise) : json_null());
      json_object_set_new(point, "accuracy", sb_json_significant(1 - wrong / all, 6));
    }
    json_array_append_new(list, point);
  }
  return list;
}

static json_t *identification_json(const sb_cli_eval *eval) {
  const sb_stats_evaluation *e = &eval->result;
  if (!e->identified) return json_null();
  json_t *ranks = json_array(), *fnir = json_array();
  for (size_t r = 0; ranks && r < SB_RANKS; r++) json_array_append_new(ranks, sb_json_significant(e->ranks[r], 6));
  for (size_t f = 0; fnir && f < SB_FPIRS; f++)
    json_array_append_new(fnir, json_pack("{s:f,s:o,s:o}", "fpir_target", sb_stats_target_fpirs[f], "threshold",
                                          sb_json_significant(e->fpir_threshold[f], 5), "fnir",
                                          sb_json_significant(e->fnir[f], 4)));
  return json_pack("{s:I,s:I,s:I,s:o,s:o}", "people", (json_int_t)(eval->set.people - eval->people_failed), "searches",
                   (json_int_t)e->searches, "mated_searches", (json_int_t)e->mated_searches, "rank", ranks, "fnir",
                   fnir);
}

static json_t *groups_json(const sb_cli_eval *eval) {
  json_t *list = json_array();
  for (size_t g = 0; list && g < eval->set.groups; g++) {
    const sb_stats_group_figures *f = &eval->result.groups[g];
    sb_cli_eval_promise promise = sb_cli_eval_comparisons(eval, &f->at, f->non_mated, f->units);
    json_t *point = point_json(&f->at);
    sb_json_set(&point, "group", json_string(eval->set.group_names[g]));
    sb_json_set(&point, "people", eval->set.trials ? json_null() : json_integer((json_int_t)f->units));
    sb_json_set(&point, "mated", json_integer((json_int_t)f->mated));
    sb_json_set(&point, "non_mated", json_integer((json_int_t)f->non_mated));
    if (!f->non_mated) sb_json_set(&point, "fmr", json_null());
    if (!f->mated) sb_json_set(&point, "tar", json_null()), sb_json_set(&point, "fnmr", json_null());
    sb_json_set(&point, "mated_mean", sb_json_significant(f->mated_mean, 4));
    sb_json_set(&point, "non_mated_mean", sb_json_significant(f->non_mated_mean, 4));
    sb_json_set(&point, "promise", eval->calibration.count ? sb_cli_eval_promise_json(&promise) : json_null());
    json_array_append_new(list, point);
  }
  return list;
}

static json_t *worst_json(const sb_cli_eval *eval, const sb_stats_pair *pairs, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < count; i++)
    json_array_append_new(list, json_pack("{s:[o,o],s:o}", "photos", path_json(sb_cli_eval_path(eval, pairs[i].first)),
                                          path_json(sb_cli_eval_path(eval, pairs[i].second)), "similarity",
                                          sb_json_significant(pairs[i].score, 4)));
  return list;
}

static json_t *refused_json(const sb_cli_eval *eval) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < eval->set.count; i++)
    if (eval->photos[i].error.code != SB_OK)
      json_array_append_new(list, json_pack("{s:o,s:s,s:s}", "path", path_json(eval->set.paths[i]), "code",
                                            sb_status_code(eval->photos[i].error.code), "message",
                                            eval->photos[i].error.message));
  return list;
}

static json_t *histogram_json(const sb_scores *scores) {
  enum { WIDE = 200 }; /* bins of a bar, which is 0.02 wide */
  json_t *list = json_array();
  for (int from = 0; list && from < SB_SCORE_BINS - 1; from += WIDE) {
    uint64_t sum = 0;
    for (int b = from; b < from + WIDE; b++) sum += scores->bins[b];
    if (from + WIDE == SB_SCORE_BINS - 1) sum += scores->bins[SB_SCORE_BINS - 1];
    json_array_append_new(list, json_integer((json_int_t)sum));
  }
  return list;
}

static json_t *curve_json(const sb_stats_evaluation *e) {
  enum { MOST = 1024 };
  sb_stats_curve_point points[MOST];
  size_t count = sb_scores_curve(&e->mated, &e->non_mated, points, MOST);
  json_t *list = json_array();
  for (size_t i = 0; list && i < count; i++)
    json_array_append_new(list,
                          json_pack("[o,o,o]", sb_json_significant(points[i].threshold, 5),
                                    sb_json_significant(points[i].fmr, 4), sb_json_significant(points[i].fnmr, 4)));
  return list;
}

static bool is_normalised(const sb_cli_eval *eval) {
  return sb_cohort_available(&eval->calibration) && !eval->set.trials;
}

json_t *sb_cli_eval_json(const sb_cli_eval *eval) {
  const sb_stats_evaluation *e = &eval->result;
  const sb_cli_eval_set *set = &eval->set;
  bool both = e->mated.count && e->non_mated.count;
  json_t *eer = both ? json_pack("{s:o,s:o}", "rate", sb_json_significant(e->eer.rate, 4), "threshold",
                                 sb_json_significant(e->eer.threshold, 5))
                     : json_null();
  json_t *acquire = json_pack(
      "{s:o,s:I,s:I,s:o}", "rate", sb_json_significant((double)(eval->failed + eval->poor) / (double)set->count, 4),
      "without_face", (json_int_t)eval->failed, "poor", (json_int_t)eval->poor, "refused", refused_json(eval));
  json_t *enrol = set->trials ? json_null()
                              : json_pack("{s:o,s:I}", "rate",
                                          sb_json_significant((double)eval->people_failed / (double)set->people, 4),
                                          "people", (json_int_t)eval->people_failed);
  json_t *json =
      json_pack("{s:s,s:I,s:o,s:I,s:I,s:I,s:o,s:o}", "model", eval->info.model, "photos", (json_int_t)set->count,
                "people", set->trials ? json_null() : json_integer((json_int_t)set->people), "mated",
                (json_int_t)e->mated.count, "non_mated", (json_int_t)e->non_mated.count, "pairs_lost",
                (json_int_t)eval->trials_lost, "failure_to_acquire", acquire, "failure_to_enrol", enrol);
  if (!json) return NULL;
  json_object_set_new(json, "equal_error_rate", eer);
  json_object_set_new(json, "targets", targets_json(e));
  json_object_set_new(json, "thresholds", thresholds_json(eval));
  json_object_set_new(json, "identification", identification_json(eval));
  json_object_set_new(json, "scores", json_string(is_normalised(eval) ? "normalised" : "cosine"));
  json_object_set_new(json, "groups_by",
                      eval->set.groups ? json_string(eval->estimated ? "estimate" : "csv") : json_null());
  json_object_set_new(json, "groups", groups_json(eval));
  json_object_set_new(json, "fpir_promised", eval->promises.count ? json_real(eval->promises.fpir) : json_null());
  json_object_set_new(json, "galleries", sb_cli_eval_galleries_json(eval));
  json_object_set_new(json, "warnings", sb_cli_eval_warnings(eval));
  json_object_set_new(json, "worst",
                      json_pack("{s:o,s:o}", "mated", worst_json(eval, e->lowest, e->lowest_count), "non_mated",
                                worst_json(eval, e->highest, e->highest_count)));
  json_object_set_new(json, "histogram",
                      json_pack("{s:f,s:f,s:o,s:o}", "from", -1.0, "width", 0.02, "mated", histogram_json(&e->mated),
                                "non_mated", histogram_json(&e->non_mated)));
  json_object_set_new(json, "curve", curve_json(e));
  return json;
}

/* ---- Text */

static void print_point(const char *name, const sb_stats_operating_point *p) {
  printf("%-13s %.4f  %9.2e (%.1e to %.1e)  %8.4f %% (%.2f to %.2f)\n", name, p->threshold, p->fmr, p->fmr_limits.low,
         p->fmr_limits.high, 100 * p->tar, 100 * p->tar_limits.low, 100 * p->tar_limits.high);
}

static void print_points(const sb_cli_eval *eval) {
  const sb_stats_evaluation *e = &eval->result;
  char name[32];
  puts("\noperating points (in brackets: 95 % confidence limits, by a jackknife over people)\n"
       "at            score    FMR                             TAR = 1 - FNMR");
  for (size_t t = 0; t < SB_TARGETS; t++) {
    if (sb_stats_target_fmrs[t] * (double)e->non_mated.count < 1) break;
    snprintf(name, sizeof name, "FMR %.0e", sb_stats_target_fmrs[t]);
    print_point(name, &e->targets[t]);
  }
  for (size_t t = 0; t < eval->threshold_count; t++) print_point(eval->threshold_names[t], &e->at[t]);
}

static void print_identification(const sb_stats_evaluation *e) {
  if (!e->identified) return;
  printf("\nidentification: %zu searches, %zu of people with another photo\n  rank", e->searches, e->mated_searches);
  for (size_t r = 0; r < SB_RANKS; r++) printf(" %zu: %.2f%%", r + 1, 100 * e->ranks[r]);
  putchar('\n');
  for (size_t f = 0; f < SB_FPIRS; f++)
    printf("  FNIR %.2f %% at FPIR %g %% (score %.4f)\n", 100 * e->fnir[f], 100 * sb_stats_target_fpirs[f],
           e->fpir_threshold[f]);
}

static void print_worst(const sb_cli_eval *eval, const char *title, const sb_stats_pair *pairs, size_t count) {
  if (count) printf("\n%s\n", title);
  for (size_t i = 0; i < count; i++)
    printf("  %.3f  %s  %s\n", pairs[i].score, sb_cli_eval_path(eval, pairs[i].first),
           sb_cli_eval_path(eval, pairs[i].second));
}

void sb_cli_eval_print(const sb_cli_eval *eval) {
  const sb_stats_evaluation *e = &eval->result;
  printf("%s: %zu photos", eval->info.model, eval->set.count);
  if (!eval->set.trials) printf(" of %zu people", eval->set.people);
  printf("; %llu mated and %llu non-mated comparisons\n", (unsigned long long)e->mated.count,
         (unsigned long long)e->non_mated.count);
  printf("failure to acquire: %zu without a face or unreadable, %zu of poor quality (%.2f %%)\n", eval->failed,
         eval->poor, 100 * (double)(eval->failed + eval->poor) / (double)eval->set.count);
  if (!eval->set.trials)
    printf("failure to enrol: %zu people (%.2f %%)\n", eval->people_failed,
           100 * (double)eval->people_failed / (double)eval->set.people);
  if (eval->trials_lost) printf("%zu pairs were left out: one of their photos cannot be used\n", eval->trials_lost);
  if (e->mated.count && e->non_mated.count)
    printf("equal error rate: %.3f %% at %.4f\n", 100 * e->eer.rate, e->eer.threshold);
  print_points(eval);
  print_identification(e);
  sb_cli_eval_print_promises(eval);
  print_worst(eval, "pairs of one person that look least alike", e->lowest, e->lowest_count);
  print_worst(eval, "pairs of two people that look most alike", e->highest, e->highest_count);
  for (size_t i = 0; i < eval->set.count; i++)
    if (eval->photos[i].error.code != SB_OK)
      printf("%snot used: %s: %s\n", i ? "" : "\n", eval->set.paths[i], eval->photos[i].error.message);
}
