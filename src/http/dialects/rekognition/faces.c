/* Rekognition's calls for the stored faces of a collection. ExternalImageId is the id of a person, and several faces
 * may share it; a face that is indexed without one is a person of its own. Photos are not stored, so a face has neither
 * ImageId nor BoundingBox once it is indexed. */
#include "engine/face_rows.h"
#include "http/dialects/rekognition/rekognition.h"
#include "http/dialects/rekognition/shapes.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 1000 };

/* ---- IndexFaces */

/* Why the face was not indexed. */
static const char *reason_of(const sb_face *face, sb_status outcome) {
  if (outcome == SB_TOO_LARGE) return "EXCEEDS_MAX_FACES";
  if (outcome == SB_NOT_LIVE) return "LOW_FACE_QUALITY";
  switch (sb_quality_weakest(&face->quality)) {
  case SB_QUALITY_SIZE: return "SMALL_BOUNDING_BOX";
  case SB_QUALITY_SHARPNESS: return "LOW_SHARPNESS";
  case SB_QUALITY_POSE: return "EXTREME_POSE";
  case SB_QUALITY_EXPOSURE: return "LOW_BRIGHTNESS";
  default: return "LOW_FACE_QUALITY";
  }
}

static json_t *record_json(const sb_face *face, const sb_engine_each_face *one, const char *name, json_t *detail,
                           sb_http_frame frame) {
  json_t *json = sb_http_rekognition_face(one->face, one->id, name ? name : one->id);
  sb_json_set(&json, "BoundingBox", sb_http_rekognition_box(&face->box, frame));
  sb_json_set(&json, "Confidence", sb_http_rekognition_confidence(face));
  return json_pack("{s:o,s:o}", "Face", json, "FaceDetail", detail);
}

static json_t *indexed_json(const sb_engine_each_enrolled *enrolled, const char *name,
                            const sb_http_attributes *attributes) {
  json_t *records = json_array(), *others = json_array();
  const sb_http_frame frame = {enrolled->faces->width, enrolled->faces->height};
  for (size_t i = 0; i < enrolled->count; i++) {
    const sb_face *face = &enrolled->faces->items[i];
    const sb_engine_each_face *one = &enrolled->items[i];
    json_t *detail = sb_http_rekognition_detail(face, frame, attributes);
    if (one->outcome == SB_OK)
      sb_json_append(&records, record_json(face, one, name, detail, frame));
    else
      sb_json_append(&others, json_pack("{s:[s],s:o}", "Reasons", reason_of(face, one->outcome), "FaceDetail", detail));
  }
  return json_pack("{s:o,s:o,s:s}", "FaceRecords", records, "UnindexedFaces", others, "FaceModelVersion",
                   enrolled->faces->model);
}

void sb_http_handle_rekognition_index_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_each_enrolled *enrolled = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const sb_http_attributes attributes = sb_http_rekognition_attributes(&p, "DetectionAttributes");
  const sb_engine_each_request each = {.collection = sb_http_rekognition_collection(&p),
                                       .id = sb_http_params_text(&p, "ExternalImageId"),
                                       .most = sb_http_params_count(&p, "MaxFaces", 1, 1000000, 100),
                                       .flags = sb_http_rekognition_filter(&p, true) ? 0 : SB_ENROLL_ANY_QUALITY,
                                       .want = sb_http_rekognition_want(&attributes),
                                       .photo = sb_http_rekognition_image(&p, "Image")};
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_enroll_each(request->context->engine, &each, &enrolled, &error);
  if (sb_http_failed(request, status, &error)) return;
  sb_http_reply_json(request, 200, indexed_json(enrolled, each.id, &attributes));
  sb_engine_each_enrolled_free(enrolled);
}

/* ---- ListFaces */

typedef struct listing {
  sb_engine *engine;
  sb_store_collection collection;
  int64_t person; /* of `people`; rows follow each other by person, mostly */
  sb_people *people;
  json_t *faces;
} listing;

/* A face or person that is erased meanwhile is left out. */
static sb_status add_face(listing *l, const sb_store_face_row *row, sb_error *error) {
  if (!l->people || l->person != row->person) {
    sb_people_free(l->people);
    l->people = NULL;
    sb_status status = sb_engine_person_by_row(l->engine, row->person, &l->people, error);
    if (status != SB_OK) return status == SB_NOT_FOUND ? SB_OK : status;
    l->person = row->person;
  }
  const sb_person *person = &l->people->items[0];
  sb_json_append(&l->faces, sb_http_rekognition_face(row->face, person->id, person->name));
  return SB_OK;
}

/* A page of the collection, or of one person. `next`: the last face where there are more. */
static sb_status add_page(listing *l, const sb_store_face_query *query, int64_t *next, sb_error *error) {
  size_t count = 0;
  sb_store_face_query more = *query;
  more.limit++; /* to know whether there is another page */
  sb_store_face_row *rows = sb_alloc(more.limit, sizeof *rows, error);
  if (!rows) return SB_NO_MEMORY;
  sb_status status = sb_engine_face_rows(l->engine, &more, rows, &count, error);
  for (size_t i = 0; status == SB_OK && i < count && i < query->limit; i++) status = add_face(l, &rows[i], error);
  if (status == SB_OK && count > query->limit) *next = rows[query->limit - 1].face;
  free(rows);
  return status;
}

/* The faces of `FaceIds`; those that are not in the collection are passed over. */
static sb_status add_named(listing *l, sb_http_params *p, sb_error *error) {
  size_t at = 0;
  for (const char *id; (id = sb_http_params_next(p, "FaceIds", &at));) {
    sb_store_face_row row;
    size_t count = 0;
    int64_t face = 0;
    if (sb_http_dialect_face_number(id, &face, NULL) != SB_OK) continue;
    const sb_store_face_query query = {l->collection.row, 0, .after = face - 1, .limit = 1};
    sb_status status = sb_engine_face_rows(l->engine, &query, &row, &count, error);
    if (status == SB_OK && count && row.face == face) status = add_face(l, &row, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status list_faces(listing *l, sb_http_params *p, sb_store_face_query *query, int64_t *next, sb_error *error) {
  size_t at = 0;
  const char *name = sb_http_rekognition_collection(p), *user = sb_http_params_text(p, "UserId");
  sb_status status = sb_engine_collection(l->engine, name, false, &l->collection, error);
  if (status != SB_OK) return status;
  query->collection = l->collection.row;
  if (user) status = sb_engine_person_row(l->engine, query->collection, user, &query->person, error);
  if (status != SB_OK) return status;
  bool named = sb_http_params_next(p, "FaceIds", &at) != NULL;
  status = named ? add_named(l, p, error) : add_page(l, query, next, error);
  if (status != SB_OK) return status;
  return sb_engine_audit_note(l->engine, "list", name, 0, (int64_t)json_array_size(l->faces), error);
}

void sb_http_handle_rekognition_list_faces(sb_http_request *request) {
  sb_error error = {0};
  char model[64];
  int64_t next = 0;
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_rekognition_collection(&p);
  size_t most = sb_http_params_count(&p, "MaxResults", 0, 4096, PAGE_MAX);
  sb_store_face_query query = {.after = sb_http_rekognition_after(&p),
                               .limit = most && most < PAGE_MAX ? most : PAGE_MAX};
  if (sb_http_params_failed(&p)) return;
  listing l = {.engine = request->context->engine, .faces = json_array()};
  sb_status status = list_faces(&l, &p, &query, &next, &error);
  if (status == SB_OK) status = sb_engine_collection_model(l.engine, name, model, &error);
  sb_people_free(l.people);
  if (sb_http_failed(request, status, &error)) {
    json_decref(l.faces);
    return;
  }
  json_t *body = json_pack("{s:o,s:s}", "Faces", l.faces, "FaceModelVersion", model);
  if (next) sb_json_set(&body, "NextToken", sb_http_rekognition_token(next));
  sb_http_reply_json(request, 200, body);
}

/* ---- DeleteFaces */

/* A person goes with the last face, as in CompreFace: nobody could be found again. */
static sb_status delete_face(sb_engine *engine, const char *collection, const char *id, sb_error *error) {
  int64_t face = 0;
  char *owner = NULL;
  sb_status status = sb_http_dialect_face_number(id, &face, error);
  if (status == SB_OK) status = sb_engine_face_delete(engine, collection, face, &owner, error);
  if (status == SB_OK) status = sb_engine_delete_without_faces(engine, collection, owner, error);
  free(owner);
  return status;
}

void sb_http_handle_rekognition_delete_faces(sb_http_request *request) {
  sb_error error = {0};
  size_t at = 0, given = 0;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_rekognition_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collection_check(request->context->engine, collection, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *deleted = json_array(), *others = json_array();
  for (const char *id; status == SB_OK && (id = sb_http_params_next(&p, "FaceIds", &at)); given++) {
    status = delete_face(request->context->engine, collection, id, &error);
    if (status == SB_OK) sb_json_append(&deleted, json_string(id));
    if (status != SB_NOT_FOUND) continue;
    sb_json_append(&others, json_pack("{s:s,s:[s]}", "FaceId", id, "Reasons", "FACE_NOT_FOUND"));
    status = SB_OK;
  }
  if (status == SB_OK && !given && p.error.code == SB_OK)
    sb_http_params_reject(&p, SB_INVALID, "FaceIds is missing: the ids of the faces to delete");
  if (status == SB_OK) status = (error = p.error).code; /* an item that is not text ends the list */
  sb_http_reply_result(request, status, &error, 200,
                       json_pack("{s:o,s:o}", "DeletedFaces", deleted, "UnsuccessfulFaceDeletions", others));
}
