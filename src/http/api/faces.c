/* Routes that look at photos and store nothing: search, verify, detect, represent, analyze, and the upgrade to the
 * live channel. */
#include "http/api/handlers.h"
#include "http/api/live.h"
#include "http/api/liveness_fields.h"
#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "json/results.h"
#include "json/write.h"

#include <stdlib.h>

/* Which faces of the photo count. */
enum { ALL, LARGEST, SMALL };
static const char *const face_words[] = {"all", "largest", "small", NULL};

static void find_faces(sb_http_request *request, unsigned want) {
  static const unsigned flags[] = {[LARGEST] = SB_WANT_LARGEST_ONLY, [SMALL] = SB_WANT_SMALL_FACES};
  sb_error error = {0};
  sb_faces *faces = NULL;
  sb_http_params p = sb_http_params_begin(request);
  int which = sb_http_params_choice(&p, "faces", face_words);
  sb_find_request find = {.struct_size = sizeof find, .want = want | (which > 0 ? flags[which] : 0)};
  if (want & SB_WANT_EMBEDDING) find.model = sb_http_params_text(&p, "model");
  find.photo = sb_http_params_photo(&p, "image");
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_find_faces(request->context->engine, &find, &faces, &error), &error)) return;
  sb_http_reply_json(request, 200, sb_json_faces(faces, want));
  sb_faces_free(faces);
}

void sb_http_handle_detect(sb_http_request *request) {
  find_faces(request, 0);
}

void sb_http_handle_represent(sb_http_request *request) {
  find_faces(request, SB_WANT_EMBEDDING);
}

void sb_http_handle_analyze(sb_http_request *request) {
  find_faces(request, SB_WANT_ATTRIBUTES | SB_WANT_POSE | SB_WANT_LIVENESS);
}

void sb_http_handle_quality(sb_http_request *request) {
  sb_error error = {0};
  sb_portrait_report report;
  sb_http_params p = sb_http_params_begin(request);
  const sb_photo photo = sb_http_params_photo(&p, "image");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_quality(request->context->engine, photo, &report, &error);
  if (!sb_http_failed(request, status, &error)) sb_http_reply_json(request, 200, sb_json_portrait(&report));
}

void sb_http_handle_search(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_http_params p = sb_http_params_begin(request);
  sb_search_request search = {.struct_size = sizeof search, .collection = sb_http_params_collection(&p)};
  int which = sb_http_params_choice(&p, "faces", face_words);
  search.largest_only = which == LARGEST;
  search.small_faces = which == SMALL;
  search.k = sb_http_params_count(&p, "k", 1, SB_K_MAX, 5);
  search.target = sb_http_params_operating_point(&p, sb_http_operating_point(request->context));
  search.photo = sb_http_params_photo(&p, "image");
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_search(request->context->engine, &search, &result, &error), &error)) return;
  bool chosen = sb_http_params_names_point(&p);
  sb_http_disclose_search(request->context, &request->principal, chosen, result);
  sb_http_reply_json(request, 200, sb_json_search(result));
  sb_search_result_free(result);
}

void sb_http_handle_search_embedding(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_http_vector embedding = {.values = NULL};
  sb_http_params p = sb_http_params_begin(request);
  if (!sb_http_params_vectors(&p, "embedding", &embedding, 1))
    sb_http_params_reject(&p, SB_INVALID, "embedding is missing: a list of numbers, as /v1/represent gives it");
  const sb_template_search search = {.collection = sb_http_params_collection(&p),
                                     .vector = embedding.values,
                                     .dim = embedding.count,
                                     .k = sb_http_params_count(&p, "k", 1, SB_K_MAX, 5),
                                     .target =
                                         sb_http_params_operating_point(&p, sb_http_operating_point(request->context))};
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_search_template(request->context->engine, &search, &result, NULL, &error);
  if (!sb_http_failed(request, status, &error)) sb_http_reply_json(request, 200, sb_json_template_search(result));
  sb_search_result_free(result);
}

/* `face`: which face of each photo is compared. */
static void read_face_choice(sb_http_params *p, int out[2]) {
  sb_error error = {0};
  const char *text = sb_http_params_text(p, "face");
  if (text) sb_http_params_check(p, sb_engine_face_choice(text, out, &error), &error);
}

void sb_http_handle_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_comparison comparison;
  sb_http_params p = sb_http_params_begin(request);
  sb_target configured = sb_http_operating_point(request->context);
  configured.fpir = 0; /* a rate of searches: it says nothing about two photos */
  sb_verify_request verify = {.struct_size = sizeof verify, .collection = sb_http_params_collection(&p)};
  verify.target = sb_http_params_operating_point(&p, configured);
  read_face_choice(&p, verify.faces);
  verify.photos[0] = sb_http_params_photo(&p, "image1");
  verify.photos[1] = sb_http_params_photo(&p, "image2");
  sb_http_live_proof proof = {.embedding = NULL};
  if (sb_http_liveness_read(&p, &proof)) verify.live = &proof.person;
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_verify(request->context->engine, &verify, &comparison, &error);
  if (verify.live) sb_http_liveness_settle(request->context->liveness, &proof, status == SB_OK);
  if (!sb_http_failed(request, status, &error)) sb_http_reply_json(request, 200, sb_json_comparison(&comparison));
}

void sb_http_handle_preview(sb_http_request *request) {
  sb_error error = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_http_params p = sb_http_params_begin(request);
  const sb_photo photo = sb_http_params_photo(&p, "image");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_preview(request->context->engine, photo, &bytes, &size, &error);
  if (!sb_http_failed(request, status, &error))
    sb_http_reply_json(request, 200, json_pack("{s:o}", "jpeg", sb_json_base64(bytes, size)));
  free(bytes);
}

void sb_http_handle_live(sb_http_request *request) {
  sb_error error = {0};
  sb_http_failed(request, sb_http_live_open(request, NULL, &error), &error);
}
