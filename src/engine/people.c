/* Public: people and collections. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

static sb_status check_collection_name(const char *name, sb_error *error) {
  size_t length = strlen(name);
  if (length >= 1 && length <= SB_COLLECTION_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length)
    return SB_OK;
  return sb_fail(error, SB_INVALID, "a collection's name is 1 to %d of a-z, 0-9, _ and -", SB_COLLECTION_MAX);
}

static bool in_scope(const char *name) {
  const char *only = sb_actor_get()->collection;
  return !*only || !strcmp(only, name);
}

/* Every verb reaches people through a collection that is looked up here, whatever dialect asked. */
static sb_status check_scope(const char *name, sb_error *error) {
  return in_scope(name) ? SB_OK : sb_fail(error, SB_FORBIDDEN, "this key is for another collection");
}

static sb_status add_default(sb_engine *engine, sb_store_collection *out, sb_error *error) {
  sb_embedder embedder;
  int64_t row = 0;
  sb_status status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status == SB_OK)
    status = sb_store_collection_add(engine->store, SB_DEFAULT_COLLECTION, embedder.name, embedder.dim, &row, error);
  if (status == SB_OK || status == SB_EXISTS) /* another thread or process may have been faster */
    status = sb_store_collection_find(engine->store, SB_DEFAULT_COLLECTION, out, error);
  return status;
}

sb_status sb_engine_collection(sb_engine *engine, const char *name, bool create, sb_store_collection *out,
                               sb_error *error) {
  if (!name) name = SB_DEFAULT_COLLECTION;
  sb_status status = check_collection_name(name, error);
  if (status == SB_OK) status = check_scope(name, error);
  if (status == SB_OK) status = sb_store_collection_find(engine->store, name, out, error);
  if (status != SB_NOT_FOUND || strcmp(name, SB_DEFAULT_COLLECTION)) return status;
  if (create) return add_default(engine, out, error);
  *out = (sb_store_collection){.info.name = SB_DEFAULT_COLLECTION};
  return SB_OK;
}

sb_status sb_engine_find_person(sb_engine *engine, const char *collection, const char *id, int64_t *row,
                                sb_people **out, sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_text_check(id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_engine_collection(engine, collection, false, &shelf, error);
  return status == SB_OK ? sb_store_person_find(engine->store, shelf.row, id, row, out, error) : status;
}

sb_status sb_engine_list(sb_engine *engine, const sb_list_request *request, sb_people **out, sb_error *error) {
  enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };
  sb_store_collection collection;
  sb_people *found = NULL;
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->limit > LIMIT_MAX)
    return sb_fail(error, SB_INVALID, "at most %d people can be listed at once", LIMIT_MAX);
  if (request->after < 0 || request->offset > INT64_MAX) return sb_fail(error, SB_INVALID, "there is no such page");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status == SB_OK) {
    sb_store_listing listing = {.collection = collection.row,
                                .query = request->query,
                                .offset = request->offset,
                                .limit = request->limit ? request->limit : LIMIT_DEFAULT,
                                .order = request->order,
                                .after = request->after,
                                .thumbnails = request->thumbnails && engine->thumbnails};
    status = sb_store_people(engine->store, &listing, &found, error);
  }
  if (status == SB_OK)
    status =
        sb_audit_record(engine->store, &(sb_audit_event){"list", collection.row, 0, (int64_t)found->count}, 1, error);
  if (status == SB_OK)
    *out = found;
  else
    sb_people_free(found);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_get(sb_engine *engine, const char *collection, const char *id, sb_people **out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  int64_t row = 0;
  sb_people *found = NULL;
  status = sb_engine_find_person(engine, collection, id, &row, &found, error);
  if (status == SB_OK) status = sb_engine_note(engine, "show", collection, row, 1, error);
  if (status == SB_OK)
    *out = found;
  else
    sb_people_free(found);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_add(sb_engine *engine, const char *collection, const char *id, const char *name,
                        const char *consent, sb_error *error) {
  sb_store_collection shelf;
  int64_t person = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_text_check(id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_text_check(name, SB_NAME_MAX, "name", error);
  if (status == SB_OK && consent && *consent) status = sb_text_check(consent, SB_CONSENT_MAX, "consent", error);
  if (status == SB_OK) status = sb_engine_collection(engine, collection, true, &shelf, error);
  sb_store_enrollment enrollment = {.id = id, .name = name, .consent = consent};
  if (status == SB_OK) {
    enrollment.collection = shelf.row;
    status = sb_store_enroll(engine->store, &enrollment, &person, NULL, error);
  }
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_change_id(sb_engine *engine, const char *collection, const char *id, const char *new_id,
                              sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_text_check(new_id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_engine_find_person(engine, collection, id, &row, NULL, error);
  if (status == SB_OK) status = sb_store_person_change_id(engine->store, row, new_id, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_merge(sb_engine *engine, const char *collection, const char *into, const char *from, size_t *faces,
                          sb_error *error) {
  int64_t row = 0, other = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_find_person(engine, collection, into, &row, NULL, error);
  if (status == SB_OK) status = sb_engine_find_person(engine, collection, from, &other, NULL, error);
  if (status == SB_OK && row == other) status = sb_fail(error, SB_INVALID, "a person cannot be merged with itself");
  if (status == SB_OK) status = sb_store_person_merge(engine->store, row, other, faces, error);
  if (status == SB_OK) status = sb_gallery_sync(engine->gallery, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_rename(sb_engine *engine, const char *collection, const char *id, const char *name,
                           sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_text_check(name, SB_NAME_MAX, "name", error);
  if (status == SB_OK) status = sb_engine_find_person(engine, collection, id, &row, NULL, error);
  if (status == SB_OK) status = sb_store_person_rename(engine->store, row, name, error);
  sb_engine_leave(engine);
  return status;
}

static void replace_some(sb_attributes *held, unsigned which, const sb_attributes *given) {
  if (which & SB_DESCRIBE_AGE) held->age = given->age;
  if (which & SB_DESCRIBE_GENDER) held->man = given->man, held->woman = given->woman;
  if (which & SB_DESCRIBE_ETHNICITY) {
    memcpy(held->ethnicity, given->ethnicity, sizeof held->ethnicity);
    held->ethnicity_dominant = given->ethnicity_dominant;
  }
}

sb_status sb_engine_describe(sb_engine *engine, const char *collection, const char *id, unsigned which,
                             const sb_attributes *attributes, sb_error *error) {
  int64_t row = 0;
  sb_people *people = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_find_person(engine, collection, id, &row, &people, error);
  if (status == SB_OK) {
    const sb_person *person = &people->items[0];
    sb_attributes held = {.age = -1, .man = -1, .woman = -1};
    for (int i = 0; i < SB_ETHNICITIES; i++) held.ethnicity[i] = -1;
    if (person->has_attributes) held = person->attributes;
    replace_some(&held, which, attributes);
    status = sb_store_person_set_attributes(engine->store, row, &held, error);
  }
  sb_people_free(people);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_collections(sb_engine *engine, sb_collection **out, size_t *count, sb_error *error) {
  sb_store_collection *rows = NULL;
  size_t found = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_collections(engine->store, &rows, &found, error);
  sb_collection *list = status == SB_OK ? sb_alloc(found, sizeof *list, error) : NULL;
  if (status == SB_OK && !list) status = SB_NO_MEMORY;
  size_t kept = 0;
  for (size_t i = 0; status == SB_OK && i < found; i++)
    if (in_scope(rows[i].info.name)) list[kept++] = rows[i].info;
  free(rows);
  if (status == SB_OK) *out = list, *count = kept;
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_collection_create(sb_engine *engine, const char *name, const char *model, sb_error *error) {
  sb_embedder embedder;
  int64_t row = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = check_collection_name(name, error);
  if (status == SB_OK) status = check_scope(name, error);
  if (status == SB_OK) status = sb_engine_embedder(engine, model, &embedder, error);
  if (status == SB_OK) status = sb_store_collection_add(engine->store, name, embedder.name, embedder.dim, &row, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_collection_delete(sb_engine *engine, const char *name, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, name, false, &collection, error);
  if (status == SB_OK && collection.row)
    status = sb_store_collection_delete(engine->store, collection.row,
                                        strcmp(collection.info.name, SB_DEFAULT_COLLECTION) != 0, error);
  if (status == SB_OK) status = sb_gallery_sync(engine->gallery, error);
  sb_engine_leave(engine);
  return status;
}
