/* Public: the models as things to list, check, add and remove. */
#include "engine/internal.h"
#include "face/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where models are, for one call. */
typedef struct places {
  char *data_dir, *cache_dir, *added, *path; /* added: <data_dir>/models */
  const char *store;                         /* the options' */
} places;

static void places_free(places *p) {
  free(p->data_dir);
  free(p->cache_dir);
  free(p->added);
  free(p->path);
}

static sb_status places_open(const sb_engine_options *options, places *p, sb_error *error) {
  sb_error local = {0};
  if (!error) error = &local;
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  p->store = options->store;
  p->data_dir = sb_engine_folder(options->data_dir, error);
  if (p->data_dir) p->cache_dir = sb_engine_cache_folder(options->cache_dir, error);
  if (p->cache_dir) p->added = sb_path_join(p->data_dir, "models", error);
  if (p->added) p->path = sb_engine_models_path(options, p->data_dir, error);
  return p->path ? SB_OK : error->code;
}

static bool is_added(const places *p, const char *name) {
  char file[SB_NAME_SIZE + 8];
  snprintf(file, sizeof file, "%.63s.json", name);
  char *path = sb_path_join(p->added, file, NULL);
  bool there = path && access(path, F_OK) == 0;
  free(path);
  return there;
}

static void fill_info(const places *p, const sb_manifest *m, sb_model_info *out) {
  const sb_model_spec *spec = &m->spec.model;
  struct stat file;
  *out = (sb_model_info){.width = spec->width, .height = spec->height, .experimental = m->experimental};
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
  out->added = is_added(p, spec->name);
}

static sb_status read_model(const places *p, const char *name, sb_manifest *out, sb_error *error) {
  sb_status status = sb_manifest_read(p->path, name, out, error);
  if (status != SB_NOT_FOUND) return status;
  return sb_fail(error, SB_NOT_FOUND, "there is no model '%.63s'; `semblance models list` shows those there are", name);
}

sb_status sb_models_list(const sb_engine_options *options, sb_model_info **out, size_t *count, sb_error *error) {
  places p = {0};
  char **names = NULL;
  size_t found = 0;
  sb_model_info *list = NULL;
  sb_status status = places_open(options, &p, error);
  if (status == SB_OK) status = sb_registry_list(p.path, &names, &found, error);
  if (status == SB_OK) {
    list = sb_alloc(found, sizeof *list, error);
    if (!list) status = SB_NO_MEMORY;
  }
  for (size_t i = 0; status == SB_OK && i < found; i++) {
    sb_manifest manifest = {0};
    sb_error problem = {0};
    if (sb_manifest_read(p.path, names[i], &manifest, &problem) == SB_OK) {
      fill_info(&p, &manifest, &list[i]);
    } else {
      snprintf(list[i].name, sizeof list[i].name, "%.63s", names[i]);
      memcpy(list[i].problem, problem.message, sizeof list[i].problem);
      list[i].added = is_added(&p, names[i]);
    }
    sb_manifest_free(&manifest);
  }
  sb_registry_list_free(names, found);
  places_free(&p);
  if (status == SB_OK) *out = list, *count = found;
  return status;
}

sb_status sb_engine_models_list(sb_engine *engine, sb_model_info **out, size_t *count, sb_error *error) {
  const sb_engine_options options = {.struct_size = sizeof options,
                                     .data_dir = engine->data_dir,
                                     .models_path = engine->models_path,
                                     .cache_dir = engine->cache_dir};
  return sb_models_list(&options, out, count, error);
}

sb_status sb_model_get(const sb_engine_options *options, const char *name, sb_model_info *out, sb_error *error) {
  places p = {0};
  sb_manifest manifest = {0};
  sb_status status = places_open(options, &p, error);
  if (status == SB_OK) status = read_model(&p, name, &manifest, error);
  if (status == SB_OK) fill_info(&p, &manifest, out);
  sb_manifest_free(&manifest);
  places_free(&p);
  return status;
}

sb_status sb_model_check(const sb_engine_options *options, const char *name, size_t rounds, double *load_ms,
                         double *run_ms, sb_error *error) {
  places p = {0};
  sb_manifest manifest = {0};
  sb_model_probe_result trial = {0};
  sb_status status = places_open(options, &p, error);
  if (status == SB_OK) status = read_model(&p, name, &manifest, error);
  if (status == SB_OK) status = sb_model_probe(&manifest, p.cache_dir, rounds, &trial, error);
  if (status == SB_OK && load_ms) *load_ms = trial.load_ms;
  if (status == SB_OK && run_ms) *run_ms = trial.run_ms;
  sb_manifest_free(&manifest);
  places_free(&p);
  return status;
}

/* ---- Adding */

static sb_status copy_bytes(int from, int to, const char *target, sb_error *error) {
  char chunk[1 << 16];
  for (;;) {
    ssize_t size = read(from, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return sb_fail_errno(error, errno, "read for", target);
    if (size == 0) break;
    sb_status status = sb_write_all(to, target, chunk, (size_t)size, error);
    if (status != SB_OK) return status;
  }
  return fsync(to) ? sb_fail_errno(error, errno, "write", target) : SB_OK;
}

/* Whole or not at all: into a file beside the target, which then takes its place. */
static sb_status copy_file(const char *source, const char *target, sb_error *error) {
  char *partial = NULL;
  if (asprintf(&partial, "%s.partial", target) < 0) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  int from = open(source, O_RDONLY | O_CLOEXEC), to = -1;
  sb_status status = from < 0 ? sb_fail_errno(error, errno, "open", source) : SB_OK;
  if (status == SB_OK && (to = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
    status = sb_fail_errno(error, errno, "write", partial);
  if (status == SB_OK) status = copy_bytes(from, to, partial, error);
  if (from >= 0) close(from);
  if (to >= 0 && close(to) && status == SB_OK) status = sb_fail_errno(error, errno, "write", partial);
  if (status == SB_OK && rename(partial, target)) status = sb_fail_errno(error, errno, "put into place", target);
  if (status != SB_OK && to >= 0) unlink(partial);
  free(partial);
  return status;
}

/* "FOLDER/NAME.json" -> both parts; the folder is "." where none is named. */
static sb_status split_path(const char *path, char **folder, char name[SB_NAME_SIZE], sb_error *error) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  size_t length = strlen(base);
  if (length < 6 || length - 5 >= SB_NAME_SIZE || strcmp(base + length - 5, ".json"))
    return sb_fail(error, SB_INVALID, "a manifest is a file NAME.json, beside its model file");
  if (access(path, R_OK)) return sb_fail_errno(error, errno, "read the manifest", path);
  snprintf(name, SB_NAME_SIZE, "%.*s", (int)(length - 5), base);
  if (!sb_manifest_name_valid(name))
    return sb_fail(error, SB_INVALID, "a manifest's name is of a-z, 0-9, '.', '_' and '-'");
  *folder = slash == path ? sb_strdup("/", error)
            : slash       ? strndup(path, (size_t)(slash - path))
                          : sb_strdup(".", error);
  return *folder ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
}

/* The model file before its manifest: a manifest whose file is not there would be a broken model. */
static sb_status install(const places *p, const sb_manifest *manifest, const char *manifest_path, sb_error *error) {
  char name[SB_NAME_SIZE + 8];
  snprintf(name, sizeof name, "%s.json", manifest->spec.model.name);
  sb_status status = sb_dir_make(p->added, error);
  char *file = status == SB_OK ? sb_path_join(p->added, manifest->file, error) : NULL;
  char *description = file ? sb_path_join(p->added, name, error) : NULL;
  if (status == SB_OK && !description) status = SB_NO_MEMORY;
  if (status == SB_OK && access(file, F_OK) == 0)
    status =
        sb_fail(error, SB_EXISTS, "a file %s was added with another model; give this one another name", manifest->file);
  if (status == SB_OK) status = copy_file(manifest->spec.model.path, file, error);
  if (status == SB_OK) {
    sb_model_spec copied = manifest->spec.model;
    copied.path = file;
    status = sb_model_check_digest(&copied, error); /* it may have changed while it was tried */
    if (status == SB_OK) status = copy_file(manifest_path, description, error);
    if (status != SB_OK) unlink(file);
  }
  free(file);
  free(description);
  return status;
}

static sb_status add_model(const places *p, const char *path, sb_model_info *out, sb_error *error) {
  char name[SB_NAME_SIZE], *folder = NULL;
  sb_manifest manifest = {0}, other = {0};
  sb_model_probe_result trial;
  sb_status status = split_path(path, &folder, name, error);
  if (status == SB_OK) status = sb_manifest_read(folder, name, &manifest, error);
  if (status == SB_OK && sb_manifest_read(p->path, name, &other, NULL) != SB_NOT_FOUND)
    status = sb_fail(error, SB_EXISTS,
                     "there is a model %s already; `semblance models remove` takes away one that was added", name);
  if (status == SB_OK) status = sb_model_probe(&manifest, NULL, 2, &trial, error);
  if (status == SB_OK) status = install(p, &manifest, path, error);
  if (status == SB_OK) fill_info(p, &manifest, out);
  sb_manifest_free(&manifest);
  sb_manifest_free(&other);
  free(folder);
  return status;
}

sb_status sb_model_add(const sb_engine_options *options, const char *manifest, sb_model_info *out, sb_error *error) {
  places p = {0};
  sb_status status = places_open(options, &p, error);
  if (status == SB_OK) status = add_model(&p, manifest, out, error);
  places_free(&p);
  return status;
}

/* ---- Removing */

static sb_status check_unused(const places *p, const char *name, sb_error *error) {
  sb_store *store = NULL;
  sb_store_collection *collections = NULL;
  size_t count = 0;
  char *database = sb_path_join(p->data_dir, "semblance.db", error);
  if (!database) return SB_NO_MEMORY;
  bool there = p->store || access(database, F_OK) == 0;
  free(database);
  if (!there) return SB_OK;
  sb_status status = sb_store_open_at(p->data_dir, p->store, false, &store, error);
  if (status == SB_OK) status = sb_store_collections(store, &collections, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (!strcmp(collections[i].info.model, name))
      status = sb_fail(error, SB_INVALID, "the collection %s was made with the model %s; delete the collection first",
                       collections[i].info.name, name);
  free(collections);
  sb_store_close(store);
  return status;
}

static sb_status remove_file(const places *p, const char *name, sb_error *error) {
  char *path = sb_path_join(p->added, name, error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = unlink(path) && errno != ENOENT ? sb_fail_errno(error, errno, "remove", path) : SB_OK;
  free(path);
  return status;
}

sb_status sb_model_remove(const sb_engine_options *options, const char *name, sb_error *error) {
  char description[SB_NAME_SIZE + 8];
  places p = {0};
  sb_manifest manifest = {0};
  sb_status status = places_open(options, &p, error);
  if (status == SB_OK && (!sb_manifest_name_valid(name) || !is_added(&p, name))) {
    bool known = read_model(&p, name, &manifest, error) != SB_NOT_FOUND;
    status = known ? sb_fail(error, SB_INVALID, "the model %s is part of the installation; only added ones are removed",
                             name)
                   : SB_NOT_FOUND;
  }
  if (status == SB_OK) status = check_unused(&p, name, error);
  sb_manifest_free(&manifest);
  if (status == SB_OK && sb_manifest_read(p.added, name, &manifest, NULL) == SB_OK)
    status = remove_file(&p, manifest.file, error);
  snprintf(description, sizeof description, "%.63s.json", name);
  if (status == SB_OK) status = remove_file(&p, description, error);
  sb_manifest_free(&manifest);
  places_free(&p);
  return status;
}
