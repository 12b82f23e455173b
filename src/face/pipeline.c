/* A pipeline: its manifests and compiled models, shared by all workers. Each model has a slot (sb_pipeline_slot). The
 * core models are loaded when the pipeline is opened; the attribute models and most of the larger input shapes of the
 * detector are loaded when first needed, because each costs memory (13 MB a shape, 77 MB for the attributes). */
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
  int workers;          /* how many photos are worked on at the same time */
  pthread_mutex_t lock; /* guards `slots` and `embedders` */
  sb_infer_model *slots[SB_SLOTS];
  /* Those asked for by name, from index 1 on; index 0 is the pipeline's own, models.embedder. */
  sb_embedder_spec *embedders[SB_EMBEDDERS_MAX];
};

const sb_models *sb_pipeline_models(const sb_pipeline *pipeline) {
  return &pipeline->models;
}

static const sb_model_spec *spec_of(const sb_pipeline *pipeline, int slot) {
  const sb_models *models = &pipeline->models;
  if (slot == SB_SLOT_VERIFY) return &models->verifier.model;
  if (slot == SB_SLOT_LANDMARKS) return &models->landmarks.model;
  if (slot == SB_SLOT_SMALL || slot >= SB_SLOT_LARGE) return &models->detector.model;
  if (slot < SB_SLOT_EMBED) return &models->attributes[slot - SB_SLOT_ATTRIBUTES].model;
  return slot == SB_SLOT_EMBED ? &models->embedder.model : &pipeline->embedders[slot - SB_SLOT_EMBED]->model;
}

/* A stream of a larger input costs 13 to 19 MB, and a worker spends half of its time with it: there are half as many
 * streams as workers, and a quarter for the last shape, which is for the few photos that fit no other. A worker that
 * finds none free waits. */
static sb_model_input large_input(const sb_pipeline *pipeline, int shape) {
  const sb_detector_spec *detector = &pipeline->models.detector;
  const int *size = detector->shapes[shape];
  int share = shape && shape + 1 == detector->shape_count ? 4 : 2, cores = sb_cpu_cores();
  int streams = (pipeline->workers + share - 1) / share;
  return (sb_model_input){size[0], size[1], streams < cores ? streams : cores};
}

static sb_status load(sb_pipeline *pipeline, int slot, sb_error *error) {
  const sb_model_spec *spec = spec_of(pipeline, slot);
  const sb_model_input input =
      slot >= SB_SLOT_LARGE ? large_input(pipeline, slot - SB_SLOT_LARGE) : (sb_model_input){0};
  sb_status status = sb_model_check_digest(spec, error);
  if (status != SB_OK) return status;
  return sb_model_load(pipeline->runtime, spec, &input, &pipeline->slots[slot], error);
}

/* Reads the manifest of another embedder into a free index. */
static sb_status add_embedder(sb_pipeline *pipeline, const char *name, int index, sb_error *error) {
  if (index == SB_EMBEDDERS_MAX)
    return sb_fail(error, SB_MODEL, "at most %d embedding models can be in use at once; restart to use others",
                   SB_EMBEDDERS_MAX);
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

sb_status sb_pipeline_model(sb_pipeline *pipeline, int slot, const sb_infer_model **out, sb_error *error) {
  pthread_mutex_lock(&pipeline->lock);
  sb_status status = pipeline->slots[slot] ? SB_OK : load(pipeline, slot, error);
  if (status == SB_OK) *out = pipeline->slots[slot];
  pthread_mutex_unlock(&pipeline->lock);
  return status;
}

/* Replaces the pipeline's own embedder by the one that the user chose. */
static sb_status choose_embedder(sb_pipeline *pipeline, const char *name, sb_error *error) {
  sb_embedder_spec *own = &pipeline->models.embedder, chosen = {0};
  if (!name || !strcmp(name, own->info.name)) return SB_OK;
  sb_status status = sb_embedder_spec_read(pipeline->models_path, name, &chosen, error);
  if (status != SB_OK) return status;
  free(own->model.path);
  *own = chosen;
  return SB_OK;
}

/* ---- Loading the core models, which every photo needs: in parallel, since each keeps one core busy for 30 to 120
 * ms */

enum { CORE_MAX = 5 };

typedef struct loading {
  sb_pipeline *pipeline;
  int slots[CORE_MAX], count; /* longest first */
  atomic_int next;
  pthread_mutex_t lock;
  sb_status status; /* the first failure */
  sb_error error;
} loading;

static void list_core(loading *all, int width, int height) {
  const sb_models *models = &all->pipeline->models;
  const sb_detector_spec *detector = &models->detector;
  all->slots[all->count++] = SB_SLOT_EMBED;
  if (detector->has_large && width)
    all->slots[all->count++] = SB_SLOT_LARGE + sb_detector_shape(detector, width, height);
  all->slots[all->count++] = SB_SLOT_SMALL;
  if (models->landmarks.model.path) all->slots[all->count++] = SB_SLOT_LANDMARKS;
  if (models->verifier.model.path) all->slots[all->count++] = SB_SLOT_VERIFY;
}

static void *load_some(void *context) {
  loading *all = context;
  for (int i; (i = atomic_fetch_add(&all->next, 1)) < all->count;) {
    sb_error error = {0};
    sb_status status = load(all->pipeline, all->slots[i], &error);
    pthread_mutex_lock(&all->lock);
    if (status != SB_OK && all->status == SB_OK) all->status = status, all->error = error;
    pthread_mutex_unlock(&all->lock);
  }
  return NULL;
}

static sb_status load_core(sb_pipeline *pipeline, int width, int height, sb_error *error) {
  loading all = {.pipeline = pipeline, .lock = PTHREAD_MUTEX_INITIALIZER};
  list_core(&all, width, height);
  pthread_t helpers[CORE_MAX - 1];
  int wanted = (sb_cpu_cores() < all.count ? sb_cpu_cores() : all.count) - 1, started = 0;
  while (started < wanted && !pthread_create(&helpers[started], NULL, load_some, &all)) started++;
  load_some(&all);
  while (started) pthread_join(helpers[--started], NULL);
  pthread_mutex_destroy(&all.lock);
  if (all.status != SB_OK && error) *error = all.error;
  return all.status;
}

static sb_status open_pipeline(sb_pipeline *pipeline, const sb_pipeline_config *config, sb_error *error) {
  int streams = config->streams > 0 ? config->streams : 1, cores = sb_cpu_cores();
  const sb_infer_runtime_config runtime = {sizeof runtime, config->cache_dir, streams < cores ? streams : cores,
                                           config->threads, config->device};
  const char *name = config->name ? config->name : "default";
  pipeline->workers = streams;
  if (!(pipeline->models_path = sb_strdup(config->models_path, error))) return SB_NO_MEMORY;
  sb_status status = sb_models_read(config->models_path, name, &pipeline->models, error);
  if (status != SB_OK) return status;
  if ((status = sb_infer_runtime_new(&runtime, &pipeline->runtime, error)) != SB_OK) return status;
  if ((status = choose_embedder(pipeline, config->model, error)) != SB_OK) return status;
  return load_core(pipeline, config->width, config->height, error);
}

sb_status sb_pipeline_open(const sb_pipeline_config *config, sb_pipeline **out, sb_error *error) {
  sb_pipeline *pipeline = sb_alloc(1, sizeof *pipeline, error);
  if (!pipeline) return SB_NO_MEMORY;
  pthread_mutex_init(&pipeline->lock, NULL);
  sb_status status = open_pipeline(pipeline, config, error);
  if (status == SB_OK)
    *out = pipeline;
  else
    sb_pipeline_close(pipeline);
  return status;
}

void sb_pipeline_close(sb_pipeline *pipeline) {
  if (!pipeline) return;
  for (int slot = 0; slot < SB_SLOTS; slot++) sb_infer_model_close(pipeline->slots[slot]);
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

static int kind_of(int slot) {
  if (slot == SB_SLOT_SMALL || slot >= SB_SLOT_LARGE) return 0;
  if (slot == SB_SLOT_VERIFY) return 1;
  if (slot == SB_SLOT_LANDMARKS) return 2;
  return slot < SB_SLOT_EMBED ? 3 : 4;
}

void sb_pipeline_add_time(sb_pipeline *pipeline, int slot, double ms) {
  atomic_fetch_add(&pipeline->runs[kind_of(slot)], 1);
  atomic_fetch_add(&pipeline->spent_us[kind_of(slot)], (size_t)(1000 * ms));
}

void sb_pipeline_times(const sb_pipeline *pipeline, sb_model_time out[SB_MODEL_KINDS]) {
  for (int i = 0; i < SB_MODEL_KINDS; i++)
    out[i] = (sb_model_time){kind_names[i], pipeline ? atomic_load(&pipeline->runs[i]) : 0,
                             pipeline ? (double)atomic_load(&pipeline->spent_us[i]) / 1e6 : 0};
}
