/* Verbs for the SQL table over a gallery: each is one call of the store while the engine is open. The actor's scope was
 * checked when the table looked up its collection. */
#include "engine/face_rows.h"

#include "engine/internal.h"

sb_status sb_engine_face_rows(sb_engine *engine, const sb_store_face_query *query, sb_store_face_row *out,
                              size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_face_rows(engine->store, query, out, count, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_face_template(sb_engine *engine, int64_t face, size_t dim, float *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_face_template(engine->store, face, dim, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_face_owner(sb_engine *engine, int64_t collection, int64_t face, char **id, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_face_owner(engine->store, collection, face, id, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_person_by_row(sb_engine *engine, int64_t person, sb_people **out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_person_get(engine->store, person, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_person_row(sb_engine *engine, int64_t collection, const char *id, int64_t *row, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_person_find(engine->store, collection, id, row, NULL, error);
  sb_engine_leave(engine);
  return status;
}
