/* Public: installs a model into <data_dir>/models, and removes one that was installed so.
 *
 * A model is a manifest NAME.json and the model file that it names. The file is written before the manifest, and each
 * as a whole (a temporary file that is renamed), so that after a crash there is no manifest without its file. Removal
 * goes the same way: the file first, then the manifest. */
#include "engine/internal.h"
#include "engine/models.h"
#include "face/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Copying files */

static sb_status copy_bytes(int from, int to, const char *path, sb_error *error) {
  char chunk[1 << 16];
  for (;;) {
    ssize_t size = read(from, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return sb_fail_errno(error, errno, "read for", path);
    if (size == 0) break;
    sb_status status = sb_write_all(to, path, chunk, (size_t)size, error);
    if (status != SB_OK) return status;
  }
  return fsync(to) ? sb_fail_errno(error, errno, "write", path) : SB_OK;
}

static sb_status copy_to(int from, const char *path, sb_error *error) {
  int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (to < 0) return sb_fail_errno(error, errno, "write", path);
  sb_status status = copy_bytes(from, to, path, error);
  if (close(to) && status == SB_OK) status = sb_fail_errno(error, errno, "write", path);
  if (status != SB_OK) unlink(path);
  return status;
}

/* Whole or not at all: into a temporary file beside the target, which is then renamed. */
static sb_status copy_file(const char *source, const char *target, sb_error *error) {
  char *partial = NULL;
  int from = open(source, O_RDONLY | O_CLOEXEC);
  if (from < 0) return sb_fail_errno(error, errno, "open", source);
  sb_status status = SB_OK;
  if (asprintf(&partial, "%s.partial", target) < 0) {
    partial = NULL;
    status = sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  if (status == SB_OK) status = copy_to(from, partial, error);
  if (status == SB_OK && rename(partial, target)) {
    status = sb_fail_errno(error, errno, "put into place", target);
    unlink(partial);
  }
  close(from);
  free(partial);
  return status;
}

/* ---- Adding */

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

/* Copies the model file, checks the copy, and copies the manifest. */
static sb_status copy_model(const sb_manifest *manifest, const char *manifest_path, const char *file,
                            const char *description, sb_error *error) {
  if (access(file, F_OK) == 0)
    return sb_fail(error, SB_EXISTS, "a file %s was added with another model; give this one another name",
                   manifest->file);
  sb_status status = copy_file(manifest->spec.model.path, file, error);
  if (status != SB_OK) return status;
  sb_model_spec copied = manifest->spec.model;
  copied.path = (char *)(uintptr_t)file;
  status = sb_model_check_digest(&copied, error); /* the original may have changed since it was tried */
  if (status == SB_OK) status = copy_file(manifest_path, description, error);
  if (status != SB_OK) unlink(file);
  return status;
}

static sb_status install(const sb_engine_model_folders *folders, const sb_manifest *manifest, const char *manifest_path,
                         sb_error *error) {
  char name[SB_NAME_SIZE + 8];
  snprintf(name, sizeof name, "%s.json", manifest->spec.model.name);
  sb_status status = sb_dir_make(folders->added, error);
  if (status != SB_OK) return status;
  char *file = sb_path_join(folders->added, manifest->file, error);
  char *description = file ? sb_path_join(folders->added, name, error) : NULL;
  status = description ? copy_model(manifest, manifest_path, file, description, error) : SB_NO_MEMORY;
  free(file);
  free(description);
  return status;
}

static sb_status check_new(const sb_engine_model_folders *folders, const char *name, sb_error *error) {
  sb_manifest other = {0};
  sb_status status = sb_manifest_read(folders->path, name, &other, NULL);
  sb_manifest_free(&other);
  if (status == SB_NOT_FOUND) return SB_OK;
  return sb_fail(error, SB_EXISTS, "there is a model %s already; `semblance models remove` removes one that was added",
                 name);
}

static sb_status add(const sb_engine_model_folders *folders, const char *path, sb_manifest *manifest, sb_error *error) {
  char name[SB_NAME_SIZE], *folder = NULL;
  sb_model_probe_result result;
  sb_status status = split_path(path, &folder, name, error);
  if (status != SB_OK) return status;
  status = sb_manifest_read(folder, name, manifest, error);
  free(folder);
  if (status != SB_OK) return status;
  status = check_new(folders, name, error);
  if (status != SB_OK) return status;
  status = sb_model_probe(manifest, NULL, 2, &result, error);
  return status == SB_OK ? install(folders, manifest, path, error) : status;
}

sb_status sb_model_add(const sb_engine_options *options, const char *manifest_path, sb_model_info *out,
                       sb_error *error) {
  sb_engine_model_folders folders = {0};
  sb_manifest manifest = {0};
  sb_status status = sb_engine_model_folders_open(options, &folders, error);
  if (status == SB_OK) status = add(&folders, manifest_path, &manifest, error);
  if (status == SB_OK) sb_engine_model_info(&folders, &manifest, out);
  sb_manifest_free(&manifest);
  sb_engine_model_folders_close(&folders);
  return status;
}

/* ---- Removing */

static bool has_gallery(const sb_engine_model_folders *folders) {
  char *database = sb_path_join(folders->data_dir, "semblance.db", NULL);
  bool there = folders->store || !database || access(database, F_OK) == 0; /* out of memory: assume so */
  free(database);
  return there;
}

static sb_status check_unused(const sb_engine_model_folders *folders, const char *name, sb_error *error) {
  sb_store *store = NULL;
  sb_store_collection *collections = NULL;
  size_t count = 0;
  if (!has_gallery(folders)) return SB_OK;
  sb_status status = sb_store_open_at(folders->data_dir, folders->store, false, &store, error);
  if (status == SB_OK) status = sb_store_collections(store, &collections, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (!strcmp(collections[i].info.model, name))
      status = sb_fail(error, SB_INVALID, "the collection %s was made with the model %s; delete the collection first",
                       collections[i].info.name, name);
  free(collections);
  sb_store_close(store);
  return status;
}

/* Only what was added is removed. */
static sb_status check_added(const sb_engine_model_folders *folders, const char *name, sb_error *error) {
  sb_manifest manifest = {0};
  if (sb_manifest_name_valid(name) && sb_engine_model_is_added(folders, name)) return SB_OK;
  bool known = sb_engine_model_find(folders, name, &manifest, error) != SB_NOT_FOUND;
  sb_manifest_free(&manifest);
  if (!known) return SB_NOT_FOUND;
  return sb_fail(error, SB_INVALID, "the model %s is part of the installation; only added ones are removed", name);
}

static sb_status remove_file(const sb_engine_model_folders *folders, const char *name, sb_error *error) {
  char *path = sb_path_join(folders->added, name, error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = unlink(path) && errno != ENOENT ? sb_fail_errno(error, errno, "remove", path) : SB_OK;
  free(path);
  return status;
}

static sb_status remove_model(const sb_engine_model_folders *folders, const char *name, sb_error *error) {
  char description[SB_NAME_SIZE + 8];
  sb_manifest manifest = {0};
  sb_status status = check_added(folders, name, error);
  if (status != SB_OK) return status;
  status = check_unused(folders, name, error);
  if (status != SB_OK) return status;
  if (sb_manifest_read(folders->added, name, &manifest, NULL) == SB_OK)
    status = remove_file(folders, manifest.file, error);
  sb_manifest_free(&manifest);
  snprintf(description, sizeof description, "%.63s.json", name);
  return status == SB_OK ? remove_file(folders, description, error) : status;
}

sb_status sb_model_remove(const sb_engine_options *options, const char *name, sb_error *error) {
  sb_engine_model_folders folders = {0};
  sb_status status = sb_engine_model_folders_open(options, &folders, error);
  if (status == SB_OK) status = remove_model(&folders, name, error);
  sb_engine_model_folders_close(&folders);
  return status;
}
