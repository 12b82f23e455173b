/* Public: people. A public verb enters the engine, and leaves the work to a function that may return early. */
#include "engine/collection_indexes.h"
#include "engine/different.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_engine_check_terms(const char *consent, const char *purpose, sb_error *error) {
  sb_status status = SB_OK;
  if (consent && *consent) status = sb_text_check(consent, SB_CONSENT_MAX, "consent", error);
  if (status == SB_OK && purpose && *purpose) status = sb_text_check(purpose, SB_CONSENT_MAX, "purpose", error);
  return status;
}

/* ---- Reading */

static sb_status list(sb_engine *engine, const sb_list_request *request, sb_people **out, sb_error *error) {
  enum { LIMIT_DEFAULT = 100 };
  sb_store_collection collection;
  sb_status status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status != SB_OK) return status;
  const sb_store_listing listing = {.collection = collection.row,
                                    .query = request->query,
                                    .offset = request->offset,
                                    .limit = request->limit ? request->limit : LIMIT_DEFAULT,
                                    .order = request->order,
                                    .after = request->after,
                                    .after_name = request->after_name,
                                    .thumbnails = request->thumbnails && engine->thumbnails};
  sb_people *found = NULL;
  status = sb_store_people(engine->store, &listing, &found, error);
  if (status != SB_OK) return status;
  const sb_audit_event event = {"list", collection.row, 0, (int64_t)found->count};
  status = sb_engine_audit_event(engine, &event, error);
  if (status == SB_OK)
    *out = found;
  else
    sb_people_free(found);
  return status;
}

sb_status sb_engine_list(sb_engine *engine, const sb_list_request *request, sb_people **out, sb_error *error) {
  enum { LIMIT_MAX = 1000 };
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->limit > LIMIT_MAX)
    return sb_fail(error, SB_INVALID, "at most %d people can be listed at once", LIMIT_MAX);
  if (request->after < 0 || request->offset > INT64_MAX) return sb_fail(error, SB_INVALID, "there is no such page");
  if (request->after && request->order == SB_ORDER_NAME && !request->after_name)
    return sb_fail(error, SB_INVALID, "a list by name continues after a name: after_name is missing");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = list(engine, request, out, error);
  sb_engine_leave(engine);
  return status;
}

/* Hands a person out, with the audit entry that somebody saw it. Takes `people` over, also when it fails. */
static sb_status show(sb_engine *engine, const sb_store_collection *collection, int64_t row, sb_people *people,
                      sb_people **out, sb_error *error) {
  sb_status status = sb_engine_audit_event(engine, &(sb_audit_event){"show", collection->row, row, 1}, error);
  if (status == SB_OK)
    *out = people;
  else
    sb_people_free(people);
  return status;
}

sb_status sb_engine_get(sb_engine *engine, const char *collection, const char *id, sb_people **out, sb_error *error) {
  sb_store_collection found;
  sb_people *people = NULL;
  int64_t row = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_find_person(engine, collection, id, &found, &row, &people, error);
  if (status == SB_OK) status = show(engine, &found, row, people, out, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Adding */

static sb_status add(sb_engine *engine, const char *name_of_collection, sb_store_enrollment *person, sb_error *error) {
  sb_store_collection collection;
  int64_t row = 0;
  sb_status status = sb_text_check(person->id, SB_ID_MAX, "id", error);
  if (status != SB_OK) return status;
  status = sb_text_check(person->name, SB_NAME_MAX, "name", error);
  if (status != SB_OK) return status;
  status = sb_engine_check_terms(person->consent, NULL, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, name_of_collection, true, &collection, error);
  person->collection = collection.row;
  return status == SB_OK ? sb_store_enroll(engine->store, person, &row, NULL, error) : status;
}

sb_status sb_engine_add(sb_engine *engine, const char *collection, const char *id, const char *name,
                        const char *consent, sb_error *error) {
  sb_store_enrollment person = {.id = id, .name = name, .consent = consent};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = add(engine, collection, &person, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Changing */

static sb_status change_person(sb_engine *engine, const char *name, const char *id, const sb_store_person_edit *change,
                               sb_people **out, sb_error *error) {
  sb_store_collection collection;
  int64_t row = 0;
  sb_status status = change->name ? sb_text_check(change->name, SB_NAME_MAX, "name", error) : SB_OK;
  if (status == SB_OK && change->new_id) status = sb_text_check(change->new_id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_engine_check_terms(change->terms.consent, change->terms.purpose, error);
  if (status != SB_OK) return status;
  status = sb_engine_find_person(engine, name, id, &collection, &row, NULL, error);
  if (status != SB_OK) return status;
  status = sb_store_person_change(engine->store, row, change, error);
  if (status != SB_OK || !out) return status;
  sb_people *people = NULL;
  status = sb_store_person_get(engine->store, row, &people, error);
  return status == SB_OK ? show(engine, &collection, row, people, out, error) : status;
}

sb_status sb_engine_person_change(sb_engine *engine, const char *collection, const char *id,
                                  const sb_store_person_edit *change, sb_people **out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = change_person(engine, collection, id, change, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_rename(sb_engine *engine, const char *collection, const char *id, const char *name,
                           sb_error *error) {
  sb_status status = sb_text_check(name, SB_NAME_MAX, "name", error); /* NULL is refused, too */
  if (status != SB_OK) return status;
  return sb_engine_person_change(engine, collection, id, &(sb_store_person_edit){.name = name}, NULL, error);
}

sb_status sb_engine_change_id(sb_engine *engine, const char *collection, const char *id, const char *new_id,
                              sb_error *error) {
  sb_status status = sb_text_check(new_id, SB_ID_MAX, "id", error);
  if (status != SB_OK) return status;
  return sb_engine_person_change(engine, collection, id, &(sb_store_person_edit){.new_id = new_id}, NULL, error);
}

sb_status sb_engine_describe(sb_engine *engine, const char *collection, const char *id, unsigned which,
                             const sb_attributes *attributes, sb_error *error) {
  const sb_store_person_edit change = {.describe = which, .attributes = attributes};
  return sb_engine_person_change(engine, collection, id, &change, NULL, error);
}

sb_status sb_engine_set_terms(sb_engine *engine, const char *collection, const char *id, const char *consent,
                              const char *purpose, int64_t expires_ms, sb_error *error) {
  const sb_store_person_edit change = {
      .terms = {.consent = consent, .purpose = purpose, .set_expires = expires_ms >= 0, .expires_ms = expires_ms}};
  return sb_engine_person_change(engine, collection, id, &change, NULL, error);
}

/* ---- Merging */

static sb_status merge(sb_engine *engine, const char *name, const char *into, const char *from, size_t *faces,
                       sb_error *error) {
  sb_store_collection collection;
  int64_t row = 0, other = 0;
  sb_status status = sb_engine_find_person(engine, name, into, &collection, &row, NULL, error);
  if (status != SB_OK) return status;
  status = sb_text_check(from, SB_ID_MAX, "id", error);
  if (status != SB_OK) return status;
  status = sb_store_person_find(engine->store, collection.row, from, &other, NULL, error);
  if (status != SB_OK) return status;
  if (row == other) return sb_fail(error, SB_INVALID, "a person cannot be merged with itself");
  status = sb_engine_different_check(engine, collection.row, row, other, error);
  if (status != SB_OK) return status;
  status = sb_store_person_merge(engine->store, row, other, faces, error);
  return status == SB_OK ? sb_collection_indexes_sync(engine->indexes, error) : status;
}

sb_status sb_engine_merge(sb_engine *engine, const char *collection, const char *into, const char *from, size_t *faces,
                          sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = merge(engine, collection, into, from, faces, error);
  sb_engine_leave(engine);
  return status;
}
