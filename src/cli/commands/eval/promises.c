/* What is promised beside what was observed, as JSON and text, with warnings in words. */
#include "cli/commands/eval/eval.h"
#include "cli/wording.h"
#include "stats/wording.h"
#include "json/write.h"

#include <math.h>
#include <stdio.h>

enum { SHOWN_PEOPLE = 10 }; /* in smaller groups nothing can be seen: the text leaves them out */

static const char *state_word(sb_stats_promise promise) {
  static const char *const words[] = {"kept", "broken", "too_few"};
  return words[promise];
}

const char *sb_cli_eval_promise_text(sb_stats_promise promise) {
  static const char *const words[] = {"kept", "BROKEN", "too few"};
  return words[promise];
}

/* ---- What is promised */

sb_cli_eval_promise sb_cli_eval_comparisons(const sb_cli_eval *eval, const sb_stats_operating_point *at,
                                            uint64_t comparisons, size_t people) {
  sb_cli_eval_promise out = {.rate = sb_calibration_fmr(&eval->calibration, at->threshold).rate};
  out.state = comparisons ? sb_stats_promise_judge(out.rate, at->fmr_limits) : SB_STATS_PROMISE_TOO_FEW;
  double trials = sb_stats_promise_trials(out.rate, at->fmr), now = at->effective_non_mated;
  if (out.state != SB_STATS_PROMISE_TOO_FEW || eval->set.trials || !isfinite(trials)) return out;
  /* Trials grow with the square of the number of people. */
  out.people_needed = people > 1 && now >= 1 ? ceil((double)people * sqrt(trials / now)) : ceil(sqrt(2 * trials) + 1);
  return out;
}

sb_cli_eval_promise sb_cli_eval_searches(const sb_cli_eval *eval, const sb_stats_search_rates *rates) {
  sb_cli_eval_promise out = {.rate = eval->promises.fpir, .state = rates->promise};
  double trials = sb_stats_promise_trials(out.rate, rates->fpir.rate), now = rates->fpir.trials;
  if (out.state == SB_STATS_PROMISE_TOO_FEW && isfinite(trials))
    out.people_needed = now > 0 ? ceil((double)rates->fpir.people * trials / now) : trials;
  return out;
}

/* ---- JSON */

static json_t *limits_json(sb_interval limits) {
  return json_pack("[o,o]", sb_json_significant(fmax(limits.low, 0), 4), sb_json_significant(limits.high, 4));
}

json_t *sb_cli_eval_promise_json(const sb_cli_eval_promise *promise) {
  json_t *needed = promise->people_needed > 0 ? json_integer((json_int_t)promise->people_needed) : json_null();
  return json_pack("{s:o,s:s,s:o}", "rate", sb_json_significant(promise->rate, 4), "state", state_word(promise->state),
                   "people_needed", needed);
}

static json_t *searches_json(const sb_cli_eval *eval, const char *group, const sb_stats_search_rates *rates,
                             size_t draws) {
  sb_cli_eval_promise promise = sb_cli_eval_searches(eval, rates);
  const sb_stats_search_rate *unmated = &rates->fpir, *mated = &rates->fnir;
  json_t *json =
      json_pack("{s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:o}", "group", group ? json_string(group) : json_null(), "enrolled",
                sb_json_rounded((double)rates->enrolled / (double)draws, 1), "people", (json_int_t)unmated->people,
                "searches", (json_int_t)unmated->searches, "false_positives", (json_int_t)unmated->errors, "fpir",
                unmated->searches ? sb_json_significant(unmated->rate, 4) : json_null(), "fpir_limits",
                limits_json(unmated->limits), "promise", sb_cli_eval_promise_json(&promise));
  sb_json_set(&json, "mated_searches", json_integer((json_int_t)mated->searches));
  sb_json_set(&json, "missed", json_integer((json_int_t)mated->errors));
  sb_json_set(&json, "fnir", mated->searches ? sb_json_significant(mated->rate, 4) : json_null());
  sb_json_set(&json, "fnir_limits", limits_json(mated->limits));
  return json;
}

json_t *sb_cli_eval_galleries_json(const sb_cli_eval *eval) {
  json_t *list = json_array();
  for (size_t i = 0; i < eval->promises.count; i++) {
    const sb_stats_gallery_rates *g = &eval->promises.galleries[i];
    json_t *groups = json_array();
    for (size_t k = 0; k < eval->set.groups; k++)
      sb_json_append(&groups, searches_json(eval, eval->set.group_names[k], &g->groups[k], g->draws));
    sb_json_append(&list, json_pack("{s:I,s:I,s:o,s:o,s:o}", "people", (json_int_t)g->people, "draws",
                                    (json_int_t)g->draws, "threshold", sb_json_significant(g->threshold, 5), "all",
                                    searches_json(eval, NULL, &g->all, g->draws), "groups", groups));
  }
  return list;
}

/* ---- Warnings */

static const char *group_text(const sb_cli_eval *eval, size_t group) {
  return group < eval->set.groups ? eval->set.group_names[group] : "everybody";
}

/* "1 in 140 (95 %: 1 in 200 to 1 in 110), where 1 in 19,000 is promised" */
static void odds(double rate, sb_interval limits, double promised, char out[4 * SB_STATS_TEXT]) {
  char texts[4][SB_STATS_TEXT];
  const double rates[4] = {rate, fmax(limits.low, 1e-12), limits.high, promised};
  for (int i = 0; i < 4; i++) sb_stats_rate_text(rates[i], false, texts[i]);
  snprintf(out, 4 * SB_STATS_TEXT, "%.60s (95 %%: %.60s to %.60s), where %.60s is promised", texts[0], texts[1],
           texts[2], texts[3]);
}

static void warn_comparisons(const sb_cli_eval *eval, size_t group, json_t **list) {
  char text[8 * SB_STATS_TEXT], rates[4 * SB_STATS_TEXT];
  const sb_stats_group_figures *f = group < eval->set.groups ? &eval->result.groups[group] : NULL;
  const sb_stats_operating_point *at = f ? &f->at : &eval->result.at[0];
  sb_cli_eval_promise promise =
      sb_cli_eval_comparisons(eval, at, f ? f->non_mated : eval->result.non_mated.count, f ? f->units : 0);
  if (promise.state != SB_STATS_PROMISE_BROKEN) return;
  odds(at->fmr, at->fmr_limits, promise.rate, rates);
  snprintf(text, sizeof text, "%.100s: of comparisons of different people at %.3f match %.400s",
           group_text(eval, group), at->threshold, rates);
  sb_json_append(list, json_string(text));
}

static void warn_searches(const sb_cli_eval *eval, size_t group, json_t **list) {
  char text[8 * SB_STATS_TEXT], rates[4 * SB_STATS_TEXT];
  for (size_t i = eval->promises.count; i--;) {
    const sb_stats_gallery_rates *g = &eval->promises.galleries[i];
    const sb_stats_search_rates *r = group < eval->set.groups ? &g->groups[group] : &g->all;
    if (r->promise != SB_STATS_PROMISE_BROKEN) continue;
    odds(r->fpir.rate, r->fpir.limits, eval->promises.fpir, rates);
    snprintf(text, sizeof text, "%.100s: of searches for people who are not among the %zu of the gallery match %.400s",
             group_text(eval, group), g->people, rates);
    sb_json_append(list, json_string(text));
    return;
  }
}

/* One sentence for all groups that have too little data. */
static void warn_of_few(const sb_cli_eval *eval, json_t **list) {
  char text[256];
  size_t few = 0;
  double most = 0;
  for (size_t g = 0; g < eval->set.groups; g++) {
    const sb_stats_group_figures *f = &eval->result.groups[g];
    sb_cli_eval_promise promise = sb_cli_eval_comparisons(eval, &f->at, f->non_mated, f->units);
    few += promise.state == SB_STATS_PROMISE_TOO_FEW;
    most = fmax(most, promise.people_needed);
  }
  if (!few) return;
  int used = snprintf(text, sizeof text, "%zu of %zu groups have too little data to tell whether the promise is kept",
                      few, eval->set.groups);
  if (most > 0)
    snprintf(text + used, sizeof text - (size_t)used, ": about %.0f people of a group are needed for comparisons",
             most);
  sb_json_append(list, json_string(text));
}

json_t *sb_cli_eval_warnings(const sb_cli_eval *eval) {
  json_t *list = json_array();
  if (!eval->calibration.count) return list;
  for (size_t group = 0; group <= eval->set.groups; group++) {
    warn_comparisons(eval, group, &list);
    warn_searches(eval, group, &list);
  }
  if (json_array_size(list) && !eval->set.trials)
    sb_json_append(&list, json_string("a calibration of these photos (--calibrate FILE) raises the thresholds where "
                                      "the promise is broken; without it choose a lower --fmr or --fpir"));
  warn_of_few(eval, &list);
  if (eval->promises.count == 0 && !eval->set.trials)
    sb_json_append(&list, json_string("galleries were not measured: photos of 40 people are needed at least"));
  return list;
}

/* ---- Text */

static const char *state_text(const sb_cli_eval_promise *promise, char text[64]) {
  const char *word = sb_cli_eval_promise_text(promise->state);
  if (promise->people_needed > 0)
    snprintf(text, 64, "%s: %.0f people are needed", word, promise->people_needed);
  else
    snprintf(text, 64, "%s", word);
  return text;
}

static void print_rate(const char *name, double rate, sb_interval limits, bool any) {
  if (any)
    printf("  %s %.2g (%.2g to %.2g)", name, rate, fmax(limits.low, 0), limits.high);
  else
    printf("  %s -", name);
}

static void print_comparisons(const sb_cli_eval *eval) {
  char text[64];
  const sb_stats_evaluation *e = &eval->result;
  printf("\ncomparisons at the %s threshold (score %.4f), FMR promised %.2g; in brackets: 95 %% confidence limits\n",
         eval->threshold_names[0], eval->thresholds[0],
         sb_calibration_fmr(&eval->calibration, eval->thresholds[0]).rate);
  for (size_t g = 0; g <= eval->set.groups; g++) {
    const sb_stats_group_figures *f = g < eval->set.groups ? &e->groups[g] : NULL;
    const sb_stats_operating_point *at = f ? &f->at : &e->at[0];
    uint64_t others = f ? f->non_mated : e->non_mated.count, mates = f ? f->mated : e->mated.count;
    if (f && eval->estimated && f->units < SHOWN_PEOPLE) continue;
    sb_cli_eval_promise promise = sb_cli_eval_comparisons(eval, at, others, f ? f->units : eval->set.people);
    printf("  %-36s", group_text(eval, g));
    print_rate("FMR", at->fmr, at->fmr_limits, others);
    printf(" %s;", state_text(&promise, text));
    print_rate("FNMR", 1 - at->tar, (sb_interval){1 - at->tar_limits.high, 1 - at->tar_limits.low}, mates);
    putchar('\n');
  }
}

static void print_gallery(const sb_cli_eval *eval, const sb_stats_gallery_rates *gallery) {
  char text[64];
  printf("\nsearches among %zu people (%zu %s), threshold %.4f, FPIR promised %g\n", gallery->people, gallery->draws,
         sb_cli_plural(gallery->draws, "draw", "draws"), gallery->threshold, eval->promises.fpir);
  for (size_t g = 0; g <= eval->set.groups; g++) {
    const sb_stats_search_rates *rates = g < eval->set.groups ? &gallery->groups[g] : &gallery->all;
    if (g < eval->set.groups && eval->estimated && eval->result.groups[g].units < SHOWN_PEOPLE) continue;
    sb_cli_eval_promise promise = sb_cli_eval_searches(eval, rates);
    printf("  %-36s", group_text(eval, g));
    print_rate("FPIR", rates->fpir.rate, rates->fpir.limits, rates->fpir.searches);
    printf(" %s;", state_text(&promise, text));
    print_rate("FNIR", rates->fnir.rate, rates->fnir.limits, rates->fnir.searches);
    putchar('\n');
  }
}

void sb_cli_eval_print_promises(const sb_cli_eval *eval) {
  if (!eval->calibration.count || !eval->threshold_count) return;
  print_comparisons(eval);
  for (size_t i = 0; i < eval->promises.count; i++) print_gallery(eval, &eval->promises.galleries[i]);
  size_t index;
  json_t *warnings = sb_cli_eval_warnings(eval), *warning;
  if (json_array_size(warnings)) putchar('\n');
  json_array_foreach(warnings, index, warning) printf("warning: %s\n", json_string_value(warning));
  json_decref(warnings);
}
