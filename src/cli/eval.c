/* The eval subcommand: accuracy on the user's own photos. */
#include "cli/eval.h"
#include "engine/engine.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  const char *groups, *html, *calibrate, *face;
  bool any_quality, publish;
} options;

const char *sb_eval_path(const sb_eval *eval, uint32_t sample) {
  return eval->set.paths[eval->photo_of_sample[sample]];
}

/* The largest face, or the one whose middle is nearest to the photo's. */
static const sb_face *choose(const sb_faces *faces, bool central) {
  const sb_face *best = &faces->items[0];
  double nearest = INFINITY;
  for (size_t i = 0; central && i < faces->count; i++) {
    const sb_box *box = &faces->items[i].box;
    double off = hypot(box->x + box->w / 2 - faces->width / 2.0, box->y + box->h / 2 - faces->height / 2.0);
    if (off < nearest) nearest = off, best = &faces->items[i];
  }
  return best;
}

/* Photos that can be used become samples; pairs that still have both photos, trials. */
static sb_status take_samples(sb_eval *eval, const options *chosen, sb_error *error) {
  const sb_eval_set *set = &eval->set;
  bool central = !strcmp(chosen->face, "central");
  uint32_t *sample_of = sb_alloc(set->count, sizeof *sample_of, error);
  bool *usable = sb_alloc(set->count, sizeof *usable, error),
       *enrolled = sb_alloc(set->people, sizeof *enrolled, error);
  eval->samples = sb_alloc(set->count, sizeof *eval->samples, error);
  eval->photo_of_sample = sb_alloc(set->count, sizeof *eval->photo_of_sample, error);
  eval->trials = set->trials ? sb_alloc(set->trial_count, sizeof *eval->trials, error) : NULL;
  bool room =
      sample_of && usable && enrolled && eval->samples && eval->photo_of_sample && (!set->trials || eval->trials);
  for (size_t i = 0; room && i < set->count; i++) {
    sb_gathered *photo = &eval->photos[i];
    if (!photo->faces || !photo->faces->count) {
      eval->failed++;
      continue;
    }
    const sb_face *face = choose(photo->faces, central);
    if (!chosen->any_quality && face->quality.overall < eval->info.minimum_quality) {
      sb_fail(&photo->error, SB_LOW_QUALITY, "the quality of the face is %.2f, at least %.2f is wanted",
              (double)face->quality.overall, eval->info.minimum_quality);
      eval->poor++;
      continue;
    }
    usable[i] = enrolled[set->person[i]] = true;
    sample_of[i] = (uint32_t)eval->sample_count;
    eval->photo_of_sample[eval->sample_count] = i;
    eval->samples[eval->sample_count++] = (sb_stats_sample){face->embedding, set->person[i], set->group[i]};
  }
  for (size_t p = 0; room && p < set->people; p++) eval->people_failed += !enrolled[p];
  for (size_t t = 0; room && t < set->trial_count; t++) {
    sb_stats_trial trial = set->trials[t];
    bool whole = usable[trial.first] && usable[trial.second];
    eval->trials_lost += !whole;
    trial.first = sample_of[trial.first];
    trial.second = sample_of[trial.second];
    if (whole) eval->trials[eval->trial_count++] = trial;
  }
  free(sample_of);
  free(usable);
  free(enrolled);
  return room ? SB_OK : SB_NO_MEMORY;
}

static void add_threshold(sb_eval *eval, const char *name, double threshold) {
  if (!(threshold > 0)) return;
  eval->threshold_names[eval->threshold_count] = name;
  eval->thresholds[eval->threshold_count++] = threshold;
}

static sb_status evaluate(sb_eval *eval, sb_error *error) {
  sb_stats_experiment experiment = {.dim = eval->info.dim,
                                    .samples = eval->samples,
                                    .sample_count = eval->sample_count,
                                    .people = eval->set.people,
                                    .groups = eval->set.groups,
                                    .trials = eval->trials,
                                    .trial_count = eval->trial_count,
                                    .thresholds = eval->thresholds,
                                    .threshold_count = eval->threshold_count};
  sb_status status = sb_stats_evaluate(&experiment, &eval->result, error);
  if (status != SB_OK || eval->result.mated.count + eval->result.non_mated.count) return status;
  return sb_fail(error, SB_INVALID, "of %zu photos %zu can be used: there is nothing to compare", eval->set.count,
                 eval->sample_count);
}

static sb_status work(sb_cli *cli, const options *chosen, sb_engine *engine, sb_eval *eval, sb_error *error) {
  sb_status status = sb_engine_info_get(engine, &eval->info, error);
  if (status == SB_OK) status = sb_eval_set_read(eval->source, chosen->groups, &eval->set, error);
  if (status == SB_OK && !(eval->photos = sb_alloc(eval->set.count, sizeof *eval->photos, error)))
    status = SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < eval->set.count; i++) eval->photos[i].path = eval->set.paths[i];
  if (status == SB_OK) status = sb_gather(cli, engine, SB_WANT_EMBEDDING, eval->photos, eval->set.count, error);
  if (status == SB_OK) status = take_samples(eval, chosen, error);
  add_threshold(eval, "chosen", cli->config->threshold);
  add_threshold(eval, "default", eval->info.threshold);
  add_threshold(eval, "strict", eval->info.strict);
  return status == SB_OK ? evaluate(eval, error) : status;
}

/* ---- What is written */

static sb_status write_file(const char *path, const char *bytes, size_t size, sb_error *error) {
  FILE *file = fopen(path, "wb");
  if (!file) return sb_fail_errno(error, errno, "write", path);
  bool whole = fwrite(bytes, 1, size, file) == size;
  int problem = errno;
  if (fclose(file)) whole = false, problem = errno;
  return whole ? SB_OK : sb_fail_errno(error, problem, "write", path);
}

static json_t *calibration_json(const sb_eval *eval, const sb_calibration *c) {
  char remark[160], date[32];
  json_t *points = json_array();
  for (size_t i = 0; points && i < c->count; i++)
    json_array_append_new(points, json_pack("{s:f,s:f}", "fmr", c->fmr[i], "threshold", c->threshold[i]));
  snprintf(remark, sizeof remark, "%llu mated and %llu non-mated comparisons of %zu photos",
           (unsigned long long)eval->result.mated.count, (unsigned long long)eval->result.non_mated.count,
           eval->sample_count);
  sb_time_iso(sb_now_ms(), date);
  return json_pack("{s:s,s:s,s:{s:s,s:o,s:{s:f,s:f},s:f,s:f,s:f,s:f,s:f}}", "model", eval->info.model, "date", date,
                   "calibration", "pairs", remark, "points", points, "tail", "mean", c->tail_mean, "deviation",
                   c->tail_deviation, "independent_pairs", c->independent_pairs, "non_mated_mean", c->non_mated_mean,
                   "default_threshold", c->default_threshold, "unsure_threshold", c->unsure_threshold, "fmr_floor",
                   c->fmr_floor);
}

static sb_status write_calibration(const sb_cli *cli, const sb_eval *eval, const char *path, sb_error *error) {
  static const double fmr_default = 1e-4;
  sb_calibration calibration;
  double fmr = cli->config->fmr > 0 ? cli->config->fmr : fmr_default;
  sb_status status = sb_stats_calibrate(&eval->result, fmr, &calibration, error);
  if (status != SB_OK) return status;
  if (fmr < calibration.fmr[calibration.count - 1] && !cli->quiet)
    fprintf(stderr, "The threshold for FMR %g is extrapolated: so few comparisons only tell rates down to %g.\n", fmr,
            calibration.fmr[calibration.count - 1]);
  json_t *json = calibration_json(eval, &calibration);
  char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
  json_decref(json);
  status = text ? write_file(path, text, strlen(text), error) : sb_fail(error, SB_NO_MEMORY, "out of memory");
  free(text);
  return status;
}

static sb_status write_page(const sb_eval *eval, const char *path, sb_error *error) {
  sb_buffer page = {0};
  sb_status status = sb_eval_page(eval, &page, error);
  if (status == SB_OK) status = write_file(path, page.bytes, page.size, error);
  sb_buffer_free(&page);
  return status;
}

/* The figures without the paths of photos: those name people. */
static sb_status publish(const sb_cli *cli, const sb_eval *eval, sb_error *error) {
  char date[32];
  json_t *json = sb_eval_json(eval);
  sb_time_iso(sb_now_ms(), date);
  json_object_set_new(json, "date", json_string(date));
  json_object_del(json, "worst");
  json_object_del(json_object_get(json, "failure_to_acquire"), "refused");
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  char *folder = sb_engine_folder(*cli->config->data ? cli->config->data : NULL, error);
  sb_status status = !text ? sb_fail(error, SB_NO_MEMORY, "out of memory") : folder ? SB_OK : error->code;
  if (status == SB_OK) status = sb_engine_report_write(folder, text, strlen(text), error);
  json_decref(json);
  free(text);
  free(folder);
  return status;
}

static void eval_free(sb_eval *eval) {
  sb_stats_evaluation_free(&eval->result);
  free(eval->samples);
  free(eval->photo_of_sample);
  free(eval->trials);
  sb_gathered_free(eval->photos, eval->set.count);
  sb_eval_set_free(&eval->set);
}

sb_exit sb_command_eval(sb_cli *cli) {
  options chosen = {.face = "largest"};
  const sb_flag flags[] = {{"--groups", SB_FLAG_TEXT, &chosen.groups},
                           {"--html", SB_FLAG_TEXT, &chosen.html},
                           {"--calibrate", SB_FLAG_TEXT, &chosen.calibrate},
                           {"--face", SB_FLAG_TEXT, &chosen.face},
                           {"--any-quality", SB_FLAG_SWITCH, &chosen.any_quality},
                           {"--publish", SB_FLAG_SWITCH, &chosen.publish}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  if (strcmp(chosen.face, "largest") != 0 && strcmp(chosen.face, "central") != 0)
    return sb_cli_usage(cli, "--face is largest or central");
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_eval eval = {.source = cli->words[0]};
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = work(cli, &chosen, engine, &eval, &error);
  sb_exit code = SB_EXIT_OK;
  if (status == SB_OK) {
    if (cli->json)
      code = sb_cli_print_json(cli, sb_eval_json(&eval), code);
    else
      sb_eval_print(&eval);
    if (chosen.html) status = write_page(&eval, chosen.html, &error);
    if (status == SB_OK && chosen.publish) status = publish(cli, &eval, &error);
    if (status == SB_OK && chosen.calibrate) status = write_calibration(cli, &eval, chosen.calibrate, &error);
  }
  if (status != SB_OK) code = sb_cli_fail(cli, status, &error);
  eval_free(&eval);
  sb_engine_free(engine);
  return code;
}
