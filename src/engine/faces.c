/* Public: stored faces, one by one. A face has a number that is never used twice; its photo is not stored. */
#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/flow.h"
#include "engine/internal.h"
#include "engine/live_person.h"
#include "engine/verdict.h"

#include <stdlib.h>

static sb_status list(sb_engine *engine, const char *name, const char *id, size_t offset, size_t limit,
                      sb_kept_faces **out, sb_error *error) {
  sb_store_collection collection;
  int64_t person = 0;
  sb_status status = id ? sb_engine_find_person(engine, name, id, &collection, &person, NULL, error)
                        : sb_engine_collection(engine, name, false, &collection, error);
  if (status != SB_OK) return status;
  return sb_store_faces(engine->store, collection.row, person, offset, limit, out, error);
}

sb_status sb_engine_faces(sb_engine *engine, const char *collection, const char *id, size_t offset, size_t limit,
                          sb_kept_faces **out, sb_error *error) {
  enum { LIMIT_MAX = 1000 };
  if (!limit || limit > LIMIT_MAX || offset > INT64_MAX)
    return sb_fail(error, SB_INVALID, "1 to %d faces can be listed at once", LIMIT_MAX);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = list(engine, collection, id, offset, limit, out, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Erasing */

/* The id of the person whose face it is, in a collection that the actor may use. */
static sb_status find_owner(sb_engine *engine, const char *name, int64_t face, sb_store_collection *collection,
                            char **id, sb_error *error) {
  sb_status status = sb_engine_collection(engine, name, false, collection, error);
  return status == SB_OK ? sb_store_face_owner(engine->store, collection->row, face, id, error) : status;
}

static sb_status erase_face(sb_engine *engine, const char *name, int64_t face, char **owner, sb_error *error) {
  sb_store_collection collection;
  sb_status status = find_owner(engine, name, face, &collection, owner, error);
  if (status != SB_OK) return status;
  status = sb_store_face_delete(engine->store, face, error);
  if (status == SB_OK) sb_collection_indexes_sync_deleted(engine->indexes);
  return status;
}

sb_status sb_engine_face_delete(sb_engine *engine, const char *collection, int64_t face, char **id, sb_error *error) {
  char *owner = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = erase_face(engine, collection, face, &owner, error);
  if (status == SB_OK && id)
    *id = owner;
  else
    free(owner);
  sb_engine_leave(engine);
  return status;
}

static sb_status erase_own(sb_engine *engine, const char *name, const char *id, int64_t face, sb_error *error) {
  sb_store_collection collection;
  sb_store_face_row row;
  int64_t person = 0;
  size_t count = 0;
  sb_status status = sb_engine_find_person(engine, name, id, &collection, &person, NULL, error);
  if (status != SB_OK) return status;
  const sb_store_face_query query = {collection.row, person, .after = face - 1, .limit = 1};
  status = sb_store_face_rows(engine->store, &query, &row, &count, error);
  if (status != SB_OK) return status;
  if (!count || row.face != face) return sb_fail(error, SB_NOT_FOUND, "the person has no face of this number");
  status = sb_store_face_delete(engine->store, face, error);
  if (status == SB_OK) sb_collection_indexes_sync_deleted(engine->indexes);
  return status;
}

sb_status sb_engine_person_face_delete(sb_engine *engine, const char *collection, const char *id, int64_t face,
                                       sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = erase_own(engine, collection, id, face, error);
  sb_engine_leave(engine);
  return status;
}

/* Another process may erase a face first: that is no failure. */
static sb_status erase_rows(sb_engine *engine, const sb_store_face_row *rows, size_t count, size_t *erased,
                            sb_error *error) {
  for (size_t i = 0; i < count; i++) {
    sb_status status = sb_store_face_delete(engine->store, rows[i].face, error);
    if (status != SB_OK && status != SB_NOT_FOUND) return status;
    *erased += status == SB_OK;
  }
  return SB_OK;
}

static sb_status erase_all(sb_engine *engine, const char *name, const char *id, size_t *erased, sb_error *error) {
  enum { PAGE = 256 };
  sb_store_collection collection;
  sb_store_face_row rows[PAGE];
  int64_t person = 0;
  size_t count = 0;
  sb_status status = sb_engine_find_person(engine, name, id, &collection, &person, NULL, error);
  if (status != SB_OK) return status;
  sb_store_face_query query = {collection.row, person, .limit = PAGE};
  do {
    if (count) query.after = rows[count - 1].face;
    status = sb_store_face_rows(engine->store, &query, rows, &count, error);
    if (status == SB_OK) status = erase_rows(engine, rows, count, erased, error);
  } while (status == SB_OK && count);
  /* What was erased leaves memory, too, also when not all could be. */
  sb_collection_indexes_sync_deleted(engine->indexes);
  return status;
}

sb_status sb_engine_person_faces_delete(sb_engine *engine, const char *collection, const char *id, size_t *faces,
                                        sb_error *error) {
  size_t erased = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = erase_all(engine, collection, id, &erased, error);
  if (status == SB_OK) *faces = erased;
  sb_engine_leave(engine);
  return status;
}

/* ---- Comparing a photo with a stored face */

static sb_status compare(sb_engine *engine, const sb_store_collection *collection, int64_t face, sb_photo photo,
                         sb_comparison *out, sb_error *error) {
  sb_embedder embedder;
  sb_status status = sb_engine_collection_embedder(engine, collection, &embedder, error);
  if (status != SB_OK) return status;
  float *stored = sb_alloc(embedder.dim, sizeof *stored, error);
  if (!stored) return SB_NO_MEMORY;
  status = sb_store_face_template(engine->store, face, embedder.dim, stored, error);
  if (status == SB_OK)
    status = sb_flow_verify_stored(engine, collection->info.name, &embedder, stored, photo, out, error);
  sb_wipe(stored, embedder.dim * sizeof *stored);
  free(stored);
  return status;
}

/* The child rule by what is stored about the person. */
static sb_status apply_stored_age(sb_engine *engine, int64_t row, sb_comparison *out, sb_error *error) {
  sb_person person;
  if (out->verdict != SB_VERDICT_MATCH) return SB_OK;
  sb_status status = sb_store_person_summary(engine->store, row, &person, error);
  if (status != SB_OK) return status;
  if (sb_child_person(engine, person.has_attributes, &person.attributes))
    out->verdict = SB_VERDICT_UNSURE, out->reason = SB_REASON_CHILD;
  free(person.id);
  free(person.name);
  return SB_OK;
}

static sb_status verify(sb_engine *engine, const char *name, int64_t face, sb_photo photo, sb_comparison *out,
                        char **owner, sb_error *error) {
  sb_store_collection collection;
  int64_t person = 0;
  sb_status status = find_owner(engine, name, face, &collection, owner, error);
  if (status != SB_OK) return status;
  status = compare(engine, &collection, face, photo, out, error);
  if (status != SB_OK) return status;
  status = sb_store_person_find(engine->store, collection.row, *owner, &person, NULL, error);
  if (status != SB_OK) return status;
  status = apply_stored_age(engine, person, out, error);
  if (status != SB_OK) return status;
  return sb_engine_audit_verdict(engine, &(sb_audit_event){"verify", collection.row, person, 1}, error);
}

sb_status sb_engine_verify_kept(sb_engine *engine, const char *collection, int64_t face, sb_photo photo,
                                sb_comparison *out, char **id, sb_error *error) {
  char *owner = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_live_required(engine, NULL, error);
  if (status == SB_OK) status = verify(engine, collection, face, photo, out, &owner, error);
  if (status == SB_OK && id)
    *id = owner;
  else
    free(owner);
  sb_engine_leave(engine);
  return status;
}
