/* What is known of each embedding model (dimension, calibration, minimum quality) from its manifest, without loading
 * the model. Manifests are read when first asked for and cached for the engine's life. */
#include "engine/internal.h"

#include <math.h>
#include <string.h>

sb_pipeline_config sb_engine_pipeline_config(const sb_engine *engine) {
  return (sb_pipeline_config){.struct_size = sizeof(sb_pipeline_config),
                              .models_path = engine->models_path,
                              .cache_dir = engine->cache_dir,
                              .name = engine->pipeline_name,
                              .model = engine->model,
                              .device = engine->device,
                              .streams = engine->workers,
                              .threads = engine->threads,
                              .width = engine->camera ? SB_ENGINE_CAMERA_WIDTH : 0,
                              .height = engine->camera ? SB_ENGINE_CAMERA_HEIGHT : 0};
}

/* The constants of normalised scores that the file does not have stay the manifest's: they are the model's, not the
 * photos'. */
static void keep_cohort(const sb_calibration *manifest, sb_calibration *calibration) {
  if (calibration->cohort_deviation > 0 || !(manifest->cohort_deviation > 0)) return;
  calibration->cohort_deviation = fmin(manifest->cohort_deviation, calibration->tail_deviation);
  calibration->search_offset = manifest->search_offset;
  calibration->verify_offset = manifest->verify_offset;
  calibration->group_shift = manifest->group_shift;
}

sb_status sb_engine_calibration_read(const char *path, const char *model, sb_calibration *out, sb_error *error) {
  char of[64];
  sb_status status = sb_embedder_calibration_read(path, of, out, error);
  if (status != SB_OK || !model || !strcmp(of, model)) return status;
  return sb_fail(error, SB_INVALID,
                 "the calibration %s is of the model %s, and the model in use is %s: leave --calibration out, or make "
                 "one with `semblance eval --calibrate`",
                 path, of, model);
}

/* A user's own calibration replaces the manifest's of the engine's own model (`own`). Collections of other models keep
 * theirs. */
static sb_status use_calibration(const char *path, bool own, sb_embedder *embedder, sb_error *error) {
  sb_calibration calibration;
  sb_error other_model;
  sb_status status = sb_engine_calibration_read(path, embedder->name, &calibration, own ? error : &other_model);
  if (status != SB_OK) return own ? status : SB_OK;
  keep_cohort(&embedder->calibration, &calibration);
  embedder->calibration = calibration;
  return SB_OK;
}

/* Reads a manifest and adds it to the cache. Under the lock. */
static sb_status add_embedder(sb_engine *engine, const char *name, sb_error *error) {
  sb_pipeline_config config = sb_engine_pipeline_config(engine);
  void *grown = engine->embedders;
  sb_status status = sb_grow(&grown, engine->embedder_count + 1, sizeof *engine->embedders, error);
  if (status != SB_OK) return status;
  engine->embedders = grown;
  sb_embedder *added = &engine->embedders[engine->embedder_count];
  status = sb_embedder_read(&config, name, added, error);
  if (status == SB_OK && engine->calibration) status = use_calibration(engine->calibration, !name, added, error);
  engine->embedder_count += status == SB_OK;
  return status;
}

/* Under the lock. */
static sb_status find_embedder(sb_engine *engine, const char *name, const sb_embedder **out, sb_error *error) {
  sb_status status = engine->embedder_count ? SB_OK : add_embedder(engine, NULL, error);
  if (status != SB_OK) return status;
  size_t i = 0;
  if (name && *name)
    while (i < engine->embedder_count && strcmp(engine->embedders[i].name, name)) i++;
  if (i == engine->embedder_count) status = add_embedder(engine, name, error);
  if (status == SB_OK) *out = &engine->embedders[i];
  return status;
}

sb_status sb_engine_embedder(sb_engine *engine, const char *name, sb_embedder *out, sb_error *error) {
  const sb_embedder *found = NULL;
  pthread_mutex_lock(&engine->lock);
  sb_status status = find_embedder(engine, name, &found, error);
  if (status == SB_OK) *out = *found;
  pthread_mutex_unlock(&engine->lock);
  return status;
}

sb_status sb_engine_calibration(sb_engine *engine, sb_calibration *out, sb_error *error) {
  sb_embedder embedder;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status == SB_OK) *out = embedder.calibration;
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_collection_embedder(sb_engine *engine, const sb_store_collection *collection, sb_embedder *out,
                                        sb_error *error) {
  sb_status status = sb_engine_embedder(engine, collection->info.model, out, error);
  if (status == SB_NOT_FOUND)
    return sb_fail(error, SB_MODEL,
                   "the collection was made with the model %s, which is not installed: add it with "
                   "`semblance models add`, or name its folder with --models",
                   collection->info.model);
  if (status == SB_OK && collection->row && out->dim != collection->info.dim)
    return sb_fail(error, SB_MODEL, "the collection has embeddings of %zu numbers; the model %s here gives %zu",
                   collection->info.dim, out->name, out->dim);
  return status;
}
