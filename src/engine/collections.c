/* Public: collections. A collection fixes the embedding model of its people; every verb reaches people through one that
 * is looked up here, so that an actor whose key is for one collection cannot reach another, whatever API it uses. */
#include "engine/collection_indexes.h"
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sb_status check_name(const char *name, sb_error *error) {
  size_t length = strlen(name);
  if (length >= 1 && length <= SB_COLLECTION_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length)
    return SB_OK;
  return sb_fail(error, SB_INVALID, "a collection's name is 1 to %d of a-z, 0-9, _ and -", SB_COLLECTION_MAX);
}

static bool in_scope(const char *name) {
  const char *only = sb_actor_get()->collection;
  return !*only || !strcmp(only, name);
}

static sb_status check_access(const char *name, sb_error *error) {
  sb_status status = check_name(name, error);
  if (status != SB_OK) return status;
  return in_scope(name) ? SB_OK : sb_fail(error, SB_FORBIDDEN, "this key is for another collection");
}

/* Makes the default collection; another thread or process may be faster. */
static sb_status add_default(sb_engine *engine, sb_store_collection *out, sb_error *error) {
  sb_embedder embedder;
  int64_t row = 0;
  sb_status status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status != SB_OK) return status;
  status = sb_store_collection_add(engine->store, SB_DEFAULT_COLLECTION, embedder.name, embedder.dim, &row, error);
  if (status != SB_OK && status != SB_EXISTS) return status;
  return sb_store_collection_find(engine->store, SB_DEFAULT_COLLECTION, out, error);
}

sb_status sb_engine_collection(sb_engine *engine, const char *name, bool create, sb_store_collection *out,
                               sb_error *error) {
  if (!name) name = SB_DEFAULT_COLLECTION;
  sb_status status = check_access(name, error);
  if (status != SB_OK) return status;
  status = sb_store_collection_find(engine->store, name, out, error);
  if (status != SB_NOT_FOUND || strcmp(name, SB_DEFAULT_COLLECTION) != 0) return status;
  if (create) return add_default(engine, out, error);
  *out = (sb_store_collection){.info.name = SB_DEFAULT_COLLECTION};
  return SB_OK;
}

sb_status sb_engine_find_person(sb_engine *engine, const char *name, const char *id, sb_store_collection *collection,
                                int64_t *row, sb_people **out, sb_error *error) {
  sb_store_collection local;
  if (!collection) collection = &local;
  sb_status status = sb_text_check(id, SB_ID_MAX, "id", error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, name, false, collection, error);
  return status == SB_OK ? sb_store_person_find(engine->store, collection->row, id, row, out, error) : status;
}

sb_status sb_engine_enter_person(sb_engine *engine, const char *name, const char *id, int64_t *row, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_find_person(engine, name, id, NULL, row, NULL, error);
  if (status != SB_OK) sb_engine_leave(engine);
  return status;
}

/* ---- Public */

static sb_status read_model(sb_engine *engine, const char *name, char model[64], sb_error *error) {
  sb_store_collection collection;
  sb_embedder embedder;
  sb_status status = sb_engine_collection(engine, name, false, &collection, error);
  if (status != SB_OK) return status;
  if (collection.row) return snprintf(model, 64, "%s", collection.info.model), SB_OK;
  status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status == SB_OK) snprintf(model, 64, "%s", embedder.name);
  return status;
}

sb_status sb_engine_collection_model(sb_engine *engine, const char *name, char model[64], sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = read_model(engine, name, model, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_collection_check(sb_engine *engine, const char *name, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, name, false, &collection, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status list(sb_engine *engine, sb_collection **out, size_t *count, sb_error *error) {
  sb_store_collection *rows = NULL;
  size_t found = 0, visible = 0;
  sb_status status = sb_store_collections(engine->store, &rows, &found, error);
  if (status != SB_OK) return status;
  sb_collection *items = sb_alloc(found, sizeof *items, error);
  for (size_t i = 0; items && i < found; i++)
    if (in_scope(rows[i].info.name)) items[visible++] = rows[i].info;
  free(rows);
  if (!items) return SB_NO_MEMORY;
  *out = items;
  *count = visible;
  return SB_OK;
}

sb_status sb_engine_collections(sb_engine *engine, sb_collection **out, size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = list(engine, out, count, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status create(sb_engine *engine, const char *name, const char *model, sb_error *error) {
  sb_embedder embedder;
  int64_t row = 0;
  sb_status status = check_access(name, error);
  if (status != SB_OK) return status;
  status = sb_engine_embedder(engine, model, &embedder, error);
  if (status != SB_OK) return status;
  return sb_store_collection_add(engine->store, name, embedder.name, embedder.dim, &row, error);
}

sb_status sb_engine_collection_create(sb_engine *engine, const char *name, const char *model, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = create(engine, name, model, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status delete (sb_engine *engine, const char *name, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_collection(engine, name, false, &collection, error);
  if (status != SB_OK) return status;
  bool removable = strcmp(collection.info.name, SB_DEFAULT_COLLECTION) != 0; /* the default one is emptied */
  if (collection.row) status = sb_store_collection_delete(engine->store, collection.row, removable, error);
  if (status == SB_OK) sb_collection_indexes_sync_deleted(engine->indexes);
  return status;
}

sb_status sb_engine_collection_delete(sb_engine *engine, const char *name, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = delete (engine, name, error);
  sb_engine_leave(engine);
  return status;
}
