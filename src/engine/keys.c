/* The gallery's keys and transforms: status, rotation, revocation, and bringing a root key to a folder. */
#include "engine/collection_indexes.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <unistd.h>

sb_status sb_engine_keys(sb_engine *engine, sb_store_key_status *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_keys_status(engine->store, out, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Rotation */

static sb_status rewrap(sb_engine *engine, const char *key_file, sb_error *error) {
  sb_root *root = NULL;
  sb_status status = sb_root_read(key_file, &root, error);
  if (status == SB_OK) status = sb_store_change_root(engine->store, root, error);
  sb_root_free(root);
  return status;
}

/* A new root key only where the key lies in the gallery's folder, and not while continuing an interrupted rotation. */
static sb_status rotate(sb_engine *engine, const sb_engine_rotation *rotation, bool *new_root, sb_error *error) {
  sb_store_key_status keys = {0};
  sb_status status = sb_store_keys_status(engine->store, &keys, error);
  if (status != SB_OK) return status;
  *new_root = !rotation->data_only && keys.origin == SB_ROOT_FILE && !keys.rotating;
  if (rotation->new_root_file)
    status = rewrap(engine, rotation->new_root_file, error);
  else if (*new_root)
    status = sb_store_renew_root(engine->store, error);
  if (status != SB_OK) return status;
  return sb_store_rotate(engine->store, rotation->progress, rotation->context, error);
}

sb_status sb_engine_rotate(sb_engine *engine, const sb_engine_rotation *rotation, bool *new_root, sb_error *error) {
  bool renewed = false;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = rotate(engine, rotation, &renewed, error);
  if (status == SB_OK && new_root) *new_root = renewed;
  sb_engine_leave(engine);
  return status;
}

static sb_status revoke_templates(sb_engine *engine, const char *name, size_t *templates, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_collection(engine, name, false, &collection, error);
  if (status != SB_OK) return status;
  *templates = 0;
  if (collection.row) status = sb_store_revoke(engine->store, collection.row, templates, error);
  return status == SB_OK ? sb_collection_indexes_sync(engine->indexes, error) : status;
}

sb_status sb_engine_revoke(sb_engine *engine, const char *collection, size_t *templates, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = revoke_templates(engine, collection, templates, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Importing a root key */

static sb_status write_root(const char *folder, const char *path, const sb_root *root, sb_error *error) {
  sb_status status = sb_dir_make(folder, error);
  if (status != SB_OK) return status;
  if (access(path, F_OK) == 0) return sb_fail(error, SB_EXISTS, "%s is there already; move it away first", path);
  return sb_root_write(root, folder, "semblance.key", NULL, error);
}

sb_status sb_engine_root_import(const char *folder, const char *url, const sb_root *root, sb_error *error) {
  sb_store *store = NULL;
  char *path = sb_path_join(folder, "semblance.key", error), *database = sb_path_join(folder, "semblance.db", error);
  sb_status status = path && database ? write_root(folder, path, root, error) : SB_NO_MEMORY;
  if (status == SB_OK && (*url || access(database, F_OK) == 0)) {
    status = sb_store_open_at(folder, url, false, &store, error);
    sb_store_close(store);
    if (status == SB_WRONG_KEY) unlink(path);
  }
  free(path);
  free(database);
  return status;
}
