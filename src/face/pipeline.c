/* The models of a pipeline, shared by its workers. The core ones load at once; the attribute models and most larger
 * inputs of the detector when they are first needed: each costs memory (13 MB a shape, 77 MB the attributes). */
#include "face/pipeline.h"
#include "face/steps.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* In the order of sb_pipeline_times. */
static const char *const kind_names[SB_MODEL_KINDS] = {"detect", "verify", "landmarks", "attributes", "embed"};

struct sb_pipeline {
  atomic_size_t runs[SB_MODEL_KINDS], spent_us[SB_MODEL_KINDS];
  sb_models models;
  sb_infer_runtime *runtime;
  char *models_path;
  pthread_mutex_t lock; /* guards what follows */
  sb_infer_model *stages[SB_SLOTS];
  sb_embedder_spec
      *embedders[SB_EMBEDDERS_MAX]; /* beside the first, which is the pipeline's: those that were asked for */
};

const sb_models *sb_pipeline_models(const sb_pipeline *pipeline) {
  return &pipeline->models;
}

static const sb_model_spec *spec_of(const sb_pipeline *pipeline, int stage) {
  const sb_models *models = &pipeline->models;
  if (stage == SB_SLOT_VERIFY) return &models->verifier.model;
  if (stage == SB_SLOT_LANDMARKS) return &models->landmarks.model;
  if (stage == SB_SLOT_SMALL || stage >= SB_SLOT_LARGE) return &models->detector.model;
  if (stage < SB_SLOT_EMBED) return &models->attributes[stage - SB_SLOT_ATTRIBUTES].model;
  return stage == SB_SLOT_EMBED ? &models->embedder.model : &pipeline->embedders[stage - SB_SLOT_EMBED]->model;
}

static sb_status load(sb_pipeline *pipeline, int stage, sb_error *error) {
  const sb_model_spec *spec = spec_of(pipeline, stage);
  const int *shape =
      stage >= SB_SLOT_LARGE ? pipeline->models.detector.shapes[stage - SB_SLOT_LARGE] : (const int[2]){0, 0};
  sb_status status = sb_model_check_digest(spec, error);
  if (status == SB_OK)
    status = sb_model_load(pipeline->runtime, spec, shape[0], shape[1], &pipeline->stages[stage], error);
  return status;
}

/* Reads the manifest of one more embedder into a free place. */
static sb_status add_embedder(sb_pipeline *pipeline, const char *name, int index, sb_error *error) {
  if (index == SB_EMBEDDERS_MAX)
    return sb_fail(error, SB_MODEL, "at most %d embedding models can be in use at once", SB_EMBEDDERS_MAX);
  sb_embedder_spec *spec = sb_alloc(1, sizeof *spec, error);
  if (!spec) return SB_NO_MEMORY;
  sb_status status = sb_embedder_spec_read(pipeline->models_path, name, spec, error);
  if (status == SB_OK)
    pipeline->embedders[index] = spec;
  else
    free(spec);
  return status;
}

sb_status sb_pipeline_embedder(sb_pipeline *pipeline, const char *name, int *index, const sb_embedder_spec **out,
                               sb_error *error) {
  const sb_embedder_spec *own = &pipeline->models.embedder;
  if (!name || !strcmp(name, own->info.name)) return *index = 0, *out = own, SB_OK;
  pthread_mutex_lock(&pipeline->lock);
  int i = 1;
  while (i < SB_EMBEDDERS_MAX && pipeline->embedders[i] && strcmp(pipeline->embedders[i]->info.name, name)) i++;
  bool known = i < SB_EMBEDDERS_MAX && pipeline->embedders[i];
  sb_status status = known ? SB_OK : add_embedder(pipeline, name, i, error);
  if (status == SB_OK) *index = i, *out = pipeline->embedders[i];
  pthread_mutex_unlock(&pipeline->lock);
  return status;
}

sb_status sb_pipeline_model(sb_pipeline *pipeline, int stage, const sb_infer_model **out, sb_error *error) {
  pthread_mutex_lock(&pipeline->lock);
  sb_status status = pipeline->stages[stage] ? SB_OK : load(pipeline, stage, error);
  if (status == SB_OK) *out = pipeline->stages[stage];
  pthread_mutex_unlock(&pipeline->lock);
  return status;
}

/* Puts the embedder that the user chose in the place of the pipeline's. */
static sb_status choose_embedder(sb_pipeline *pipeline, const char *name, sb_error *error) {
  sb_embedder_spec *own = &pipeline->models.embedder, chosen = {0};
  if (!name || !strcmp(name, own->info.name)) return SB_OK;
  sb_status status = sb_embedder_spec_read(pipeline->models_path, name, &chosen, error);
  if (status != SB_OK) return status;
  free(own->model.path);
  *own = chosen;
  return SB_OK;
}

/* ---- The core models, which every photo needs: loaded side by side, since each keeps one core busy for 30 to 120 ms */

enum { CORE_STAGES_MAX = 5 };

typedef struct loading {
  sb_pipeline *pipeline;
  int stages[CORE_STAGES_MAX], count; /* longest first */
  atomic_int next;
  pthread_mutex_t lock;
  sb_status status; /* the first failure */
  sb_error error;
} loading;

static void list_core(loading *all, int width, int height) {
  const sb_models *models = &all->pipeline->models;
  const sb_detector_spec *detector = &models->detector;
  all->stages[all->count++] = SB_SLOT_EMBED;
  if (detector->has_large && width)
    all->stages[all->count++] = SB_SLOT_LARGE + sb_detector_shape(detector, width, height);
  all->stages[all->count++] = SB_SLOT_SMALL;
  if (models->landmarks.model.path) all->stages[all->count++] = SB_SLOT_LANDMARKS;
  if (models->verifier.model.path) all->stages[all->count++] = SB_SLOT_VERIFY;
}

static void *load_some(void *context) {
  loading *all = context;
  for (int i; (i = atomic_fetch_add(&all->next, 1)) < all->count;) {
    sb_error error = {0};
    sb_status status = load(all->pipeline, all->stages[i], &error);
    pthread_mutex_lock(&all->lock);
    if (status != SB_OK && all->status == SB_OK) all->status = status, all->error = error;
    pthread_mutex_unlock(&all->lock);
  }
  return NULL;
}

static sb_status load_core(sb_pipeline *pipeline, int width, int height, sb_error *error) {
  loading all = {.pipeline = pipeline, .lock = PTHREAD_MUTEX_INITIALIZER};
  list_core(&all, width, height);
  pthread_t helpers[CORE_STAGES_MAX - 1];
  int wanted = (sb_cpu_cores() < all.count ? sb_cpu_cores() : all.count) - 1, started = 0;
  while (started < wanted && !pthread_create(&helpers[started], NULL, load_some, &all)) started++;
  load_some(&all);
  while (started) pthread_join(helpers[--started], NULL);
  pthread_mutex_destroy(&all.lock);
  if (all.status != SB_OK && error) *error = all.error;
  return all.status;
}

sb_status sb_pipeline_open(const sb_pipeline_config *config, sb_pipeline **out, sb_error *error) {
  sb_pipeline *pipeline = sb_alloc(1, sizeof *pipeline, error);
  if (!pipeline) return SB_NO_MEMORY;
  pthread_mutex_init(&pipeline->lock, NULL);
  pipeline->models_path = sb_strdup(config->models_path, error);
  sb_infer_runtime_config runtime = {sizeof runtime, config->cache_dir, config->streams, config->threads};
  sb_status status = pipeline->models_path ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK)
    status = sb_models_read(config->models_path, config->name ? config->name : "default", &pipeline->models, error);
  if (status == SB_OK) status = sb_infer_runtime_new(&runtime, &pipeline->runtime, error);
  if (status == SB_OK) status = choose_embedder(pipeline, config->model, error);
  if (status == SB_OK) status = load_core(pipeline, config->width, config->height, error);
  if (status == SB_OK)
    *out = pipeline;
  else
    sb_pipeline_close(pipeline);
  return status;
}

void sb_pipeline_close(sb_pipeline *pipeline) {
  if (!pipeline) return;
  for (int stage = 0; stage < SB_SLOTS; stage++) sb_infer_model_close(pipeline->stages[stage]);
  sb_infer_runtime_free(pipeline->runtime);
  for (int i = 1; i < SB_EMBEDDERS_MAX && pipeline->embedders[i]; i++) {
    free(pipeline->embedders[i]->model.path);
    free(pipeline->embedders[i]);
  }
  sb_models_free(&pipeline->models);
  free(pipeline->models_path);
  pthread_mutex_destroy(&pipeline->lock);
  free(pipeline);
}

static int kind_of(int stage) {
  if (stage == SB_SLOT_SMALL || stage >= SB_SLOT_LARGE) return 0;
  if (stage == SB_SLOT_VERIFY) return 1;
  if (stage == SB_SLOT_LANDMARKS) return 2;
  return stage < SB_SLOT_EMBED ? 3 : 4;
}

void sb_pipeline_note(sb_pipeline *pipeline, int stage, double ms) {
  atomic_fetch_add(&pipeline->runs[kind_of(stage)], 1);
  atomic_fetch_add(&pipeline->spent_us[kind_of(stage)], (size_t)(1000 * ms));
}

void sb_pipeline_times(const sb_pipeline *pipeline, sb_model_time out[SB_MODEL_KINDS]) {
  for (int i = 0; i < SB_MODEL_KINDS; i++)
    out[i] = (sb_model_time){kind_names[i], pipeline ? atomic_load(&pipeline->runs[i]) : 0,
                             pipeline ? (double)atomic_load(&pipeline->spent_us[i]) / 1e6 : 0};
}
