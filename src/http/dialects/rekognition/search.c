/* Rekognition's calls that look at photos which are not stored, and its searches. A person is found once, with the
 * face that is most similar; a person with an id that the caller chose is also a user. */
#include "http/core/disclosure.h"
#include "http/dialects/rekognition/rekognition.h"
#include "http/dialects/rekognition/shapes.h"
#include "json/write.h"

#include <math.h>
#include <stdlib.h>

static sb_status no_face(sb_error *error) {
  return sb_fail(error, SB_NO_FACE, "There are no faces in the image. Should be at least 1.");
}

/* ---- DetectFaces */

void sb_http_handle_rekognition_detect_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const sb_http_attributes attributes = sb_http_rekognition_attributes(&p, "Attributes");
  const sb_find_request find = {.struct_size = sizeof find,
                                .photo = sb_http_rekognition_image(&p, "Image"),
                                .want = sb_http_rekognition_want(&attributes)};
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_find_faces(request->context->engine, &find, &faces, &error), &error)) return;
  json_t *details = json_array();
  const sb_http_frame frame = {faces->width, faces->height};
  for (size_t i = 0; i < faces->count; i++)
    sb_json_append(&details, sb_http_rekognition_detail(&faces->items[i], frame, &attributes));
  sb_faces_free(faces);
  sb_http_reply_json(request, 200, json_pack("{s:o}", "FaceDetails", details));
}

/* ---- CompareFaces: the largest face of the source against every face of the target */

typedef struct compared {
  const sb_photo_comparison *c;
  sb_http_scale scale;
  double least;  /* similarity of a match */
  bool admin;    /* as sb_http_disclose_comparison: others get scores of three digits, of faces that may match */
  float quality; /* poorer faces of the target are passed over */
} compared;

static json_t *compared_json(const compared *d) {
  static const sb_http_attributes none = {.age = false};
  const sb_faces *target = d->c->target;
  const sb_http_frame source_frame = {d->c->source->width, d->c->source->height};
  const sb_http_frame frame = {target->width, target->height};
  const sb_face *source = &d->c->source->items[0];
  json_t *matches = json_array(), *others = json_array();
  for (size_t i = 0; i < target->count; i++) {
    if (target->items[i].quality.overall < d->quality) continue;
    json_t *face = sb_http_rekognition_detail(&target->items[i], frame, &none);
    double score = d->admin ? d->c->scores[i] : round(1000 * d->c->scores[i]) / 1000;
    double similarity = sb_http_rekognition_similarity(&d->scale, score, d->c->verdicts[i]);
    if (similarity >= d->least)
      sb_json_append(&matches, json_pack("{s:f,s:o}", "Similarity", similarity, "Face", face));
    else
      sb_json_append(&others, face);
  }
  return json_pack("{s:{s:o,s:o},s:o,s:o}", "SourceImageFace", "BoundingBox",
                   sb_http_rekognition_box(&source->box, source_frame), "Confidence",
                   sb_http_rekognition_confidence(source), "FaceMatches", matches, "UnmatchedFaces", others);
}

/* The least quality of a face that counts; 0: any. */
static float least_quality(sb_engine *engine, bool filter) {
  sb_engine_info info = {.minimum_quality = 0};
  return filter && sb_engine_info_get(engine, &info, NULL) == SB_OK ? (float)info.minimum_quality : 0;
}

void sb_http_handle_rekognition_compare_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_photo_comparison *c = NULL;
  sb_engine *engine = request->context->engine;
  sb_http_params p = sb_http_params_begin(request);
  compared d = {.least = sb_http_rekognition_least(&p, "SimilarityThreshold"),
                .quality = least_quality(engine, sb_http_rekognition_filter(&p, false))};
  const sb_photo photos[2] = {sb_http_rekognition_image(&p, "SourceImage"),
                              sb_http_rekognition_image(&p, "TargetImage")};
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_compare_photos(engine, photos, SB_WANT_POSE, &c, &error);
  if (status == SB_OK && c->source->items[0].quality.overall < d.quality) status = no_face(&error);
  if (!sb_http_failed(request, status, &error)) {
    d.c = c;
    d.scale = sb_http_rekognition_scale(request, c->source->model, c->unsure, c->threshold);
    d.admin = sb_http_principal_is_admin(&request->principal);
    if (!d.admin) d.least = fmax(d.least, 50);
    sb_http_reply_json(request, 200, compared_json(&d));
  }
  sb_photo_comparison_free(c);
}

/* ---- Searches */

typedef struct hits {
  const char *collection;
  double least; /* similarity */
  size_t most;
  bool filter; /* a poor face is not searched for */
  bool users;  /* UserMatches, not FaceMatches */
  char model[64];
} hits;

static hits read_hits(sb_http_params *p, bool users) {
  return (hits){.collection = sb_http_rekognition_collection(p),
                .least = sb_http_rekognition_least(p, users ? "UserMatchThreshold" : "FaceMatchThreshold"),
                .most = users ? sb_http_params_count(p, "MaxUsers", 1, 500, 80)
                              : sb_http_params_count(p, "MaxFaces", 1, 4096, 80),
                .users = users};
}

static size_t candidates_wanted(const hits *h) {
  return h->most < SB_K_MAX ? h->most : SB_K_MAX;
}

static json_t *hit_json(const hits *h, const sb_candidate *c, double similarity) {
  if (!h->users)
    return json_pack("{s:f,s:o}", "Similarity", similarity, "Face", sb_http_rekognition_face(c->face, c->id, c->name));
  return json_pack("{s:f,s:{s:s,s:s}}", "Similarity", similarity, "User", "UserId", c->id, "UserStatus", "ACTIVE");
}

/* The matches of a result's first face, as {"FaceMatches": ...} or {"UserMatches": ...}. */
static json_t *hits_json(sb_http_request *request, const hits *h, sb_search_result *result) {
  sb_http_disclose_search(request->context, &request->principal, false, result);
  const sb_search_face *face = &result->faces[0];
  const sb_http_scale scale = sb_http_rekognition_scale(request, h->model, result->unsure, result->threshold);
  json_t *list = json_array();
  for (size_t i = 0; i < face->count; i++) {
    const sb_candidate *c = &face->candidates[i];
    double similarity = sb_http_rekognition_similarity(&scale, c->score, c->verdict);
    if (similarity < h->least || (h->users && !sb_http_rekognition_is_user(c->id))) continue;
    sb_json_append(&list, hit_json(h, c, similarity));
  }
  return json_pack("{s:o,s:s}", h->users ? "UserMatches" : "FaceMatches", list, "FaceModelVersion", h->model);
}

/* ---- By the largest face of a photo */

static sb_status search_photo(sb_http_request *request, hits *h, sb_photo photo, sb_search_result **out,
                              sb_error *error) {
  sb_engine *engine = request->context->engine;
  const sb_search_request search = {.struct_size = sizeof search,
                                    .collection = h->collection,
                                    .photo = photo,
                                    .k = candidates_wanted(h),
                                    .largest_only = true,
                                    .target = sb_http_operating_point(request->context)};
  sb_status status = sb_engine_collection_model(engine, h->collection, h->model, error);
  if (status == SB_OK) status = sb_engine_search(engine, &search, out, error);
  if (status != SB_OK) return status;
  bool found = (*out)->count && (*out)->faces[0].face.quality.overall >= least_quality(engine, h->filter);
  return found ? SB_OK : no_face(error);
}

static void reply_by_image(sb_http_request *request, bool users) {
  static const sb_http_attributes none = {.age = false};
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_http_params p = sb_http_params_begin(request);
  hits h = read_hits(&p, users);
  h.filter = sb_http_rekognition_filter(&p, false);
  const sb_photo photo = sb_http_rekognition_image(&p, "Image");
  if (sb_http_params_failed(&p)) return;
  if (!sb_http_failed(request, search_photo(request, &h, photo, &result, &error), &error)) {
    const sb_face *face = &result->faces[0].face;
    const sb_http_frame frame = {result->width, result->height};
    json_t *body = hits_json(request, &h, result);
    if (users) {
      json_t *detail = sb_http_rekognition_detail(face, frame, &none);
      sb_json_set(&body, "SearchedFace", json_pack("{s:o}", "FaceDetail", detail));
      sb_json_set(&body, "UnsearchedFaces", json_array());
    } else {
      sb_json_set(&body, "SearchedFaceBoundingBox", sb_http_rekognition_box(&face->box, frame));
      sb_json_set(&body, "SearchedFaceConfidence", sb_http_rekognition_confidence(face));
    }
    sb_http_reply_json(request, 200, body);
  }
  sb_search_result_free(result);
}

void sb_http_handle_rekognition_search_faces_by_image(sb_http_request *request) {
  reply_by_image(request, false);
}

void sb_http_handle_rekognition_search_users_by_image(sb_http_request *request) {
  reply_by_image(request, true);
}

/* ---- By a stored face. SearchFaces is for other people's faces; among the users is the face's own. */

static void reply_by_face(sb_http_request *request, bool users) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_http_params p = sb_http_params_begin(request);
  hits h = read_hits(&p, users);
  sb_template_search search = {.collection = h.collection,
                               .others = !users,
                               .k = candidates_wanted(&h),
                               .target = sb_http_operating_point(request->context)};
  if (users && sb_http_params_text(&p, "UserId"))
    sb_http_params_reject(&p, SB_INVALID, "UserId is not searched by: give the FaceId of one of the user's faces");
  const char *id = sb_http_params_required(&p, "FaceId", "the id of a face in the collection");
  if (sb_http_params_failed(&p)) return;
  sb_engine *engine = request->context->engine;
  sb_status status = sb_engine_collection_model(engine, h.collection, h.model, &error);
  if (status == SB_OK) status = sb_http_dialect_face_number(id, &search.face, &error);
  if (status == SB_OK) status = sb_engine_search_template(engine, &search, &result, NULL, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *body = hits_json(request, &h, result);
  if (users)
    sb_json_set(&body, "SearchedFace", json_pack("{s:s}", "FaceId", id));
  else
    sb_json_set(&body, "SearchedFaceId", json_string(id));
  sb_http_reply_json(request, 200, body);
  sb_search_result_free(result);
}

void sb_http_handle_rekognition_search_faces(sb_http_request *request) {
  reply_by_face(request, false);
}

void sb_http_handle_rekognition_search_users(sb_http_request *request) {
  reply_by_face(request, true);
}
