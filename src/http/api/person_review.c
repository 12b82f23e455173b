/* What the page of one person shows beside the record: agreement of the templates and look-alikes, what the audit holds
 * about the person, and that somebody else is another person. For admins: a review names other people. */
#include "http/api/access_json.h"
#include "http/api/handlers.h"
#include "http/api/options.h"
#include "json/results.h"
#include "json/write.h"

#include <stdlib.h>

/* ---- The review */

static json_t *agreement_json(const sb_person_review *review, size_t i) {
  const sb_person_agreement *face = &review->faces[i];
  bool alone = review->count < 2;
  return json_pack("{s:I,s:o,s:o}", "face", (json_int_t)face->face, "best",
                   alone ? json_null() : sb_json_rounded(face->best, 4), "worst",
                   alone ? json_null() : sb_json_rounded(face->worst, 4));
}

static json_t *pair_json(const sb_person_review *review, int which) {
  const sb_person_pair *pair = &review->pairs[which];
  if (review->count < 2) return json_null();
  return json_pack("{s:[I,I],s:o,s:o,s:b}", "faces", (json_int_t)review->faces[pair->faces[0]].face,
                   (json_int_t)review->faces[pair->faces[1]].face, "similarity", sb_json_rounded(pair->similarity, 4),
                   "score", sb_json_rounded(pair->score, 4), "match", pair->verdict == SB_VERDICT_MATCH);
}

static json_t *thumbnail_of(sb_engine *engine, const char *collection, const char *id, int64_t face) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  json_t *json = NULL; /* no thumbnail is no failure */
  if (sb_engine_thumbnail(engine, collection, id, face, false, &bytes, &size, NULL) == SB_OK)
    json = sb_json_base64(bytes, size);
  free(bytes);
  return json;
}

static json_t *alike_json(sb_engine *engine, const char *collection, const sb_person_review *review) {
  json_t *list = sb_json_candidates(review->alike, review->alike_count);
  for (size_t i = 0; i < review->alike_count; i++) {
    json_t *one = json_array_get(list, i);
    json_t *picture = thumbnail_of(engine, collection, review->alike[i].id, 0);
    json_object_set_new(one, "different", json_boolean(review->different[i]));
    if (picture) json_object_set_new(one, "thumbnail", picture);
  }
  return list;
}

void sb_http_handle_person_review(sb_http_request *request) {
  sb_error error = {0};
  sb_person_review *review = NULL;
  sb_engine *engine = request->context->engine;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_person_review(engine, collection, request->path_parameters[0], &review, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *faces = json_array();
  for (size_t i = 0; i < review->count; i++) sb_json_append(&faces, agreement_json(review, i));
  sb_http_reply_json(request, 200,
                     json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "faces", faces, "best", pair_json(review, SB_REVIEW_BEST),
                               "worst", pair_json(review, SB_REVIEW_WORST), "look_alikes",
                               alike_json(engine, collection, review), "threshold",
                               sb_json_rounded(review->threshold, 4), "unsure", sb_json_rounded(review->unsure, 4)));
  sb_person_review_free(review);
}

/* ---- History */

static sb_status append(void *context, const sb_audit_entry *entry, sb_error *error) {
  if (!json_array_append_new(context, sb_http_audit_entry_json(entry))) return SB_OK;
  return sb_fail(error, SB_NO_MEMORY, "out of memory");
}

void sb_http_handle_person_history(sb_http_request *request) {
  enum { LIMIT = 100, LIMIT_MAX = 1000 };
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  sb_person_history_request history = {.collection = sb_http_params_collection(&p), .id = request->path_parameters[0]};
  history.before = (int64_t)sb_http_params_count(&p, "before", 1, SB_HTTP_OFFSET_MAX, 0);
  history.limit = sb_http_params_count(&p, "limit", 1, LIMIT_MAX, LIMIT);
  if (sb_http_params_failed(&p)) return;
  json_t *entries = json_array();
  sb_status status = sb_engine_person_history(request->context->engine, &history, append, entries, &error);
  json_t *last = json_array_size(entries) == history.limit ? json_array_get(entries, history.limit - 1) : NULL;
  json_t *next = last ? json_incref(json_object_get(last, "sequence")) : json_null();
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o,s:o}", "entries", entries, "next_before", next));
}

/* ---- Different people */

void sb_http_handle_person_different(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p), *id = request->path_parameters[0];
  const char *other = sb_http_params_required_id(&p, "other", "the id of the person who looks alike");
  bool different = !sb_http_params_is(&p, "different", "true", "false");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_set_different(request->context->engine, collection, id, other, different, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:b}", "different", different));
}

/* ---- Faces */

/* The list of a person's faces, with `thumbnails` each with its picture where one is stored. */
void sb_http_handle_person_faces(sb_http_request *request) {
  enum { LIMIT = 100, LIMIT_MAX = 1000 };
  sb_error error = {0};
  sb_kept_faces *faces = NULL;
  sb_engine *engine = request->context->engine;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p), *id = request->path_parameters[0];
  size_t offset = sb_http_params_count(&p, "offset", 0, SB_HTTP_OFFSET_MAX, 0);
  size_t limit = sb_http_params_count(&p, "limit", 1, LIMIT_MAX, LIMIT);
  bool thumbnails = sb_http_options_flag(&p, "thumbnails");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_faces(engine, collection, id, offset, limit, &faces, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *body = sb_json_kept_faces(faces);
  json_t *list = json_object_get(body, "faces");
  for (size_t i = 0; thumbnails && i < faces->count; i++) {
    json_t *picture = thumbnail_of(engine, collection, id, faces->items[i].face);
    if (picture) json_object_set_new(json_array_get(list, i), "thumbnail", picture);
  }
  sb_http_reply_json_tagged(request, body);
  sb_kept_faces_free(faces);
}
