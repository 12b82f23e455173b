/* /v1/collections. */
#include "http/api/handlers.h"
#include "http/core/params.h"
#include "json/results.h"

void sb_http_handle_collections_list(sb_http_request *request) {
  sb_error error = {0};
  sb_collection *collections = NULL;
  size_t count = 0;
  sb_status status = sb_engine_collections(request->context->engine, &collections, &count, &error);
  if (sb_http_failed(request, status, &error)) return;
  sb_http_reply_json_tagged(request, sb_json_collections(collections, count));
  sb_collections_free(collections);
}

void sb_http_handle_collections_add(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_params_required(&p, "name", "the name of the new collection");
  const char *model = sb_http_params_text(&p, "model");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collection_create(request->context->engine, name, model, &error);
  sb_http_reply_result(request, status, &error, 201, json_pack("{s:s}", "name", name));
}

void sb_http_handle_collection_delete(sb_http_request *request) {
  sb_error error = {0};
  const char *name = request->path_parameters[0];
  sb_status status = sb_engine_collection_delete(request->context->engine, name, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:s}", "deleted", name));
}
