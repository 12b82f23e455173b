/* Opening and closing a gallery, loading the models, counting the calls in progress. */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 64 };

/* `given`, or <$variable>/semblance, or <$HOME>/<fallback>/semblance. */
static char *folder_for(const char *given, const char *variable, const char *fallback, sb_error *error) {
  char *path = NULL;
  const char *base = getenv(variable), *home = getenv("HOME");
  if (given) return sb_strdup(given, error);
  int length = base && *base == '/' ? asprintf(&path, "%s/semblance", base)
               : home && *home      ? asprintf(&path, "%s/%s/semblance", home, fallback)
                                    : -2;
  if (length >= 0) return path;
  if (length == -2)
    sb_fail(error, SB_INVALID, "there is no home folder ($HOME is not set); name a folder with --data and --cache");
  else
    sb_fail(error, SB_NO_MEMORY, "out of memory");
  return NULL;
}

char *sb_engine_folder(const char *given, sb_error *error) {
  return folder_for(given, "XDG_DATA_HOME", ".local/share", error);
}

char *sb_engine_cache_folder(const char *given, sb_error *error) {
  return folder_for(given, "XDG_CACHE_HOME", ".cache", error);
}

/* Who asked for an index that misses some is told how many. */
static void tell_hnsw(const sb_engine *engine) {
  sb_hnsw_summary sum;
  sb_error error = {0};
  if (sb_hnsw_summarize(engine->store, engine->hnsw, &sum, &error) != SB_OK)
    sb_log(SB_LOG_WARNING, "what HNSW indexes there are is not known now: %s", error.message);
  else if (!sum.indexed)
    sb_log(SB_LOG_WARNING, "no collection has an HNSW index: searches are exact (`semblance hnsw build` makes one)");
  else if (sum.recall < 0)
    sb_log(SB_LOG_WARNING,
           "%zu of %zu collections are searched by an HNSW index; what it finds with %d candidates was not measured "
           "(`semblance hnsw measure --hnsw %d`)",
           sum.indexed, sum.collections, engine->hnsw, engine->hnsw);
  else
    sb_log(SB_LOG_INFO,
           "%zu of %zu collections are searched by an HNSW index, which found %.1f %% of the true ten nearest when it "
           "was measured; the others exactly",
           sum.indexed, sum.collections, 100 * sum.recall);
}

static sb_status open_parts(sb_engine *engine, const sb_engine_options *options, sb_error *error) {
  engine->data_dir = sb_engine_folder(options->data_dir, error);
  engine->cache_dir = engine->data_dir ? sb_engine_cache_folder(options->cache_dir, error) : NULL;
  if (!engine->cache_dir) return error->code;
  engine->models_path = sb_models_path(options, engine->data_dir, error);
  if (options->model) engine->model = sb_strdup(options->model, error);
  if (options->pipeline) engine->pipeline_name = sb_strdup(options->pipeline, error);
  if (options->calibration) engine->calibration = sb_strdup(options->calibration, error);
  if (!engine->models_path || !engine->model != !options->model || !engine->pipeline_name != !options->pipeline ||
      !engine->calibration != !options->calibration)
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = sb_store_open_at(engine->data_dir, options->store, options->server, &engine->store, error);
  if (status == SB_OK && options->replica)
    status = sb_store_use_replica(engine->store, options->replica, options->server, error);
  if (status == SB_OK) status = sb_engine_target_refresh(engine, error);
  if (status == SB_OK)
    status = sb_gallery_new(engine->store, options->search_remotely, options->hnsw, &engine->gallery, error);
  if (status == SB_OK && options->hnsw && options->server) tell_hnsw(engine);
  if (status == SB_OK && options->server) status = sb_index_refresher_start(engine, &engine->follower, error);
  if (status == SB_OK) status = sb_pool_new((size_t)engine->workers, WAITING_MAX, &engine->pool, error);
  if (status == SB_OK) {
    engine->all_workers = sb_alloc((size_t)engine->workers, sizeof *engine->all_workers, error);
    if (!engine->all_workers) status = SB_NO_MEMORY;
  }
  return status;
}

sb_status sb_engine_new(const sb_engine_options *options, sb_engine **out, sb_error *error) {
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_error local = {0};
  sb_engine *engine = sb_alloc(1, sizeof *engine, error);
  if (!engine) return SB_NO_MEMORY;
  pthread_mutex_init(&engine->targeting, NULL);
  pthread_mutex_init(&engine->lock, NULL);
  pthread_cond_init(&engine->idle, NULL);
  engine->liveness = options->liveness;
  engine->flip = options->flip;
  engine->search_remotely = options->search_remotely;
  engine->hnsw = options->hnsw;
  engine->thumbnails = options->thumbnails;
  engine->threads = options->threads;
  engine->workers = options->workers > 0 ? options->workers : sb_cpu_workers();
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
  while (engine->calls) pthread_cond_wait(&engine->idle, &engine->lock);
  pthread_mutex_unlock(&engine->lock);
  for (int i = 0; engine->all_workers && i < engine->workers; i++) sb_worker_free(engine->all_workers[i]);
  free(engine->all_workers);
  sb_pipeline_close(engine->pipeline);
  sb_pool_free(engine->pool);
  sb_index_refresher_stop(engine->follower);
  sb_gallery_free(engine->gallery);
  sb_store_close(engine->store);
  free(engine->data_dir);
  free(engine->models_path);
  free(engine->cache_dir);
  free(engine->model);
  free(engine->pipeline_name);
  free(engine->calibration);
  free(engine->embedders);
  pthread_cond_destroy(&engine->idle);
  pthread_mutex_destroy(&engine->lock);
  pthread_mutex_destroy(&engine->targeting);
  free(engine);
}

void sb_engine_cancel_waits(sb_engine *engine) {
  sb_store_cancel_waits(engine->store);
}

sb_status sb_engine_enter(sb_engine *engine, sb_error *error) {
  pthread_mutex_lock(&engine->lock);
  sb_status status = engine->closing ? sb_fail(error, SB_STOPPING, "the service is stopping") : SB_OK;
  if (status == SB_OK) engine->calls++;
  pthread_mutex_unlock(&engine->lock);
  return status;
}

void sb_engine_leave(sb_engine *engine) {
  pthread_mutex_lock(&engine->lock);
  if (!--engine->calls) pthread_cond_broadcast(&engine->idle);
  pthread_mutex_unlock(&engine->lock);
}

enum { CAMERA_WIDTH = 640, CAMERA_HEIGHT = 480 }; /* what most cameras give */

static sb_pipeline_config pipeline_config(const sb_engine *engine) {
  return (sb_pipeline_config){.struct_size = sizeof(sb_pipeline_config),
                              .models_path = engine->models_path,
                              .cache_dir = engine->cache_dir,
                              .name = engine->pipeline_name,
                              .model = engine->model,
                              .streams = engine->workers,
                              .threads = engine->threads,
                              .width = engine->camera ? CAMERA_WIDTH : 0,
                              .height = engine->camera ? CAMERA_HEIGHT : 0};
}

/* The user's own in place of the manifest's, if it is of this model; other models keep theirs. */
static sb_status use_calibration(const char *path, sb_embedder *embedder, sb_error *error) {
  char model[64];
  sb_calibration calibration;
  sb_status status = sb_embedder_calibration_read(path, model, &calibration, error);
  if (status == SB_OK && !strcmp(model, embedder->name)) embedder->calibration = calibration;
  return status;
}

/* Under the lock. */
static sb_status remember_embedder(sb_engine *engine, const char *name, sb_error *error) {
  sb_pipeline_config config = pipeline_config(engine);
  void *grown = engine->embedders;
  sb_status status = sb_grow(&grown, engine->embedder_count + 1, sizeof *engine->embedders, error);
  if (status != SB_OK) return status;
  engine->embedders = grown;
  sb_embedder *added = &engine->embedders[engine->embedder_count];
  status = sb_embedder_read(&config, name, added, error);
  if (status == SB_OK && engine->calibration) status = use_calibration(engine->calibration, added, error);
  engine->embedder_count += status == SB_OK;
  return status;
}

sb_status sb_engine_embedder(sb_engine *engine, const char *name, sb_embedder *out, sb_error *error) {
  pthread_mutex_lock(&engine->lock);
  sb_status status = engine->embedder_count ? SB_OK : remember_embedder(engine, NULL, error);
  size_t i = 0;
  if (name && *name)
    while (i < engine->embedder_count && strcmp(engine->embedders[i].name, name)) i++;
  if (status == SB_OK && i == engine->embedder_count) status = remember_embedder(engine, name, error);
  if (status == SB_OK) *out = engine->embedders[i];
  pthread_mutex_unlock(&engine->lock);
  return status;
}

sb_status sb_engine_collection_embedder(sb_engine *engine, const sb_store_collection *collection, sb_embedder *out,
                                        sb_error *error) {
  sb_status status = sb_engine_embedder(engine, collection->info.model, out, error);
  if (status == SB_NOT_FOUND)
    return sb_fail(error, SB_MODEL,
                   "the collection was made with the model %s, which is not here: add it by "
                   "`semblance models add`, or name its folder with --models",
                   collection->info.model);
  if (status == SB_OK && collection->row && out->dim != collection->info.dim)
    return sb_fail(error, SB_MODEL, "the collection has embeddings of %zu numbers; the model %s here gives %zu",
                   collection->info.dim, out->name, out->dim);
  return status;
}

static sb_status load_models(sb_engine *engine, sb_pipeline **out, sb_error *error) {
  sb_pipeline_config config = pipeline_config(engine);
  sb_pipeline *pipeline = NULL;
  int made = 0;
  sb_status status = sb_pipeline_open(&config, &pipeline, error);
  while (status == SB_OK && made < engine->workers) {
    status = sb_worker_new(pipeline, &engine->all_workers[made], error);
    made += status == SB_OK;
  }
  if (status != SB_OK) {
    while (made > 0) {
      sb_worker_free(engine->all_workers[--made]);
      engine->all_workers[made] = NULL;
    }
    sb_pipeline_close(pipeline);
    return status;
  }
  for (int i = 0; i < made; i++) sb_pool_put(engine->pool, engine->all_workers[i]);
  *out = pipeline;
  return SB_OK;
}

/* One caller loads, the others wait for it on `idle`, which is told whenever something ends. */
sb_status sb_engine_models(sb_engine *engine, sb_error *error) {
  sb_error cause = {0};
  pthread_mutex_lock(&engine->lock);
  while (engine->state == SB_STATE_LOADING) pthread_cond_wait(&engine->idle, &engine->lock);
  if (engine->state == SB_STATE_READY) {
    pthread_mutex_unlock(&engine->lock);
    return SB_OK;
  }
  engine->state = SB_STATE_LOADING;
  pthread_mutex_unlock(&engine->lock);
  sb_pipeline *pipeline = NULL;
  sb_status status = load_models(engine, &pipeline, &cause);
  pthread_mutex_lock(&engine->lock);
  engine->state = status == SB_OK ? SB_STATE_READY : SB_STATE_ERROR;
  engine->pipeline = pipeline;
  memcpy(engine->state_message, cause.message, sizeof engine->state_message);
  pthread_cond_broadcast(&engine->idle);
  pthread_mutex_unlock(&engine->lock);
  return status == SB_OK ? SB_OK : sb_fail(error, status, "%s", cause.message);
}

static sb_status warm_worker(sb_engine *engine, unsigned want, sb_error *error) {
  void *worker = NULL;
  sb_status status = sb_pool_take(engine->pool, &worker, error);
  if (status == SB_OK) status = sb_worker_warm(worker, want, CAMERA_WIDTH, CAMERA_HEIGHT, error);
  if (worker) sb_pool_put(engine->pool, worker);
  return status;
}

sb_status sb_engine_warm(sb_engine *engine, unsigned want, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&engine->lock);
  engine->camera = true;
  pthread_mutex_unlock(&engine->lock);
  status = sb_engine_models(engine, error);
  if (status == SB_OK) status = sb_gallery_sync(engine->gallery, error);
  if (status == SB_OK) status = warm_worker(engine, want, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_threshold(sb_engine *engine, const sb_target *target, double *out, sb_error *error) {
  sb_embedder embedder;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status == SB_OK) status = sb_verdict_threshold(&embedder, target, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_counts_get(sb_engine *engine, sb_engine_counts *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&engine->lock);
  sb_pipeline_times(engine->pipeline, out->models);
  pthread_mutex_unlock(&engine->lock);
  out->index_bytes = sb_gallery_bytes(engine->gallery);
  out->index_age_ms = sb_gallery_age_ms(engine->gallery);
  out->index_lag = sb_gallery_lag(engine->gallery);
  out->index_followed = sb_gallery_followed(engine->gallery);
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

sb_status sb_engine_info_get(sb_engine *engine, sb_engine_info *out, sb_error *error) {
  sb_engine_info info = {.workers = engine->workers, .thumbnails = engine->thumbnails};
  sb_embedder embedder;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  if (sb_engine_embedder(engine, NULL, &embedder, NULL) == SB_OK) { /* without models there is still a gallery */
    snprintf(info.model, sizeof info.model, "%s", embedder.name);
    info.dim = embedder.dim;
    info.threshold = embedder.calibration.default_threshold;
    info.unsure = embedder.calibration.unsure_threshold;
    info.strict = embedder.calibration.count ? sb_calibration_threshold(&embedder.calibration, 1e-6) : 0;
    info.minimum_quality = embedder.minimum_quality;
  }
  info.loading = sb_gallery_loading(engine->gallery, &info.loaded, &info.people, &info.faces);
  if (!info.loading) status = sb_store_totals(engine->store, &info.people, &info.faces, error); /* busy while loading */
  pthread_mutex_lock(&engine->lock);
  info.state = engine->state;
  memcpy(info.state_message, engine->state_message, sizeof info.state_message);
  pthread_mutex_unlock(&engine->lock);
  if (status == SB_OK) *out = info;
  sb_engine_leave(engine);
  return status;
}
