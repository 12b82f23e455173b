/* Photos that are looked at and not kept. */
#include "http/api/handlers.h"
#include "http/api/live.h"
#include "json/results.h"

#include <string.h>

static sb_status read_faces(sb_http_request *request, bool *largest, bool *small, sb_error *error) {
  static const char *const words[] = {"all", "largest", "small", NULL};
  int chosen = 0;
  sb_status status = sb_http_request_choice(request, "faces", words, &chosen, error);
  *largest = chosen == 1;
  *small = chosen == 2;
  return status;
}

static void find_faces(sb_http_request *request, unsigned want) {
  sb_error error = {0};
  sb_find_request find = {.struct_size = sizeof find, .want = want};
  sb_faces *faces = NULL;
  bool largest = false, small = false;
  sb_status status = read_faces(request, &largest, &small, &error);
  if (largest) find.want |= SB_WANT_LARGEST_ONLY;
  if (small) find.want |= SB_WANT_SMALL_FACES;
  if (status == SB_OK && want & SB_WANT_EMBEDDING) status = sb_http_request_text(request, "model", &find.model, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "image", &find.photo, &error);
  if (status == SB_OK) status = sb_engine_find_faces(request->context->engine, &find, &faces, &error);
  if (status == SB_OK)
    sb_http_reply_json(request, 200, sb_json_faces(faces, want));
  else
    sb_http_reply_error(request, &error);
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

void sb_http_handle_search(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_search_request search = {
      .struct_size = sizeof search, .k = 5, .target = sb_http_operating_point(request->context)};
  sb_status status = sb_http_request_collection(request, &search.collection, &error);
  if (status == SB_OK) status = read_faces(request, &search.largest_only, &search.small_faces, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "k", 1, SB_K_MAX, &search.k, &error);
  if (status == SB_OK) status = sb_http_request_operating_point(request, &search.target, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "image", &search.photo, &error);
  if (status == SB_OK) status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK)
    sb_http_reply_json(request, 200, sb_json_search(result));
  else
    sb_http_reply_error(request, &error);
  sb_search_result_free(result);
}

void sb_http_handle_live(sb_http_request *request) {
  sb_error error = {0};
  struct MHD_Response *response = NULL;
  if (sb_http_live_open(request, &response, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  sb_http_reply_empty(request, 101);
  request->reply.stream = response;
}

void sb_http_handle_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_verify_request verify = {.struct_size = sizeof verify, .target = sb_http_operating_point(request->context)};
  sb_comparison comparison;
  verify.target.fpir = 0; /* the server's is of searches */
  sb_status status = sb_http_request_operating_point(request, &verify.target, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "image1", &verify.photos[0], &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "image2", &verify.photos[1], &error);
  if (status == SB_OK) status = sb_engine_verify(request->context->engine, &verify, &comparison, &error);
  if (status == SB_OK)
    sb_http_reply_json(request, 200, sb_json_comparison(&comparison));
  else
    sb_http_reply_error(request, &error);
}
