/* Public: erasure with its receipt, terms, expiry; and what is noted in the audit. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_engine_note(sb_engine *engine, const char *verb, const char *collection, int64_t person, int64_t count,
                         sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_engine_collection(engine, collection, false, &shelf, error);
  return status == SB_OK ? sb_audit_record(engine->store, &(sb_audit_event){verb, shelf.row, person, count}, 1, error)
                         : status;
}

sb_status sb_engine_note_search(sb_engine *engine, const sb_store_collection *collection,
                                const sb_search_result *result, sb_error *error) {
  size_t count = result->count ? result->count : 1; /* a photo without a face was a search, too */
  sb_audit_event *notes = sb_alloc(count, sizeof *notes, error);
  if (!notes) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    notes[i] = (sb_audit_event){"search", collection->row, 0, 0};
    if (i >= result->count) continue;
    const sb_search_face *face = &result->faces[i];
    notes[i].count = (int64_t)face->count;
    if (!face->count || face->candidates[0].verdict != SB_VERDICT_MATCH) continue;
    status =
        sb_store_person_find(engine->store, collection->row, face->candidates[0].id, &notes[i].person, NULL, error);
    if (status == SB_NOT_FOUND) status = SB_OK; /* erased a moment ago */
  }
  if (status == SB_OK) status = sb_audit_record(engine->store, notes, count, error);
  free(notes);
  return status;
}

static sb_status erase_row(sb_engine *engine, int64_t row, sb_erasure *out, sb_error *error) {
  sb_audit_receipt receipt;
  size_t faces = 0;
  sb_status status = sb_store_person_delete(engine->store, row, &faces, &receipt, error);
  if (status == SB_OK) status = sb_gallery_sync(engine->gallery, error);
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
  status = sb_engine_find_person(engine, collection, id, &row, NULL, error);
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

sb_status sb_engine_expire(sb_engine *engine, size_t *erased, sb_error *error) {
  size_t count = 0;
  int64_t row = 0, now = sb_now_ms();
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  do {
    status = sb_store_person_expired(engine->store, now, &row, error);
    if (status != SB_OK || !row) break;
    status = erase_row(engine, row, NULL, error);
    if (status == SB_NOT_FOUND) status = SB_OK; /* another process was faster */
    count += status == SB_OK;
  } while (status == SB_OK);
  if (status == SB_OK) *erased = count;
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_set_terms(sb_engine *engine, const char *collection, const char *id, const char *consent,
                              const char *purpose, int64_t expires_ms, sb_error *error) {
  int64_t row = 0;
  const sb_store_terms terms = {
      .consent = consent, .purpose = purpose, .set_expires = expires_ms >= 0, .expires_ms = expires_ms};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  if (consent && *consent) status = sb_text_check(consent, SB_CONSENT_MAX, "consent", error);
  if (status == SB_OK && purpose && *purpose) status = sb_text_check(purpose, SB_CONSENT_MAX, "purpose", error);
  if (status == SB_OK) status = sb_engine_find_person(engine, collection, id, &row, NULL, error);
  if (status == SB_OK) status = sb_store_person_set_terms(engine->store, row, &terms, error);
  sb_engine_leave(engine);
  return status;
}

void sb_engine_note_access(sb_engine *engine, const char *verb, sb_error *error) {
  sb_error local = {0};
  if (sb_engine_enter(engine, error ? error : &local) != SB_OK) return;
  if (sb_audit_record(engine->store, &(sb_audit_event){verb, 0, 0, 0}, 1, error ? error : &local) != SB_OK)
    sb_log(SB_LOG_ERROR, "a login could not be noted in the audit: %s", error ? error->message : local.message);
  sb_engine_leave(engine);
}

sb_status sb_engine_access(sb_engine *engine, sb_access **out, sb_error *error) {
  return sb_access_open(engine->store, out, error);
}

sb_store *sb_engine_store(sb_engine *engine) {
  return engine->store;
}

sb_status sb_engine_audit(sb_engine *engine, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                          sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_audit_read(engine->store, after, limit, visit, context, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_audit_last(sb_engine *engine, int64_t *sequence, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_audit_last(engine->store, sequence, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_audit_verify(sb_engine *engine, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_audit_verify(engine->store, anchor, out, error);
  sb_engine_leave(engine);
  return status;
}
