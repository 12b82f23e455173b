/* Calibrations as --calibration reads them (docs/models.md describes their members). */
#include "cli/commands/eval/eval.h"
#include "stats/calibrate.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *calibration_json(const sb_cli_eval *eval, const sb_calibration *c) {
  char remark[160], date[32];
  json_t *points = json_array();
  for (size_t i = 0; i < c->count; i++)
    sb_json_append(&points, json_pack("{s:f,s:f}", "fmr", c->fmr[i], "threshold", c->threshold[i]));
  snprintf(remark, sizeof remark, "%llu mated and %llu non-mated comparisons of %zu photos",
           (unsigned long long)eval->result.mated.count, (unsigned long long)eval->result.non_mated.count,
           eval->sample_count);
  sb_time_iso(sb_now_ms(), date);
  json_t *calibration = json_pack(
      "{s:s,s:o,s:{s:f,s:f},s:f,s:f,s:f,s:f,s:f}", "pairs", remark, "points", points, "tail", "mean", c->tail_mean,
      "deviation", c->tail_deviation, "independent_pairs", c->independent_pairs, "non_mated_mean", c->non_mated_mean,
      "default_threshold", c->default_threshold, "unsure_threshold", c->unsure_threshold, "fmr_floor", c->fmr_floor);
  if (sb_cohort_available(c))
    sb_json_set(&calibration, "cohort",
                json_pack("{s:f,s:f,s:f,s:f}", "deviation", c->cohort_deviation, "search_offset", c->search_offset,
                          "verify_offset", c->verify_offset, "group_shift", c->group_shift));
  return json_pack("{s:s,s:s,s:o}", "model", eval->info.model, "date", date, "calibration", calibration);
}

/* From a file of pairs only the curve. */
static sb_status learn_from_pairs(const sb_cli_eval *eval, double fmr, sb_calibration *out, sb_error *error) {
  sb_stats_evaluation cosines;
  const sb_stats_experiment experiment = {.dim = eval->info.dim,
                                          .samples = eval->samples,
                                          .sample_count = eval->sample_count,
                                          .people = eval->set.people,
                                          .trials = eval->trials,
                                          .trial_count = eval->trial_count};
  sb_status status = sb_stats_evaluate(&experiment, &cosines, error);
  if (status != SB_OK) return status;
  status = sb_stats_calibrate(&cosines, fmr, out, error);
  sb_stats_evaluation_free(&cosines);
  return status;
}

static sb_status learn(const sb_cli_eval *eval, double fmr, sb_calibration *out, sb_error *error) {
  const sb_stats_set set = sb_cli_eval_samples(eval, &eval->calibration);
  return eval->set.trials ? learn_from_pairs(eval, fmr, out, error) : sb_stats_calibrate_set(&set, fmr, out, error);
}

static void remark(const sb_calibration *c, double fmr) {
  double least = c->fmr[c->count - 1];
  if (fmr < least)
    fprintf(stderr, "The threshold for FMR %g is extrapolated: so few comparisons measure rates down to %g only.\n",
            fmr, least);
  if (!sb_cohort_available(c))
    fprintf(stderr,
            "The constants of normalised scores stay the model's: learning them takes a folder of photos of at least "
            "%d people.\n",
            SB_CALIBRATION_PEOPLE);
}

sb_status sb_cli_eval_calibrate(const sb_cli *cli, const sb_cli_eval *eval, sb_buffer *out, sb_error *error) {
  static const double fmr_default = 1e-4;
  sb_calibration calibration;
  double fmr = cli->config->fmr > 0 ? cli->config->fmr : fmr_default;
  sb_status status = learn(eval, fmr, &calibration, error);
  if (status != SB_OK) return status;
  json_t *json = calibration_json(eval, &calibration);
  if (!cli->quiet) remark(&calibration, fmr);
  char *text = json ? sb_json_write_indented(json) : NULL;
  json_decref(json);
  status = text ? sb_buffer_add(out, text, strlen(text), error) : sb_fail(error, SB_NO_MEMORY, "out of memory");
  free(text);
  return status;
}
