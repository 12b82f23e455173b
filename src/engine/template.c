/* Enrolment of a template that was made elsewhere, by the collection's model: no photo is involved. */
#include "engine/internal.h"
#include "engine/live_person.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_engine_template_unit(const float *vector, size_t given, size_t dim, float *unit, sb_error *error) {
  if (given != dim)
    return sb_fail(error, SB_INVALID, "vector length: the collection's templates have %zu elements, this one has %zu",
                   dim, given);
  memcpy(unit, vector, dim * sizeof *unit);
  for (size_t i = 0; i < dim; i++)
    if (!isfinite(unit[i])) return sb_fail(error, SB_INVALID, "vector element %zu: it is not a finite number", i + 1);
  if (sb_normalize(unit, dim) > 0) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element: all are zero; a template has a direction");
}

/* The digest of the numbers takes the place of the photo's: the same template is recognised when it comes again. */
static sb_status store_template(sb_engine *engine, const sb_template_request *request, int64_t collection,
                                const float *unit, sb_error *error) {
  int64_t person = 0, face = 0;
  sb_store_face stored = {.embedding = unit, .attributes = request->attributes};
  sb_status status = sb_crypto_sha256(unit, request->dim * sizeof *unit, stored.source, error);
  if (status != SB_OK) return status;
  const sb_store_enrollment enrollment = {.collection = collection,
                                          .id = request->id,
                                          .name = request->name,
                                          .faces = &stored,
                                          .face_count = 1,
                                          .may_exist = request->face != 0};
  return sb_store_enroll(engine->store, &enrollment, &person, &face, error);
}

static sb_status enroll_unit(sb_engine *engine, const sb_template_request *request, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_collection(engine, request->collection, true, &collection, error);
  if (status != SB_OK) return status;
  float *unit = sb_alloc(request->dim, sizeof *unit, error);
  if (!unit) return SB_NO_MEMORY;
  status = sb_engine_template_unit(request->vector, request->dim, collection.info.dim, unit, error);
  if (status == SB_OK) status = store_template(engine, request, collection.row, unit, error);
  sb_wipe(unit, request->dim * sizeof *unit);
  free(unit);
  return status;
}

static sb_status enroll(sb_engine *engine, const sb_template_request *request, sb_error *error) {
  sb_status status = sb_engine_live_required(engine, NULL, error);
  if (status == SB_OK) status = sb_text_check(request->id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_text_check(request->name, SB_NAME_MAX, "name", error);
  return status == SB_OK ? enroll_unit(engine, request, error) : status;
}

static sb_status replace(sb_engine *engine, const sb_template_request *request, sb_error *error) {
  sb_store_collection collection;
  sb_template_request addition = *request;
  char *id = NULL;
  sb_status status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status == SB_OK) status = sb_store_face_owner(engine->store, collection.row, request->face, &id, error);
  if (status != SB_OK) return status;
  addition.id = id;
  addition.name = NULL;
  status = enroll_unit(engine, &addition, error);
  free(id);
  return status == SB_OK ? sb_store_face_delete(engine->store, request->face, error) : status;
}

/* The new template reaches the index with the next sync, which every search begins with. */
sb_status sb_engine_enroll_template(sb_engine *engine, const sb_template_request *request, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = request->face ? replace(engine, request, error) : enroll(engine, request, error);
  sb_engine_leave(engine);
  return status;
}
