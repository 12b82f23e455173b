/* Public: erasure of a person with its signed receipt, and of everybody whose retention period has ended. */
#include "engine/collection_indexes.h"
#include "engine/internal.h"

#include <string.h>

static sb_status erase_row(sb_engine *engine, int64_t row, sb_erasure *out, sb_error *error) {
  sb_audit_receipt receipt;
  size_t faces = 0;
  sb_status status = sb_store_person_delete(engine->store, row, &faces, &receipt, error);
  if (status != SB_OK) return status;
  sb_collection_indexes_sync_deleted(engine->indexes);
  if (!out) return SB_OK;
  *out = (sb_erasure){.faces = faces,
                      .sequence = receipt.entry.sequence,
                      .at_ms = receipt.entry.at_ms,
                      .collection = receipt.entry.collection,
                      .person = receipt.entry.person,
                      .log_pending = sb_store_log_pending(engine->store)};
  memcpy(out->actor, receipt.entry.actor, sizeof out->actor);
  memcpy(out->before, receipt.before, sizeof out->before);
  memcpy(out->link, receipt.link, sizeof out->link);
  memcpy(out->signature, receipt.signature, sizeof out->signature);
  memcpy(out->public_key, receipt.public_key, sizeof out->public_key);
  return SB_OK;
}

sb_status sb_engine_erase(sb_engine *engine, const char *collection, const char *id, sb_erasure *out, sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_engine_enter_person(engine, collection, id, &row, error);
  if (status != SB_OK) return status;
  status = erase_row(engine, row, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_delete(sb_engine *engine, const char *collection, const char *id, size_t *faces, sb_error *error) {
  sb_erasure erasure = {0};
  sb_status status = sb_engine_erase(engine, collection, id, &erasure, error);
  if (status == SB_OK && faces) *faces = erasure.faces;
  return status;
}

sb_status sb_engine_delete_without_faces(sb_engine *engine, const char *collection, const char *id, sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_engine_enter_person(engine, collection, id, &row, error);
  if (status != SB_OK) return status == SB_NOT_FOUND ? SB_OK : status;
  status = sb_store_person_delete_without_faces(engine->store, row, error);
  sb_engine_leave(engine);
  return status;
}

/* Another process may erase the same person first: that is no failure. */
static sb_status erase_expired(sb_engine *engine, size_t *erased, sb_error *error) {
  int64_t now = sb_now_ms();
  for (;;) {
    int64_t row = 0;
    sb_status status = sb_store_person_expired(engine->store, now, &row, error);
    if (status != SB_OK || !row) return status;
    status = erase_row(engine, row, NULL, error);
    if (status != SB_OK && status != SB_NOT_FOUND) return status;
    ++*erased;
  }
}

sb_status sb_engine_expire(sb_engine *engine, size_t *erased, sb_error *error) {
  size_t count = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_purge_pending(engine->store, error);
  if (status == SB_OK) status = erase_expired(engine, &count, error);
  if (status == SB_OK) *erased = count;
  sb_engine_leave(engine);
  return status;
}

/* Another process may erase the same person first: that is no failure. */
static sb_status erase_people(sb_engine *engine, int64_t collection, const sb_people *people, size_t *erased,
                              sb_error *error) {
  for (size_t i = 0; i < people->count; i++) {
    int64_t row = 0;
    sb_status status = sb_store_person_find(engine->store, collection, people->items[i].id, &row, NULL, error);
    if (status == SB_OK) status = sb_store_person_delete(engine->store, row, NULL, NULL, error);
    if (status != SB_OK && status != SB_NOT_FOUND) return status;
    *erased += status == SB_OK;
  }
  return SB_OK;
}

static sb_status erase_everybody(sb_engine *engine, const char *name, size_t *erased, sb_error *error) {
  enum { PAGE = 1000 };
  sb_store_collection collection;
  sb_status status = sb_engine_collection(engine, name, false, &collection, error);
  if (status != SB_OK) return status;
  const sb_store_listing first_page = {.collection = collection.row, .limit = PAGE};
  for (size_t found = 1; status == SB_OK && found;) {
    sb_people *people = NULL;
    status = sb_store_people(engine->store, &first_page, &people, error);
    if (status != SB_OK) break;
    found = people->count;
    status = erase_people(engine, collection.row, people, erased, error);
    sb_people_free(people);
  }
  /* What was erased leaves memory, too, also when not all could be. */
  sb_collection_indexes_sync_deleted(engine->indexes);
  return status;
}

sb_status sb_engine_people_delete(sb_engine *engine, const char *collection, size_t *people, sb_error *error) {
  size_t erased = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = erase_everybody(engine, collection, &erased, error);
  if (status == SB_OK) *people = erased;
  sb_engine_leave(engine);
  return status;
}
