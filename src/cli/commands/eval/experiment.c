/* Finds the faces of the photos, takes one face of each usable photo as its sample, and compares the samples. */
#include "cli/commands/eval/eval.h"
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>

const char *sb_cli_eval_path(const sb_cli_eval *eval, uint32_t sample) {
  return eval->set.paths[eval->photo_of_sample[sample]];
}

/* ---- Samples */

/* The face that stands for a photo; NULL if it has none that can be used, and why is counted. */
static const sb_face *usable_face(sb_cli_eval *eval, sb_cli_photo_faces *photo) {
  if (!photo->faces || !photo->faces->count) {
    eval->failed++;
    return NULL;
  }
  const sb_face *face = sb_cli_eval_face(photo->faces, eval->central);
  if (eval->any_quality || face->quality.overall >= eval->info.minimum_quality) return face;
  sb_fail(&photo->error, SB_LOW_QUALITY, "the quality of the face is %.2f, at least %.2f is needed (--any-quality)",
          (double)face->quality.overall, eval->info.minimum_quality);
  eval->poor++;
  return NULL;
}

/* What became of the photos and people of the set. */
typedef struct usage {
  uint32_t *sample_of; /* of each photo */
  bool *usable;        /* each photo */
  bool *enrolled;      /* each person */
} usage;

static void take_samples(sb_cli_eval *eval, usage *use) {
  const sb_cli_eval_set *set = &eval->set;
  for (size_t i = 0; i < set->count; i++) {
    const sb_face *face = usable_face(eval, &eval->photos[i]);
    if (!face) continue;
    use->usable[i] = use->enrolled[set->person[i]] = true;
    use->sample_of[i] = (uint32_t)eval->sample_count;
    eval->photo_of_sample[eval->sample_count] = i;
    eval->samples[eval->sample_count++] = (sb_stats_sample){face->embedding, set->person[i], set->group[i]};
  }
  for (size_t p = 0; p < set->people; p++) eval->people_failed += !use->enrolled[p];
}

/* Keeps the pairs whose photos are both usable. */
static void take_trials(sb_cli_eval *eval, const usage *use) {
  for (size_t t = 0; t < eval->set.trial_count; t++) {
    sb_stats_trial trial = eval->set.trials[t];
    if (!use->usable[trial.first] || !use->usable[trial.second]) {
      eval->trials_lost++;
      continue;
    }
    trial.first = use->sample_of[trial.first];
    trial.second = use->sample_of[trial.second];
    eval->trials[eval->trial_count++] = trial;
  }
}

static sb_status reserve(sb_cli_eval *eval, usage *use, sb_error *error) {
  const sb_cli_eval_set *set = &eval->set;
  use->sample_of = sb_alloc(set->count, sizeof *use->sample_of, error);
  use->usable = sb_alloc(set->count, sizeof *use->usable, error);
  use->enrolled = sb_alloc(set->people, sizeof *use->enrolled, error);
  eval->samples = sb_alloc(set->count, sizeof *eval->samples, error);
  eval->photo_of_sample = sb_alloc(set->count, sizeof *eval->photo_of_sample, error);
  eval->trials = set->trials ? sb_alloc(set->trial_count, sizeof *eval->trials, error) : NULL;
  bool all = use->sample_of && use->usable && use->enrolled && eval->samples && eval->photo_of_sample;
  return all && (!set->trials || eval->trials) ? SB_OK : SB_NO_MEMORY;
}

static sb_status take_usable(sb_cli_eval *eval, sb_error *error) {
  usage use = {0};
  sb_status status = reserve(eval, &use, error);
  if (status == SB_OK) {
    take_samples(eval, &use);
    take_trials(eval, &use);
  }
  free(use.sample_of);
  free(use.usable);
  free(use.enrolled);
  return status;
}

/* ---- The experiment */

static void add_threshold(sb_cli_eval *eval, const char *name, double threshold) {
  if (!(threshold > 0)) return;
  eval->threshold_names[eval->threshold_count] = name;
  eval->thresholds[eval->threshold_count++] = threshold;
}

sb_stats_set sb_cli_eval_samples(const sb_cli_eval *eval, const sb_calibration *calibration) {
  return (sb_stats_set){.calibration = calibration,
                        .dim = eval->info.dim,
                        .samples = eval->samples,
                        .count = eval->sample_count,
                        .people = eval->set.people,
                        .groups = eval->set.groups};
}

static sb_status compare(sb_cli_eval *eval, sb_error *error) {
  const sb_stats_experiment experiment = {.calibration = eval->calibration.count ? &eval->calibration : NULL,
                                          .dim = eval->info.dim,
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
  return sb_fail(error, SB_INVALID, "there is nothing to compare: %zu of %zu photos can be used", eval->sample_count,
                 eval->set.count);
}

static bool estimates_groups(const sb_cli_eval *eval) {
  return !eval->groups && !eval->set.trials;
}

static sb_status observe_searches(const sb_cli *cli, sb_cli_eval *eval, sb_error *error) {
  static const double usual_fpir = 0.01;
  const sb_stats_set set = sb_cli_eval_samples(eval, &eval->calibration);
  if (eval->set.trials || !eval->calibration.count) return SB_OK;
  double fpir = cli->config->fpir > 0 ? cli->config->fpir : usual_fpir;
  return sb_stats_promises_observe(&set, fpir, &eval->promises, error);
}

static sb_status find_faces(sb_cli *cli, sb_cli_eval *eval, sb_error *error) {
  sb_status status = sb_cli_eval_set_read(eval->source, eval->groups, &eval->set, error);
  if (status != SB_OK) return status;
  eval->photos = sb_alloc(eval->set.count, sizeof *eval->photos, error);
  if (!eval->photos) return SB_NO_MEMORY;
  for (size_t i = 0; i < eval->set.count; i++) eval->photos[i].path = eval->set.paths[i];
  unsigned want = SB_WANT_EMBEDDING | (estimates_groups(eval) ? SB_WANT_ATTRIBUTES : 0);
  return sb_cli_batch_find_faces(cli, want, eval->photos, eval->set.count, error);
}

sb_status sb_cli_eval_run(sb_cli *cli, sb_cli_eval *eval, sb_error *error) {
  sb_status status = sb_engine_info_get(cli->engine, &eval->info, error);
  if (status != SB_OK) return status;
  status = sb_engine_calibration(cli->engine, &eval->calibration, error);
  if (status != SB_OK) return status;
  status = find_faces(cli, eval, error);
  if (status != SB_OK) return status;
  status = take_usable(eval, error);
  if (status == SB_OK && estimates_groups(eval)) status = sb_cli_eval_estimate_groups(eval, error);
  if (status != SB_OK) return status;
  add_threshold(eval, "chosen", cli->config->threshold);
  add_threshold(eval, "default", eval->info.threshold);
  add_threshold(eval, "strict", eval->info.strict);
  status = compare(eval, error);
  return status == SB_OK ? observe_searches(cli, eval, error) : status;
}

void sb_cli_eval_free(sb_cli_eval *eval) {
  sb_stats_evaluation_free(&eval->result);
  sb_stats_promises_free(&eval->promises);
  free(eval->samples);
  free(eval->photo_of_sample);
  free(eval->trials);
  sb_cli_photo_faces_free(eval->photos, eval->set.count);
  sb_cli_eval_set_free(&eval->set);
}
