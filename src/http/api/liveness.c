/* /v1/liveness/sessions: challenges of active liveness (docs/liveness.md). A client creates a session, sends frames one
 * by one or over a WebSocket, shows each instruction, and gives the token of a passed one to /v1/people or /v1/verify.
 */
#include "http/api/handlers.h"
#include "http/api/live.h"
#include "http/api/liveness_fields.h"

static void reply(sb_http_request *request, sb_status status, const sb_error *error, unsigned http_status,
                  const sb_http_liveness_view *view) {
  if (!sb_http_failed(request, status, error)) sb_http_reply_json(request, http_status, sb_http_liveness_json(view));
}

void sb_http_handle_liveness_add(sb_http_request *request) {
  sb_error error = {0};
  char model[64] = "";
  sb_http_liveness_view view;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collection_model(request->context->engine, collection, model, &error);
  if (status == SB_OK)
    status = sb_http_liveness_add(request->context->liveness, &request->principal, collection, model, &view, &error);
  reply(request, status, &error, 201, &view);
}

void sb_http_handle_liveness_get(sb_http_request *request) {
  sb_error error = {0};
  sb_http_liveness_view view;
  sb_status status =
      sb_http_liveness_get(request->context->liveness, &request->principal, request->path_parameters[0], &view, &error);
  reply(request, status, &error, 200, &view);
}

void sb_http_handle_liveness_end(sb_http_request *request) {
  sb_error error = {0};
  sb_status status =
      sb_http_liveness_end(request->context->liveness, &request->principal, request->path_parameters[0], &error);
  if (!sb_http_failed(request, status, &error)) sb_http_reply_json(request, 200, json_pack("{s:b}", "ended", 1));
}

void sb_http_handle_liveness_frame(sb_http_request *request) {
  sb_error error = {0};
  sb_http_liveness_view view;
  double now_ms = sb_monotonic_ms();
  sb_http_params p = sb_http_params_begin(request);
  sb_photo photo = sb_http_params_photo(&p, "image");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_http_liveness_feed(request->context->liveness, &request->principal, request->path_parameters[0],
                                           photo, now_ms, &view, &error);
  reply(request, status, &error, 200, &view);
}

void sb_http_handle_liveness_stream(sb_http_request *request) {
  sb_error error = {0};
  sb_http_failed(request, sb_http_live_open(request, request->path_parameters[0], &error), &error);
}
