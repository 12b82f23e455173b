/* Public: the faces that are kept, one by one. */
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>

sb_status sb_engine_faces(sb_engine *engine, const char *collection, const char *id, size_t offset, size_t limit,
                          sb_kept_faces **out, sb_error *error) {
  enum { LIMIT_MAX = 1000 };
  sb_store_collection shelf;
  int64_t person = 0;
  if (!limit || limit > LIMIT_MAX || offset > INT64_MAX)
    return sb_fail(error, SB_INVALID, "1 to %d faces can be listed at once", LIMIT_MAX);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, collection, false, &shelf, error);
  if (status == SB_OK && id) status = sb_text_check(id, SB_ID_MAX, "id", error);
  if (status == SB_OK && id) status = sb_store_person_find(engine->store, shelf.row, id, &person, NULL, error);
  if (status == SB_OK) status = sb_store_faces(engine->store, shelf.row, person, offset, limit, out, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status find_owner(sb_engine *engine, const char *collection, int64_t face, char **id, sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_engine_collection(engine, collection, false, &shelf, error);
  return status == SB_OK ? sb_store_face_owner(engine->store, shelf.row, face, id, error) : status;
}

sb_status sb_engine_face_delete(sb_engine *engine, const char *collection, int64_t face, char **id, sb_error *error) {
  char *owner = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find_owner(engine, collection, face, &owner, error);
  if (status == SB_OK) status = sb_store_face_delete(engine->store, face, error);
  if (status == SB_OK) status = sb_gallery_sync(engine->gallery, error);
  if (status == SB_OK && id)
    *id = owner;
  else
    free(owner);
  sb_engine_leave(engine);
  return status;
}

static sb_status compare(sb_engine *engine, const char *collection, int64_t face, sb_photo photo, sb_comparison *out,
                         sb_error *error) {
  enum { WANT = SB_WANT_EMBEDDING | SB_WANT_LARGEST_ONLY };
  sb_store_collection shelf;
  sb_embedder embedder;
  sb_faces *faces = NULL;
  sb_status status = sb_engine_collection(engine, collection, false, &shelf, error);
  if (status == SB_OK) status = sb_engine_collection_embedder(engine, &shelf, &embedder, error);
  float *kept = status == SB_OK ? sb_alloc(embedder.dim, sizeof *kept, error) : NULL;
  if (status == SB_OK && !kept) status = SB_NO_MEMORY;
  if (status == SB_OK) status = sb_store_face_template(engine->store, face, embedder.dim, kept, error);
  if (status == SB_OK) status = sb_flow_faces(engine, photo, WANT, embedder.name, &faces, error);
  if (status == SB_OK && !faces->count)
    status = sb_fail(error, SB_NO_FACE, "no face was found; take a photo where the face is larger and well lit");
  if (status == SB_OK) {
    double score = fmin(sb_dot(faces->items[0].embedding, kept, embedder.dim), 1);
    *out = (sb_comparison){.faces[0] = faces->items[0]};
    out->faces[0].embedding = NULL;
    sb_verdict_compare(engine, &embedder, embedder.calibration.default_threshold, score, 1, out);
  }
  if (kept) sb_wipe(kept, embedder.dim * sizeof *kept);
  free(kept);
  sb_faces_free(faces);
  return status;
}

static sb_status note_verify(sb_engine *engine, const char *collection, const char *id, sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_engine_find_person(engine, collection, id, &row, NULL, error);
  return status == SB_OK ? sb_engine_note(engine, "verify", collection, row, 1, error) : status;
}

sb_status sb_engine_verify_kept(sb_engine *engine, const char *collection, int64_t face, sb_photo photo,
                                sb_comparison *out, char **id, sb_error *error) {
  char *owner = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find_owner(engine, collection, face, &owner, error);
  if (status == SB_OK) status = compare(engine, collection, face, photo, out, error);
  if (status == SB_OK) status = note_verify(engine, collection, owner, error);
  if (status == SB_OK && id)
    *id = owner;
  else
    free(owner);
  sb_engine_leave(engine);
  return status;
}
