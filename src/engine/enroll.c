/* Public: enrolment and its rules. */
#include "engine/collection_indexes.h"
#include "engine/flow.h"
#include "engine/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PHOTOS_MAX = 1000, DUPLICATES_LOOKED_AT = 5 };

/* One enrolment in progress; arrays are as long as the request's photos. */
typedef struct enrolment {
  sb_engine *engine;
  const sb_enroll_request *request;
  sb_store_collection collection;
  sb_embedder embedder;
  sb_faces **faces;           /* the one face of each photo that is new, else NULL */
  sb_store_face *store_faces; /* of those that are new, `added` of them */
  sb_thumbnail *thumbnails;   /* where they are kept */
  uint8_t (*digests)[SB_DIGEST_SIZE];
  size_t added, skipped;
  sb_enrolled *result;
} enrolment;

static const char *part_in_words(sb_quality_part part) {
  switch (part) {
  case SB_QUALITY_SIZE: return "the face is too small; come closer or use a larger photo";
  case SB_QUALITY_SHARPNESS: return "the face is blurred; hold still and focus";
  case SB_QUALITY_POSE: return "the face is turned away; look at the camera";
  case SB_QUALITY_EXPOSURE: return "the face is too dark, too bright or without contrast; improve the light";
  case SB_QUALITY_VISIBILITY: return "part of the face is covered or out of the picture";
  }
  return "the face is of poor quality";
}

/* "photo 2: " where there are several. */
static sb_status refuse(const enrolment *e, size_t photo, sb_status status, const char *message, sb_error *error) {
  if (e->request->photo_count == 1) return sb_fail(error, status, "%s", message);
  return sb_fail(error, status, "photo %zu: %s", photo + 1, message);
}

static sb_status check_face(const enrolment *e, size_t photo, const sb_faces *faces, sb_error *error) {
  char message[256];
  if (!faces->count)
    return refuse(e, photo, SB_NO_FACE, "no face was found; take a photo where the face is larger and well lit", error);
  if (faces->count > 1 && !(e->request->flags & SB_ENROLL_LARGEST)) {
    snprintf(message, sizeof message,
             "%zu faces are in the photo; use one with a single person, or choose the largest face explicitly",
             faces->count);
    return refuse(e, photo, SB_SEVERAL_FACES, message, error);
  }
  const sb_quality *quality = &faces->items[0].quality;
  if (quality->overall < e->embedder.minimum_quality &&
      !(e->request->flags & (SB_ENROLL_ANY_QUALITY | SB_ENROLL_WHOLE_PHOTO))) {
    snprintf(message, sizeof message, "%s (quality %.2f of at least %.2f)", part_in_words(sb_quality_weakest(quality)),
             (double)quality->overall, (double)e->embedder.minimum_quality);
    return refuse(e, photo, SB_LOW_QUALITY, message, error);
  }
  if (sb_verdict_refused(e->engine, &faces->items[0]))
    return refuse(e, photo, SB_NOT_LIVE, "the face looks like a picture or a screen; stand before the camera yourself",
                  error);
  return SB_OK;
}

static sb_status look_at_photo(enrolment *e, size_t photo, sb_error *error) {
  const sb_photo *bytes = &e->request->photos[photo];
  bool known = false;
  sb_error cause = {0};
  sb_status status = sb_crypto_sha256(bytes->bytes, bytes->size, e->digests[photo], error);
  if (status == SB_OK && e->request->flags & SB_ENROLL_SKIP_KNOWN)
    status = sb_store_face_known(e->engine->store, e->collection.row, e->request->id, e->digests[photo], &known, error);
  if (status != SB_OK) return status;
  if (known) {
    e->skipped++;
    return SB_OK;
  }
  /* All faces are looked for even where the largest is taken: the message, and the choice, need to know them. */
  unsigned want = SB_WANT_EMBEDDING | (e->request->flags & SB_ENROLL_ATTRIBUTES ? SB_WANT_ATTRIBUTES : 0) |
                  (e->request->flags & SB_ENROLL_WHOLE_PHOTO ? SB_WANT_WHOLE_PHOTO : 0) |
                  sb_verdict_liveness_want(e->engine);
  sb_thumbnail *thumbnail = e->engine->thumbnails ? &e->thumbnails[photo] : NULL;
  status = sb_flow_portrait(e->engine, *bytes, want, e->embedder.name, &e->faces[photo], thumbnail, &cause);
  if (status != SB_OK) return refuse(e, photo, status, cause.message, error);
  status = check_face(e, photo, e->faces[photo], error);
  if (status != SB_OK) return status;
  const sb_face *face = &e->faces[photo]->items[0];
  sb_store_face *stored = &e->store_faces[e->added++];
  *stored = (sb_store_face){.embedding = face->embedding,
                            .quality = face->quality.overall,
                            .attributes = face->has_attributes ? &face->attributes : NULL,
                            .thumbnail = e->thumbnails[photo].bytes,
                            .thumbnail_size = e->thumbnails[photo].size};
  memcpy(stored->source, e->digests[photo], SB_DIGEST_SIZE);
  return SB_OK;
}

static bool listed(const sb_enrolled *result, const char *id) {
  for (size_t i = 0; i < result->duplicate_count; i++)
    if (!strcmp(result->duplicates[i].id, id)) return true;
  return false;
}

/* Moves the matches of other ids into the result. */
static sb_status keep_duplicates(enrolment *e, sb_candidate *candidates, size_t count, sb_error *error) {
  sb_enrolled *result = e->result;
  for (size_t i = 0; i < count; i++) {
    bool other = candidates[i].verdict == SB_VERDICT_MATCH && strcmp(candidates[i].id, e->request->id) != 0;
    if (!other || listed(result, candidates[i].id)) continue;
    void *grown = result->duplicates;
    sb_status status = sb_grow(&grown, result->duplicate_count + 1, sizeof *result->duplicates, error);
    if (status != SB_OK) return status;
    result->duplicates = grown;
    result->duplicates[result->duplicate_count++] = candidates[i];
    candidates[i].id = candidates[i].name = NULL;
  }
  return SB_OK;
}

static sb_status find_duplicates(enrolment *e, sb_error *error) {
  double threshold = 0;
  sb_status status = sb_collection_indexes_sync(e->engine->indexes, error);
  if (status == SB_OK)
    status = sb_verdict_search_threshold(&e->embedder, &(sb_target){0}, e->collection.info.faces, &threshold, error);
  const sb_flow_search search = {&e->collection, &e->embedder, DUPLICATES_LOOKED_AT, threshold};
  for (size_t i = 0; status == SB_OK && i < e->added; i++) {
    sb_candidate *candidates = NULL;
    size_t count = 0;
    status = sb_flow_candidates(e->engine, &search, e->store_faces[i].embedding, &candidates, &count, error);
    if (status == SB_OK) status = keep_duplicates(e, candidates, count, error);
    sb_candidates_free(candidates, count);
  }
  if (status == SB_OK && e->result->duplicate_count && e->request->flags & SB_ENROLL_REFUSE_DUPLICATE)
    return sb_fail(error, SB_DUPLICATE, "this face is enrolled already under another id");
  return status;
}

static sb_status store_faces(enrolment *e, sb_error *error) {
  const sb_enroll_request *request = e->request;
  int64_t person = 0, *rows = sb_alloc(e->added, sizeof *rows, error);
  if (!rows) return SB_NO_MEMORY;
  e->result->kept = rows;
  sb_store_enrollment enrollment = {.collection = e->collection.row,
                                    .id = request->id,
                                    .name = request->name,
                                    .consent = request->consent,
                                    .purpose = request->purpose,
                                    .expires_ms = request->expires_ms,
                                    .may_exist = request->flags & SB_ENROLL_ADD,
                                    .faces = e->store_faces,
                                    .face_count = e->added};
  sb_status status = SB_OK;
  if (e->added || !e->skipped) status = sb_store_enroll(e->engine->store, &enrollment, &person, rows, error);
  return status == SB_OK ? sb_collection_indexes_sync(e->engine->indexes, error) : status;
}

static sb_status fill_result(enrolment *e, sb_error *error) {
  sb_enrolled *result = e->result;
  sb_people *people = NULL;
  sb_status status = sb_store_person_find(e->engine->store, e->collection.row, e->request->id, NULL, &people, error);
  if (status != SB_OK) return status;
  result->person = people->items[0]; /* its texts move over */
  people->count = 0;
  sb_people_free(people);
  result->faces_added = e->added;
  result->faces_skipped = e->skipped;
  return SB_OK;
}

/* What can be refused without looking at a photo. */
static sb_status check_request(enrolment *e, sb_error *error) {
  const sb_enroll_request *request = e->request;
  bool add = request->flags & SB_ENROLL_ADD;
  sb_status status = sb_text_check(request->id, SB_ID_MAX, "id", error);
  if (status == SB_OK && (request->name || !add)) status = sb_text_check(request->name, SB_NAME_MAX, "name", error);
  if (status == SB_OK) status = sb_engine_check_terms(request->consent, request->purpose, error);
  if (status == SB_OK && request->expires_ms && request->expires_ms <= sb_now_ms())
    status = sb_fail(error, SB_INVALID, "the date of expiry is over already");
  if (status == SB_OK && (!request->photo_count || request->photo_count > PHOTOS_MAX))
    status = sb_fail(error, SB_INVALID,
                     request->photo_count ? "at most 1000 photos can be enrolled at once" : "a photo is missing");
  if (status == SB_OK) status = sb_engine_collection(e->engine, request->collection, true, &e->collection, error);
  if (status == SB_OK) status = sb_engine_collection_embedder(e->engine, &e->collection, &e->embedder, error);
  if (status != SB_OK) return status;
  status = sb_store_person_find(e->engine->store, e->collection.row, request->id, NULL, NULL, error);
  if (status == SB_OK && !add) return sb_fail(error, SB_EXISTS, "a person with this id is enrolled already");
  if (status == SB_NOT_FOUND && request->name) return SB_OK;
  return status;
}

static sb_status enroll(enrolment *e, sb_error *error) {
  size_t count = e->request->photo_count;
  sb_status status = check_request(e, error);
  if (status != SB_OK) return status;
  e->faces = sb_alloc(count, sizeof *e->faces, error);
  e->store_faces = sb_alloc(count, sizeof *e->store_faces, error);
  e->digests = sb_alloc(count, sizeof *e->digests, error);
  e->thumbnails = sb_alloc(count, sizeof *e->thumbnails, error);
  e->result->faces = sb_alloc(count, sizeof *e->result->faces, error);
  if (!e->faces || !e->store_faces || !e->digests || !e->thumbnails || !e->result->faces) return SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    status = look_at_photo(e, i, error);
    if (status != SB_OK || !e->faces[i]) continue;
    e->result->faces[i] = e->faces[i]->items[0];
    e->result->faces[i].embedding = NULL;
  }
  e->result->photo_count = count;
  if (status == SB_OK) status = find_duplicates(e, error);
  if (status == SB_OK) status = store_faces(e, error);
  return status == SB_OK ? fill_result(e, error) : status;
}

sb_status sb_engine_enroll(sb_engine *engine, const sb_enroll_request *request, sb_enrolled **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  enrolment e = {.engine = engine, .request = request, .result = sb_alloc(1, sizeof *e.result, error)};
  status = e.result ? enroll(&e, error) : SB_NO_MEMORY;
  for (size_t i = 0; e.faces && i < request->photo_count; i++) sb_faces_free(e.faces[i]);
  for (size_t i = 0; e.thumbnails && i < request->photo_count; i++) sb_thumbnail_clear(&e.thumbnails[i]);
  free(e.faces);
  free(e.store_faces);
  free(e.digests);
  free(e.thumbnails);
  if (status == SB_OK || (status == SB_DUPLICATE && e.result))
    *out = e.result;
  else
    sb_enrolled_free(e.result);
  sb_engine_leave(engine);
  return status;
}
