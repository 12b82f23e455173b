/* CompreFace's services over photos that are not stored: recognition, detection, verification. */
#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "http/dialects/compreface/compreface.h"
#include "http/dialects/compreface/plugins.h"
#include "json/write.h"

static sb_status no_face(sb_error *error) {
  return sb_fail(error, SB_NO_FACE, "No face is found in the given image");
}

/* Replies {"result": rows}, with the plugins' versions if the request asked for them. */
static void reply_rows(sb_http_request *request, const sb_http_plugins *plugins, json_t *rows) {
  json_t *body = json_pack("{s:o}", "result", rows);
  sb_http_plugins_add_versions(plugins, &body, request);
  sb_http_reply_json(request, 200, body);
}

/* ---- recognize */

static json_t *subjects_json(const sb_search_result *result, const sb_search_face *face) {
  json_t *subjects = json_array();
  for (size_t i = 0; i < face->count; i++)
    sb_json_append(&subjects, json_pack("{s:s,s:o}", "subject", face->candidates[i].id, "similarity",
                                        sb_http_plugins_similarity(face->candidates[i].score, result->unsure,
                                                                   result->threshold, face->candidates[i].verdict)));
  return subjects;
}

static json_t *recognized_json(const sb_http_plugins *plugins, const sb_search_result *result, size_t dim) {
  json_t *rows = json_array();
  for (size_t i = 0; i < result->count; i++) {
    const sb_search_face *face = &result->faces[i];
    if (!sb_http_plugins_accept(plugins, &face->face, json_array_size(rows))) continue;
    json_t *row =
        json_pack("{s:o,s:o}", "box", sb_http_plugins_box(&face->face), "subjects", subjects_json(result, face));
    sb_http_plugins_add(plugins, &row, &face->face, face->face.embedding, dim);
    sb_http_plugins_add_time(plugins, &row);
    sb_json_append(&rows, row);
  }
  return rows;
}

void sb_http_handle_compreface_recognize(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  size_t dim = 0;
  sb_http_params p = sb_http_params_begin(request);
  const sb_http_plugins plugins = sb_http_plugins_read(&p);
  sb_search_request search = {.struct_size = sizeof search,
                              .collection = sb_http_params_collection(&p),
                              .k = sb_http_params_count(&p, "prediction_count", 1, SB_K_MAX, 1),
                              .attributes = plugins.age || plugins.gender,
                              .whole_photo = plugins.whole,
                              .target = sb_http_operating_point(request->context)};
  if (plugins.whole && !sb_http_principal_is_admin(&request->principal))
    sb_http_params_reject(&p, SB_FORBIDDEN, "detect_faces: false needs a key of role admin in a recognition");
  search.photo = sb_http_params_photo(&p, "file");
  if (sb_http_params_failed(&p)) return;
  sb_engine *engine = request->context->engine;
  sb_status status = plugins.calculator ? sb_engine_search_embedded(engine, &search, &dim, &result, &error)
                                        : sb_engine_search(engine, &search, &result, &error);
  if (status == SB_OK && !result->count) status = no_face(&error);
  if (status == SB_OK) sb_http_disclose_search(request->context, &request->principal, false, result);
  if (!sb_http_failed(request, status, &error)) reply_rows(request, &plugins, recognized_json(&plugins, result, dim));
  sb_search_result_free(result);
}

/* ---- detect */

static json_t *detected_json(const sb_http_plugins *plugins, const sb_faces *faces) {
  json_t *rows = json_array();
  for (size_t i = 0; i < faces->count; i++) {
    const sb_face *face = &faces->items[i];
    if (!sb_http_plugins_accept(plugins, face, json_array_size(rows))) continue;
    json_t *row = json_pack("{s:o}", "box", sb_http_plugins_box(face));
    sb_http_plugins_add(plugins, &row, face, face->embedding, faces->dim);
    sb_http_plugins_add_time(plugins, &row);
    sb_json_append(&rows, row);
  }
  return rows;
}

void sb_http_handle_compreface_detect(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const sb_http_plugins plugins = sb_http_plugins_read(&p);
  const sb_find_request find = {
      .struct_size = sizeof find, .photo = sb_http_params_photo(&p, "file"), .want = sb_http_plugins_want(&plugins)};
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_find_faces(request->context->engine, &find, &faces, &error);
  if (status == SB_OK && !faces->count) status = no_face(&error);
  if (!sb_http_failed(request, status, &error)) reply_rows(request, &plugins, detected_json(&plugins, faces));
  sb_faces_free(faces);
}

/* ---- verify: the largest face of the source against every face of the target */

static json_t *matches_json(const sb_http_plugins *plugins, const sb_photo_comparison *c) {
  json_t *rows = json_array();
  for (size_t i = 0; i < c->target->count; i++) {
    const sb_face *face = &c->target->items[i];
    if (!sb_http_plugins_accept(plugins, face, json_array_size(rows))) continue;
    json_t *row = json_pack("{s:o,s:o}", "box", sb_http_plugins_box(face), "similarity",
                            sb_http_plugins_similarity(c->scores[i], c->unsure, c->threshold, c->verdicts[i]));
    sb_http_plugins_add(plugins, &row, face, face->embedding, c->target->dim);
    sb_json_append(&rows, row);
  }
  return rows;
}

void sb_http_handle_compreface_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_photo_comparison *c = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const sb_http_plugins plugins = sb_http_plugins_read(&p);
  const sb_photo photos[2] = {sb_http_params_photo(&p, "source_image"), sb_http_params_photo(&p, "target_image")};
  if (sb_http_params_failed(&p)) return;
  sb_status status =
      sb_engine_compare_photos(request->context->engine, photos, sb_http_plugins_want(&plugins), &c, &error);
  if (status == SB_NO_FACE) status = no_face(&error);
  if (sb_http_failed(request, status, &error)) return;
  const sb_face *face = &c->source->items[0];
  json_t *source = json_pack("{s:o}", "box", sb_http_plugins_box(face));
  sb_http_plugins_add(&plugins, &source, face, face->embedding, c->source->dim);
  sb_http_reply_json(
      request, 200,
      json_pack("{s:[{s:o,s:o}]}", "result", "source_image_face", source, "face_matches", matches_json(&plugins, c)));
  sb_photo_comparison_free(c);
}
