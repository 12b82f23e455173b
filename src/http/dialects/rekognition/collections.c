/* Rekognition's dialect, and its calls for collections. A collection has the same name here, of fewer letters: a-z,
 * 0-9, "_" and "-". */
#include "http/dialects/rekognition/rekognition.h"
#include "http/dialects/rekognition/shapes.h"
#include "json/write.h"

#include <string.h>

/* ---- Errors */

/* Rekognition's exception for one of our error codes. */
static const char *exception_of(const sb_http_request *request, const char *code) {
  static const struct {
    const char *ours, *theirs;
  } names[] = {
      {"invalid", "InvalidParameterException"},
      {"no_face", "InvalidParameterException"},
      {"several_faces", "InvalidParameterException"},
      {"low_quality", "InvalidParameterException"},
      {"not_live", "InvalidParameterException"},
      {"bad_image", "InvalidImageFormatException"},
      {"unsupported_image", "InvalidImageFormatException"},
      {"image_too_large", "ImageTooLargeException"},
      {"too_large", "ImageTooLargeException"},
      {"not_found", "ResourceNotFoundException"},
      {"exists", "ResourceAlreadyExistsException"},
      {"forbidden", "AccessDeniedException"},
      {"unauthorized", "AccessDeniedException"},
      {"rate_limited", "ThrottlingException"},
      {"busy", "ThrottlingException"},
      {"unknown_operation", "UnknownOperationException"},
  };
  if (!strcmp(code, "exists") && request->route && strstr(request->route->pattern, "CreateUser"))
    return "ConflictException";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(names[i].ours, code)) return names[i].theirs;
  return "InternalServerError";
}

static json_t *write_error(const sb_http_request *request, const char *code, const char *message) {
  const char *exception = exception_of(request, code);
  return json_pack("{s:s,s:s,s:s}", "__type", exception, "Code", exception, "Message", message);
}

/* Rekognition answers 400 to whatever is wrong with a request; 401, 403 and 413 stay, for proxies and logs. */
static unsigned status_of(unsigned status) {
  return status == 404 || status == 409 || status == 415 || status == 422 ? 400 : status;
}

const sb_http_dialect sb_http_rekognition = {"rekognition", write_error, status_of};

void sb_http_handle_rekognition_unknown(sb_http_request *request) {
  sb_http_reply_refusal(request, 400, "unknown_operation",
                        sb_http_header(request, "X-Amz-Target")
                            ? "X-Amz-Target names a call that is not known here: /docs lists the calls"
                            : "X-Amz-Target is missing: it names the call, such as RekognitionService.DetectFaces");
}

/* ---- Collections */

static json_t *arn(const char *name) {
  return json_sprintf("aws:rekognition:local:000000000000:collection/%s", name);
}

void sb_http_handle_rekognition_create_collection(sb_http_request *request) {
  sb_error error = {0};
  char model[64];
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_rekognition_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_engine *engine = request->context->engine;
  if (sb_http_failed(request, sb_engine_collection_create(engine, name, NULL, &error), &error)) return;
  if (sb_http_failed(request, sb_engine_collection_model(engine, name, model, &error), &error)) return;
  sb_http_reply_json(
      request, 200,
      json_pack("{s:i,s:o,s:s}", "StatusCode", 200, "CollectionArn", arn(name), "FaceModelVersion", model));
}

void sb_http_handle_rekognition_delete_collection(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_rekognition_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collection_delete(request->context->engine, name, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:i}", "StatusCode", 200));
}

/* The place behind the collection that a token names; a token of a collection that is gone ends nothing: the list is
 * in order of creation, so it begins again. */
static size_t place_after(sb_http_params *p, const sb_collection *collections, size_t count) {
  const char *token = sb_http_params_text(p, "NextToken");
  if (!token || !*token) return 0;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(collections[i].name, token)) return i + 1;
  sb_http_params_reject(p, SB_INVALID, "NextToken is not one of this list, or the collection is gone: begin again");
  return 0;
}

void sb_http_handle_rekognition_list_collections(sb_http_request *request) {
  sb_error error = {0};
  sb_collection *collections = NULL;
  size_t count = 0;
  sb_http_params p = sb_http_params_begin(request);
  size_t most = sb_http_params_count(&p, "MaxResults", 0, 4096, 100);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collections(request->context->engine, &collections, &count, &error);
  if (sb_http_failed(request, status, &error)) return;
  size_t from = place_after(&p, collections, count);
  size_t to = !most || count - from < most ? count : from + most;
  json_t *names = json_array(), *models = json_array();
  for (size_t i = from; i < to; i++) {
    sb_json_append(&names, json_string(collections[i].name));
    sb_json_append(&models, json_string(collections[i].model));
  }
  json_t *body = json_pack("{s:o,s:o}", "CollectionIds", names, "FaceModelVersions", models);
  if (to < count) sb_json_set(&body, "NextToken", json_string(collections[to - 1].name));
  sb_collections_free(collections);
  if (sb_http_params_failed(&p))
    json_decref(body);
  else
    sb_http_reply_json(request, 200, body);
}

static json_t *described_json(const sb_collection *c) {
  return json_pack("{s:I,s:I,s:s,s:o,s:o}", "FaceCount", (json_int_t)c->faces, "UserCount", (json_int_t)c->people,
                   "FaceModelVersion", c->model, "CollectionARN", arn(c->name), "CreationTimestamp",
                   sb_json_rounded((double)c->created_ms / 1000, 3));
}

void sb_http_handle_rekognition_describe_collection(sb_http_request *request) {
  sb_error error = {0};
  sb_store_collection found;
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_rekognition_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collection(request->context->engine, name, false, &found, &error);
  if (!sb_http_failed(request, status, &error)) sb_http_reply_json(request, 200, described_json(&found.info));
}
