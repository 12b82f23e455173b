/* DeepStack's face API over the engine, as its clients (Blue Iris, Home Assistant, Frigate's and Double Take's
 * detectors) call it. A user id is a person whose id and name are the same. A face is named where the engine says
 * "match" and the confidence is at least min_confidence; else its user id is "unknown", as in DeepStack. */
#include "http/dialects/deepstack/deepstack.h"
#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "http/dialects/dialects.h"
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES_MAX = 32 };

static json_t *write_error(const sb_http_request *request, const char *code, const char *message) {
  (void)request;
  (void)code;
  return json_pack("{s:b,s:s}", "success", 0, "error", message);
}

const sb_http_dialect sb_http_deepstack = {"deepstack", write_error, sb_http_dialect_status};

/* ---- What the routes share */

static void add_box(json_t **json, const sb_box *box) {
  sb_json_set(json, "x_min", json_integer(lroundf(box->x)));
  sb_json_set(json, "y_min", json_integer(lroundf(box->y)));
  sb_json_set(json, "x_max", json_integer(lroundf(box->x + box->w)));
  sb_json_set(json, "y_max", json_integer(lroundf(box->y + box->h)));
}

static void reply_predictions(sb_http_request *request, json_t *predictions) {
  json_int_t count = (json_int_t)json_array_size(predictions);
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:o,s:I}", "success", 1, "predictions", predictions, "count", count));
}

static bool has_field(const sb_http_request *request, const char *name) {
  for (size_t i = 0; i < request->field_count; i++)
    if (!strcmp(request->fields[i].name, name)) return true;
  return false;
}

/* The photos of the fields `image`, `images`, `image1`, `image2` and so on, which clients use side by side. */
static size_t read_images(sb_http_params *p, sb_photo images[IMAGES_MAX]) {
  size_t count = 0;
  for (int i = -1; i < IMAGES_MAX; i++) {
    char name[16] = "images";
    if (i >= 0) snprintf(name, sizeof name, i ? "image%d" : "image", i);
    if (!has_field(p->request, name)) continue;
    size_t found = 0;
    const sb_photo *photos = sb_http_params_photos(p, name, &found);
    if (photos && count + found > IMAGES_MAX)
      sb_http_params_reject(p, SB_INVALID, "%s: at most %d photos are read", name, IMAGES_MAX);
    for (size_t f = 0; photos && f < found && count < IMAGES_MAX; f++) images[count++] = photos[f];
  }
  if (!count) sb_http_params_reject(p, SB_INVALID, "image is missing: send a photo as the field `image`");
  return count;
}

/* ---- Photos that are not stored */

void sb_http_handle_deepstack_detect(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  sb_http_params p = sb_http_params_begin(request);
  double least = sb_http_params_real(&p, "min_confidence", 0, 1, 0.4);
  const sb_find_request find = {.struct_size = sizeof find, .photo = sb_http_params_photo(&p, "image")};
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_find_faces(request->context->engine, &find, &faces, &error), &error)) return;
  json_t *predictions = json_array();
  for (size_t i = 0; i < faces->count; i++) {
    if (faces->items[i].score < least) continue;
    json_t *one = json_pack("{s:o}", "confidence", sb_json_float(faces->items[i].score));
    add_box(&one, &faces->items[i].box);
    sb_json_append(&predictions, one);
  }
  reply_predictions(request, predictions);
  sb_faces_free(faces);
}

static json_t *recognized_json(const sb_search_result *result, const sb_search_face *face, double least) {
  const sb_candidate *best = face->verdict == SB_VERDICT_MATCH ? &face->candidates[0] : NULL;
  double confidence =
      best ? sb_http_dialect_similarity(best->score, result->unsure, result->threshold, best->verdict) : 0;
  if (confidence < least) best = NULL;
  json_t *one = json_pack("{s:s,s:o}", "userid", best ? best->id : "unknown", "confidence",
                          sb_json_rounded(best ? confidence : 0, 5));
  add_box(&one, &face->face.box);
  return one;
}

void sb_http_handle_deepstack_recognize(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_http_params p = sb_http_params_begin(request);
  double least = sb_http_params_real(&p, "min_confidence", 0, 1, 0.67);
  const sb_search_request search = {.struct_size = sizeof search,
                                    .collection = sb_http_params_collection(&p),
                                    .k = 1,
                                    .target = sb_http_operating_point(request->context),
                                    .photo = sb_http_params_photo(&p, "image")};
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK) sb_http_disclose_search(request->context, &request->principal, false, result);
  if (!sb_http_failed(request, status, &error)) {
    json_t *predictions = json_array();
    for (size_t i = 0; i < result->count; i++)
      sb_json_append(&predictions, recognized_json(result, &result->faces[i], least));
    reply_predictions(request, predictions);
  }
  sb_search_result_free(result);
}

void sb_http_handle_deepstack_match(sb_http_request *request) {
  sb_error error = {0};
  sb_comparison c;
  sb_http_params p = sb_http_params_begin(request);
  sb_verify_request verify = {.struct_size = sizeof verify, .target = sb_http_operating_point(request->context)};
  verify.target.fpir = 0; /* a rate of searches: it says nothing about two photos */
  verify.photos[0] = sb_http_params_photo(&p, "image1");
  verify.photos[1] = sb_http_params_photo(&p, "image2");
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_verify(request->context->engine, &verify, &c, &error), &error)) return;
  double similarity = sb_http_dialect_similarity(c.score, c.unsure, c.threshold, c.verdict);
  sb_http_reply_json(request, 200, json_pack("{s:b,s:o}", "success", 1, "similarity", sb_json_rounded(similarity, 5)));
}

/* ---- People */

void sb_http_handle_deepstack_register(sb_http_request *request) {
  sb_error error = {0};
  sb_enrolled *enrolled = NULL;
  sb_photo images[IMAGES_MAX];
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {.struct_size = sizeof enrolment,
                                 .collection = sb_http_params_collection(&p),
                                 .photos = images,
                                 .flags = SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  enrolment.id = enrolment.name = sb_http_params_required_id(&p, "userid", "the name of the person");
  enrolment.photo_count = read_images(&p, images);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_enroll(request->context->engine, &enrolment, &enrolled, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:b,s:s}", "success", 1, "message", "face added"));
  sb_enrolled_free(enrolled);
}

void sb_http_handle_deepstack_list(sb_http_request *request) {
  sb_error error = {0};
  json_t *names = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_http_dialect_ids(request->context->engine, collection, &names, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:b,s:o}", "success", 1, "faces", names));
}

/* A user id that nobody has is no error, as in DeepStack. */
void sb_http_handle_deepstack_delete(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  const char *id = sb_http_params_required_id(&p, "userid", "the person to delete");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_delete(request->context->engine, collection, id, NULL, &error);
  if (status == SB_NOT_FOUND) status = SB_OK;
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:b}", "success", 1));
}
