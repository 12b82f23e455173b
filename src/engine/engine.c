/* Public: the lifecycle of an engine, and its state. Opening reads no model: models load at first need
 * (model_loader.c). */
#include "engine/collection_indexes.h"
#include "engine/density.h"
#include "engine/index_refresher.h"
#include "engine/internal.h"
#include "engine/verdict.h"
#include "infer/infer.h"
#include "store/gallery/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 64 }; /* calls that may wait for a worker */

/* An HNSW index misses some matches: says at start how many, as far as it was measured. */
static void log_hnsw(const sb_engine *engine) {
  sb_hnsw_summary sum;
  sb_error error = {0};
  if (sb_hnsw_summarize(engine->store, engine->hnsw, &sum, &error) != SB_OK)
    sb_log(SB_LOG_WARNING, "cannot tell which collections have an HNSW index: %s", error.message);
  else if (!sum.indexed)
    sb_log(SB_LOG_WARNING, "no collection has an HNSW index: searches are exact (`semblance hnsw build` makes one)");
  else if (sum.recall < 0)
    sb_log(SB_LOG_WARNING,
           "%zu of %zu collections are searched by an HNSW index whose recall with %d candidates was not measured "
           "(`semblance hnsw measure --hnsw %d`)",
           sum.indexed, sum.collections, engine->hnsw, engine->hnsw);
  else
    sb_log(SB_LOG_INFO,
           "%zu of %zu collections are searched by an HNSW index, which found %.1f %% of the true ten nearest when it "
           "was measured; the others are searched exactly",
           sum.indexed, sum.collections, 100 * sum.recall);
}

static sb_status copy_text(const char *text, char **out, sb_error *error) {
  if (!text) return SB_OK;
  *out = sb_strdup(text, error);
  return *out ? SB_OK : SB_NO_MEMORY;
}

/* Memory for photos of each worker, where that is more than the least (image.h): enough for the usual photos of all
 * workers at once. */
enum { PHOTO_MEMORY = 32 << 20 };

sb_status sb_engine_device_check(const char *device, sb_error *error) {
  return sb_infer_device_check(device, error);
}

/* A server says at once that its device is not available; other programs may never load a model. */
static sb_status check_device(const sb_engine_options *options, sb_error *error) {
  const sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1, .device = options->device};
  sb_infer_runtime *runtime = NULL;
  if (!options->device || !strcmp(options->device, "CPU")) return SB_OK;
  sb_status status = sb_engine_device_check(options->device, error);
  if (status != SB_OK || !options->server) return status;
  status = sb_infer_runtime_new(&config, &runtime, error);
  sb_infer_runtime_free(runtime);
  return status;
}

static sb_status copy_options(sb_engine *engine, const sb_engine_options *options, sb_error *error) {
  engine->liveness = options->liveness;
  engine->children = options->children;
  engine->flip = options->flip;
  engine->search_remotely = options->search_remotely;
  engine->hnsw = options->hnsw;
  engine->thumbnails = options->thumbnails;
  engine->strict_single = options->strict_single;
  engine->no_estimates = options->no_estimates;
  engine->threads = options->threads;
  engine->workers = options->workers > 0 ? options->workers : sb_cpu_workers();
  sb_image_memory_raise((size_t)engine->workers * PHOTO_MEMORY);
  engine->data_dir = sb_engine_folder(options->data_dir, error);
  if (engine->data_dir) engine->cache_dir = sb_engine_cache_folder(options->cache_dir, error);
  if (engine->cache_dir) engine->models_path = sb_engine_models_path(options, engine->data_dir, error);
  if (!engine->models_path) return error->code;
  sb_status status = copy_text(options->model, &engine->model, error);
  if (status != SB_OK) return status;
  status = copy_text(options->pipeline, &engine->pipeline_name, error);
  if (status != SB_OK) return status;
  status = copy_text(options->device, &engine->device, error);
  return status == SB_OK ? copy_text(options->calibration, &engine->calibration, error) : status;
}

static sb_status open_store(sb_engine *engine, const sb_engine_options *options, sb_error *error) {
  sb_status status = sb_store_open_at(engine->data_dir, options->store, options->server, &engine->store, error);
  if (status != SB_OK || !options->replica) return status;
  return sb_store_use_replica(engine->store, options->replica, options->server, error);
}

static sb_status open_parts(sb_engine *engine, const sb_engine_options *options, sb_error *error) {
  sb_status status = check_device(options, error);
  if (status != SB_OK) return status;
  status = copy_options(engine, options, error);
  if (status != SB_OK) return status;
  status = open_store(engine, options, error);
  if (status != SB_OK) return status;
  status = sb_engine_event_signal_new(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_operating_point_refresh(engine, error);
  if (status != SB_OK) return status;
  status = sb_collection_indexes_new(engine->store, options->search_remotely, options->hnsw, &engine->indexes, error);
  if (status != SB_OK) return status;
  if (options->hnsw && options->server) log_hnsw(engine);
  if (options->server) status = sb_engine_refresher_start(engine, &engine->refresher, error);
  if (status == SB_OK && options->server) status = sb_engine_density_refresher_start(engine, &engine->densities, error);
  if (status != SB_OK) return status;
  status = sb_pool_new((size_t)engine->workers, WAITING_MAX, &engine->pool, error);
  if (status != SB_OK) return status;
  engine->all_workers = sb_alloc((size_t)engine->workers, sizeof *engine->all_workers, error);
  return engine->all_workers ? SB_OK : SB_NO_MEMORY;
}

sb_status sb_engine_new(const sb_engine_options *options, sb_engine **out, sb_error *error) {
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_error local = {0};
  sb_engine *engine = sb_alloc(1, sizeof *engine, error);
  if (!engine) return SB_NO_MEMORY;
  pthread_mutex_init(&engine->access_lock, NULL);
  pthread_mutex_init(&engine->reading_point, NULL);
  pthread_mutex_init(&engine->lock, NULL);
  pthread_cond_init(&engine->changed, NULL);
  sb_status status = open_parts(engine, options, error ? error : &local);
  if (status == SB_OK)
    *out = engine;
  else
    sb_engine_free(engine);
  return status;
}

void sb_engine_free(sb_engine *engine) {
  if (!engine) return;
  pthread_mutex_lock(&engine->lock);
  engine->closing = true;
  while (engine->calls) pthread_cond_wait(&engine->changed, &engine->lock);
  pthread_mutex_unlock(&engine->lock);
  for (int i = 0; engine->all_workers && i < engine->workers; i++) sb_worker_free(engine->all_workers[i]);
  free(engine->all_workers);
  sb_pipeline_close(engine->pipeline);
  sb_pool_free(engine->pool);
  sb_engine_density_refresher_stop(engine->densities);
  sb_engine_refresher_stop(engine->refresher);
  sb_collection_indexes_free(engine->indexes);
  sb_access_close(engine->access);
  sb_store_close(engine->store);
  sb_engine_event_signal_free(engine);
  free(engine->data_dir);
  free(engine->models_path);
  free(engine->cache_dir);
  free(engine->model);
  free(engine->pipeline_name);
  free(engine->calibration);
  free(engine->device);
  free(engine->embedders);
  pthread_cond_destroy(&engine->changed);
  pthread_mutex_destroy(&engine->lock);
  pthread_mutex_destroy(&engine->reading_point);
  pthread_mutex_destroy(&engine->access_lock);
  free(engine);
}

const char *sb_engine_data_dir(const sb_engine *engine) {
  return engine->data_dir;
}

void sb_engine_cancel_waits(sb_engine *engine) {
  sb_store_cancel_waits(engine->store);
}

/* ---- Warming up */

/* Runs each model that `want` needs once, on a picture of a camera's size. */
static sb_status warm_worker(sb_engine *engine, unsigned want, sb_error *error) {
  void *worker = NULL;
  sb_status status = sb_pool_take(engine->pool, &worker, error);
  if (status != SB_OK) return status;
  status = sb_worker_warm(worker, want, SB_ENGINE_CAMERA_WIDTH, SB_ENGINE_CAMERA_HEIGHT, error);
  sb_pool_put(engine->pool, worker);
  return status;
}

sb_status sb_engine_warm(sb_engine *engine, unsigned want, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&engine->lock);
  engine->camera = true;
  pthread_mutex_unlock(&engine->lock);
  status = sb_engine_load_models(engine, error);
  if (status != SB_OK) goto done;
  status = sb_collection_indexes_sync(engine->indexes, error);
  if (status != SB_OK) goto done;
  status = warm_worker(engine, want, error);
done:
  sb_engine_leave(engine);
  return status;
}

/* ---- State */

sb_status sb_engine_threshold(sb_engine *engine, const sb_target *target, double *out, sb_error *error) {
  sb_embedder embedder;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status == SB_OK) status = sb_verdict_threshold(&embedder, target, 1, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_counts_get(sb_engine *engine, sb_engine_counts *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&engine->lock);
  sb_pipeline_times(engine->pipeline, out->models);
  pthread_mutex_unlock(&engine->lock);
  out->index_bytes = sb_collection_indexes_bytes(engine->indexes);
  out->index_age_ms = sb_collection_indexes_age_ms(engine->indexes);
  out->index_lag = sb_collection_indexes_lag(engine->indexes);
  out->index_followed = sb_collection_indexes_followed(engine->indexes);
  sb_store_replica_status replica;
  sb_store_replica_status_get(engine->store, &replica);
  sb_hnsw_summary sum = {.recall = -1};
  if (engine->hnsw) sb_hnsw_summarize(engine->store, engine->hnsw, &sum, NULL);
  out->search_remotely = engine->search_remotely;
  out->hnsw = engine->hnsw;
  out->hnsw_collections = sum.indexed;
  out->hnsw_recall = sum.recall;
  out->replica = replica.given;
  out->replica_up = replica.up;
  out->replica_reads = replica.reads;
  out->replica_passed = replica.passed;
  sb_engine_leave(engine);
  return SB_OK;
}

/* Without models there is still a gallery: then the fields about the model stay zero. */
static void fill_model(sb_engine *engine, sb_engine_info *info) {
  sb_embedder embedder;
  if (sb_engine_embedder(engine, NULL, &embedder, NULL) != SB_OK) return;
  const sb_calibration *calibration = &embedder.calibration;
  snprintf(info->model, sizeof info->model, "%s", embedder.name);
  info->dim = embedder.dim;
  info->threshold = calibration->default_threshold;
  info->unsure = calibration->unsure_threshold;
  info->strict = calibration->count ? sb_calibration_threshold(calibration, 1e-6) : 0;
  info->minimum_quality = embedder.minimum_quality;
}

sb_status sb_engine_info_get(sb_engine *engine, sb_engine_info *out, sb_error *error) {
  sb_engine_info info = {.workers = engine->workers,
                         .thumbnails = engine->thumbnails,
                         .liveness = engine->liveness,
                         .no_estimates = engine->no_estimates};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  fill_model(engine, &info);
  info.loading = sb_collection_indexes_loading(engine->indexes, &info.loaded, &info.people, &info.faces);
  if (!info.loading) /* else the store is busy; the counts are those of when loading began */
    status = sb_store_totals(engine->store, &info.people, &info.faces, error);
  pthread_mutex_lock(&engine->lock);
  info.state = engine->state;
  memcpy(info.state_message, engine->state_message, sizeof info.state_message);
  pthread_mutex_unlock(&engine->lock);
  if (status == SB_OK) *out = info;
  sb_engine_leave(engine);
  return status;
}
