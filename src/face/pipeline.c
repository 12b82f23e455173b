/* The models of a pipeline, shared by its workers. The core ones load at once; the attribute models and the larger inputs of
 * the detector when they are first needed: each costs memory (13 MB a shape, 77 MB the attributes). */
#include "face/pipeline.h"

#include <stdlib.h>

struct sb_pipeline {
  sb_models models;
  sb_runtime *runtime;
  pthread_mutex_t lock; /* guards `stages` */
  sb_model *stages[SB_STAGES];
};

const sb_models *sb_pipeline_models(const sb_pipeline *pipeline) {
  return &pipeline->models;
}

static const sb_model_spec *spec_of(const sb_models *models, int stage) {
  switch (stage) {
  case SB_STAGE_SMALL: return &models->detector.model;
  case SB_STAGE_VERIFY: return &models->verifier.model;
  case SB_STAGE_LANDMARKS: return &models->landmarks.model;
  case SB_STAGE_EMBED: return &models->embedder.model;
  case SB_STAGE_AGE_GENDER: return &models->age_gender.model;
  case SB_STAGE_ETHNICITY: return &models->ethnicity.model;
  default: return &models->detector.model;
  }
}

static sb_status load(sb_pipeline *pipeline, int stage, sb_error *error) {
  const sb_model_spec *spec = spec_of(&pipeline->models, stage);
  const int *shape =
      stage >= SB_STAGE_LARGE ? pipeline->models.detector.shapes[stage - SB_STAGE_LARGE] : (const int[2]){0, 0};
  sb_status status = sb_model_spec_check(spec, error);
  if (status == SB_OK)
    status = sb_model_open(pipeline->runtime, spec->path, shape[0], shape[1], &pipeline->stages[stage], error);
  return status;
}

sb_status sb_pipeline_model(sb_pipeline *pipeline, int stage, const sb_model **out, sb_error *error) {
  pthread_mutex_lock(&pipeline->lock);
  sb_status status = pipeline->stages[stage] ? SB_OK : load(pipeline, stage, error);
  if (status == SB_OK) *out = pipeline->stages[stage];
  pthread_mutex_unlock(&pipeline->lock);
  return status;
}

sb_status sb_pipeline_open(const sb_pipeline_config *config, sb_pipeline **out, sb_error *error) {
  sb_pipeline *pipeline = sb_alloc(1, sizeof *pipeline, error);
  if (!pipeline) return SB_NO_MEMORY;
  pthread_mutex_init(&pipeline->lock, NULL);
  sb_runtime_config runtime = {sizeof runtime, config->cache_dir, config->streams};
  sb_status status =
      sb_models_read(config->models_path, config->name ? config->name : "default", &pipeline->models, error);
  if (status == SB_OK) status = sb_runtime_new(&runtime, &pipeline->runtime, error);
  for (int stage = SB_STAGE_SMALL; status == SB_OK && stage <= SB_STAGE_EMBED; stage++)
    status = load(pipeline, stage, error);
  if (status == SB_OK)
    *out = pipeline;
  else
    sb_pipeline_close(pipeline);
  return status;
}

void sb_pipeline_close(sb_pipeline *pipeline) {
  if (!pipeline) return;
  for (int stage = 0; stage < SB_STAGES; stage++) sb_model_close(pipeline->stages[stage]);
  sb_runtime_free(pipeline->runtime);
  sb_models_free(&pipeline->models);
  pthread_mutex_destroy(&pipeline->lock);
  free(pipeline);
}
