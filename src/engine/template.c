/* Enrolment of a template that was made elsewhere: no photo is looked at. */
#include "engine/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static sb_status check_template(const sb_template_request *request, const sb_store_collection *shelf, float *unit,
                                sb_error *error) {
  if (request->dim != shelf->info.dim)
    return sb_fail(error, SB_INVALID, "vector length: the collection's templates have %zu elements, this one has %zu",
                   shelf->info.dim, request->dim);
  memcpy(unit, request->vector, request->dim * sizeof *unit);
  for (size_t i = 0; i < request->dim; i++)
    if (!isfinite(unit[i])) return sb_fail(error, SB_INVALID, "vector element %zu: it is not a finite number", i + 1);
  if (sb_normalize(unit, request->dim) > 0) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element: all are zero; a template has a direction");
}

static sb_status enroll(sb_engine *engine, const sb_template_request *request, sb_error *error) {
  sb_store_collection shelf;
  int64_t person = 0, face = 0;
  sb_status status = sb_text_check(request->id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_text_check(request->name, SB_NAME_MAX, "name", error);
  if (status == SB_OK) status = sb_engine_collection(engine, request->collection, true, &shelf, error);
  if (status != SB_OK) return status;
  float *unit = sb_alloc(request->dim, sizeof *unit, error);
  if (!unit) return SB_NO_MEMORY;
  /* The digest of the numbers takes the photo's place: the same template twice is known as such. */
  sb_store_face stored = {.embedding = unit, .attributes = request->attributes};
  status = check_template(request, &shelf, unit, error);
  if (status == SB_OK) status = sb_crypto_sha256(unit, request->dim * sizeof *unit, stored.source, error);
  if (status == SB_OK) {
    sb_store_enrollment enrollment = {
        .collection = shelf.row, .id = request->id, .name = request->name, .faces = &stored, .face_count = 1};
    status = sb_store_enroll(engine->store, &enrollment, &person, &face, error);
  }
  sb_wipe(unit, request->dim * sizeof *unit);
  free(unit);
  return status;
}

sb_status sb_engine_enroll_template(sb_engine *engine, const sb_template_request *request, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = enroll(engine, request, error);
  sb_engine_leave(engine);
  return status;
}
