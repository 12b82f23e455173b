/* What `semblance doctor` asks of an installation, and of a gallery that no engine has opened. Nothing is made or
 * migrated, and no model is loaded. */
#include "engine/internal.h"
#include "infer/infer.h"
#include "store/gallery/access.h"
#include "store/gallery/cameras.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- The installation */

sb_status sb_diagnostics_pipeline(const sb_engine_options *options, const char *folder, char embedder[64],
                                  bool *has_age, sb_error *error) {
  sb_embedder found;
  char *path = sb_engine_models_path(options, folder, error);
  if (!path) return SB_NO_MEMORY;
  const sb_pipeline_config config = {
      .struct_size = sizeof config, .models_path = path, .name = options->pipeline, .model = options->model};
  sb_status status = sb_embedder_read(&config, NULL, &found, error);
  if (status == SB_OK) status = sb_pipeline_read_age(&config, has_age, error);
  if (status == SB_OK) snprintf(embedder, 64, "%s", found.name);
  free(path);
  return status;
}

sb_status sb_diagnostics_liveness(const sb_engine_options *options, const char *folder, sb_engine_liveness *out,
                                  sb_error *error) {
  sb_pipeline_liveness found = {0};
  char *path = sb_engine_models_path(options, folder, error);
  if (!path) return SB_NO_MEMORY;
  const sb_pipeline_config config = {.struct_size = sizeof config, .models_path = path, .name = options->pipeline};
  sb_status status = sb_pipeline_read_liveness(&config, &found, error);
  free(path);
  *out = (sb_engine_liveness){.count = found.count, .experimental = found.experimental};
  snprintf(out->names, sizeof out->names, "%s", found.names);
  return status;
}

sb_status sb_diagnostics_calibration(const char *path, const char *model, sb_error *error) {
  sb_calibration calibration;
  return sb_engine_calibration_read(path, model, &calibration, error);
}

const char *sb_diagnostics_openvino(void) {
  return sb_infer_version();
}

sb_status sb_diagnostics_device(const char *device, char available[128], sb_error *error) {
  const sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1, .device = device};
  sb_infer_runtime *runtime = NULL;
  sb_status status = sb_infer_devices(available, 128, error);
  if (status != SB_OK) return status;
  status = sb_infer_runtime_new(&config, &runtime, error);
  sb_infer_runtime_free(runtime);
  return status;
}

void sb_diagnostics_photo_formats(bool *heic, bool *avif, bool *jxl) {
  sb_image_heif_codecs(heic, avif);
  *jxl = sb_image_has_jxl();
}

/* ---- The gallery's folder and database */

size_t sb_diagnostics_key_leftovers(const char *folder) {
  return sb_root_leftovers(folder, false);
}

bool sb_diagnostics_served(const char *folder, const char *url) {
  char *path = sb_path_join(folder, url && *url ? "serve-database.lock" : "serve.lock", NULL);
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  bool held = file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0;
  if (file >= 0) close(file);
  free(path);
  return held;
}

sb_status sb_diagnostics_database(const char *folder, const char *url, sb_store_health *out, sb_error *error) {
  return sb_store_health_get(folder, url, out, error);
}

/* ---- An open gallery */

struct sb_diagnostics {
  sb_store *store;
};

sb_status sb_diagnostics_open(const char *folder, const char *url, sb_diagnostics **out, sb_error *error) {
  sb_diagnostics *gallery = sb_alloc(1, sizeof *gallery, error);
  if (!gallery) return SB_NO_MEMORY;
  sb_status status = sb_store_open_at(folder, url, false, &gallery->store, error);
  if (status == SB_OK)
    *out = gallery;
  else
    free(gallery);
  return status;
}

void sb_diagnostics_close(sb_diagnostics *gallery) {
  if (!gallery) return;
  sb_store_close(gallery->store);
  free(gallery);
}

sb_status sb_diagnostics_keys(sb_diagnostics *gallery, sb_store_key_status *out, sb_error *error) {
  return sb_store_keys_status(gallery->store, out, error);
}

sb_status sb_diagnostics_cameras(sb_diagnostics *gallery, size_t *count, sb_error *error) {
  sb_store_camera *cameras = NULL;
  sb_status status = sb_store_cameras(gallery->store, &cameras, count, error);
  if (status == SB_OK) sb_store_cameras_free(cameras, *count);
  return status;
}

sb_status sb_diagnostics_contents(sb_diagnostics *gallery, sb_store_collection **collections, size_t *count,
                                  size_t *people, size_t *faces, sb_error *error) {
  sb_store_collection *list = NULL;
  sb_status status = sb_store_collections(gallery->store, &list, count, error);
  if (status == SB_OK) status = sb_store_totals(gallery->store, people, faces, error);
  if (status == SB_OK)
    *collections = list;
  else
    free(list);
  return status;
}

sb_status sb_diagnostics_replica(sb_diagnostics *gallery, const char *url, bool *up, sb_error *error) {
  sb_store_replica_status counts;
  sb_status status = sb_store_use_replica(gallery->store, url, true, error);
  if (status != SB_OK) return status;
  sb_store_replica_status_get(gallery->store, &counts);
  *up = counts.up;
  return SB_OK;
}

static sb_status read_time(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)error;
  *(int64_t *)context = entry->entry.at_ms;
  return SB_OK;
}

int64_t sb_diagnostics_audit_time(sb_diagnostics *gallery) {
  int64_t sequence = 0, at_ms = 0;
  if (sb_audit_last(gallery->store, &sequence, NULL) == SB_OK && sequence)
    (void)sb_audit_read(gallery->store, sequence - 1, 1, read_time, &at_ms, NULL);
  return at_ms;
}

bool sb_diagnostics_access_required(sb_diagnostics *gallery) {
  sb_access_key *keys = NULL;
  size_t count = 0;
  bool admin = false;
  if (sb_access_keys(gallery->store, &keys, &count, NULL) != SB_OK) return false;
  free(keys);
  return count || (sb_access_has_admin(gallery->store, &admin, NULL) == SB_OK && admin);
}
