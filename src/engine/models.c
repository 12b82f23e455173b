/* Public: lists, describes and checks the models of an installation. Adding and removing them is in model_install.c. */
#include "engine/models.h"

#include "engine/internal.h"
#include "face/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Folders and manifests */

void sb_engine_model_folders_close(sb_engine_model_folders *folders) {
  free(folders->data_dir);
  free(folders->cache_dir);
  free(folders->added);
  free(folders->path);
}

sb_status sb_engine_model_folders_open(const sb_engine_options *options, sb_engine_model_folders *out,
                                       sb_error *error) {
  sb_error local = {0};
  if (!error) error = &local;
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  out->store = options->store;
  out->data_dir = sb_engine_folder(options->data_dir, error);
  if (out->data_dir) out->cache_dir = sb_engine_cache_folder(options->cache_dir, error);
  if (out->cache_dir) out->added = sb_path_join(out->data_dir, "models", error);
  if (out->added) out->path = sb_engine_models_path(options, out->data_dir, error);
  return out->path ? SB_OK : error->code;
}

bool sb_engine_model_is_added(const sb_engine_model_folders *folders, const char *name) {
  char file[SB_NAME_SIZE + 8];
  snprintf(file, sizeof file, "%.63s.json", name);
  char *path = sb_path_join(folders->added, file, NULL);
  bool there = path && access(path, F_OK) == 0;
  free(path);
  return there;
}

sb_status sb_engine_model_find(const sb_engine_model_folders *folders, const char *name, sb_manifest *out,
                               sb_error *error) {
  sb_status status = sb_manifest_read(folders->path, name, out, error);
  if (status != SB_NOT_FOUND) return status;
  return sb_fail(error, SB_NOT_FOUND, "there is no model '%.63s'; `semblance models list` shows those there are", name);
}

void sb_engine_model_info(const sb_engine_model_folders *folders, const sb_manifest *m, sb_model_info *out) {
  const sb_model_spec *spec = &m->spec.model;
  struct stat file;
  *out = (sb_model_info){.width = spec->width, .height = spec->height, .experimental = spec->experimental};
  snprintf(out->name, sizeof out->name, "%s", spec->name);
  snprintf(out->task, sizeof out->task, "%s", sb_manifest_task_names[m->task]);
  snprintf(out->licence, sizeof out->licence, "%s", m->licence);
  snprintf(out->origin, sizeof out->origin, "%s", m->origin);
  snprintf(out->source, sizeof out->source, "%s", m->source);
  snprintf(out->file, sizeof out->file, "%s", m->file);
  snprintf(out->sha256, sizeof out->sha256, "%s", spec->sha256);
  if (spec->path && stat(spec->path, &file) == 0) out->file_size = (size_t)file.st_size;
  if (m->task == SB_TASK_EMBED) {
    out->dim = m->spec.embedder.info.dim;
    out->calibrated = m->spec.embedder.info.calibration.count > 0;
  }
  out->added = sb_engine_model_is_added(folders, spec->name);
}

/* ---- Public: list */

/* A broken manifest is listed with what is wrong with it. */
static void describe(const sb_engine_model_folders *folders, const char *name, sb_model_info *out) {
  sb_manifest manifest = {0};
  sb_error problem = {0};
  if (sb_manifest_read(folders->path, name, &manifest, &problem) == SB_OK) {
    sb_engine_model_info(folders, &manifest, out);
  } else {
    snprintf(out->name, sizeof out->name, "%.63s", name);
    memcpy(out->problem, problem.message, sizeof out->problem);
    out->added = sb_engine_model_is_added(folders, name);
  }
  sb_manifest_free(&manifest);
}

static sb_status list(const sb_engine_model_folders *folders, sb_model_info **out, size_t *count, sb_error *error) {
  char **names = NULL;
  size_t found = 0;
  sb_status status = sb_registry_list(folders->path, &names, &found, error);
  if (status != SB_OK) return status;
  sb_model_info *models = sb_alloc(found, sizeof *models, error);
  for (size_t i = 0; models && i < found; i++) describe(folders, names[i], &models[i]);
  sb_registry_list_free(names, found);
  if (!models) return SB_NO_MEMORY;
  *out = models;
  *count = found;
  return SB_OK;
}

sb_status sb_models_list(const sb_engine_options *options, sb_model_info **out, size_t *count, sb_error *error) {
  sb_engine_model_folders folders = {0};
  sb_status status = sb_engine_model_folders_open(options, &folders, error);
  if (status == SB_OK) status = list(&folders, out, count, error);
  sb_engine_model_folders_close(&folders);
  return status;
}

sb_status sb_engine_models_list(sb_engine *engine, sb_model_info **out, size_t *count, sb_error *error) {
  const sb_engine_options options = {.struct_size = sizeof options,
                                     .data_dir = engine->data_dir,
                                     .models_path = engine->models_path,
                                     .cache_dir = engine->cache_dir};
  return sb_models_list(&options, out, count, error);
}

sb_status sb_engine_liveness_models(sb_engine *engine, sb_engine_liveness *out, sb_error *error) {
  sb_pipeline_liveness found;
  const sb_pipeline_config config = sb_engine_pipeline_config(engine);
  sb_status status = sb_pipeline_read_liveness(&config, &found, error);
  if (status != SB_OK) return status;
  *out = (sb_engine_liveness){.count = found.count, .experimental = found.experimental};
  snprintf(out->names, sizeof out->names, "%s", found.names);
  return SB_OK;
}

/* ---- Public: one model */

sb_status sb_model_get(const sb_engine_options *options, const char *name, sb_model_info *out, sb_error *error) {
  sb_engine_model_folders folders = {0};
  sb_manifest manifest = {0};
  sb_status status = sb_engine_model_folders_open(options, &folders, error);
  if (status != SB_OK) goto done;
  status = sb_engine_model_find(&folders, name, &manifest, error);
  if (status == SB_OK) sb_engine_model_info(&folders, &manifest, out);
done:
  sb_manifest_free(&manifest);
  sb_engine_model_folders_close(&folders);
  return status;
}

sb_status sb_model_check(const sb_engine_options *options, const char *name, size_t rounds, double *load_ms,
                         double *run_ms, sb_error *error) {
  sb_engine_model_folders folders = {0};
  sb_manifest manifest = {0};
  sb_model_probe_result result = {0};
  sb_status status = sb_engine_model_folders_open(options, &folders, error);
  if (status != SB_OK) goto done;
  status = sb_engine_model_find(&folders, name, &manifest, error);
  if (status != SB_OK) goto done;
  status = sb_model_probe(&manifest, folders.cache_dir, rounds, &result, error);
  if (status != SB_OK) goto done;
  if (load_ms) *load_ms = result.load_ms;
  if (run_ms) *run_ms = result.run_ms;
done:
  sb_manifest_free(&manifest);
  sb_engine_model_folders_close(&folders);
  return status;
}
