/* Public: erasure of a person with its signed receipt, and of everybody whose retention period has ended. */
#include "engine/collection_indexes.h"
#include "engine/internal.h"

#include <string.h>

static sb_status erase_row(sb_engine *engine, int64_t row, sb_erasure *out, sb_error *error) {
  sb_audit_receipt receipt;
  size_t faces = 0;
  sb_status status = sb_store_person_delete(engine->store, row, &faces, &receipt, error);
  if (status == SB_OK) status = sb_collection_indexes_sync(engine->indexes, error);
  if (status != SB_OK || !out) return status;
  *out = (sb_erasure){.faces = faces,
                      .sequence = receipt.entry.sequence,
                      .at_ms = receipt.entry.at_ms,
                      .collection = receipt.entry.collection,
                      .person = receipt.entry.person};
  memcpy(out->actor, receipt.entry.actor, sizeof out->actor);
  memcpy(out->before, receipt.before, sizeof out->before);
  memcpy(out->link, receipt.link, sizeof out->link);
  memcpy(out->signature, receipt.signature, sizeof out->signature);
  memcpy(out->public_key, receipt.public_key, sizeof out->public_key);
  return SB_OK;
}

sb_status sb_engine_erase(sb_engine *engine, const char *collection, const char *id, sb_erasure *out, sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_find_person(engine, collection, id, NULL, &row, NULL, error);
  if (status == SB_OK) status = erase_row(engine, row, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_delete(sb_engine *engine, const char *collection, const char *id, size_t *faces, sb_error *error) {
  sb_erasure erasure = {0};
  sb_status status = sb_engine_erase(engine, collection, id, &erasure, error);
  if (status == SB_OK && faces) *faces = erasure.faces;
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
  status = erase_expired(engine, &count, error);
  if (status == SB_OK) *erased = count;
  sb_engine_leave(engine);
  return status;
}
