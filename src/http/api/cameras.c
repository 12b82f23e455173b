/* /v1/cameras: the cameras that the server watches. */
#include "http/api/camera_json.h"
#include "http/api/handlers.h"
#include "http/core/params.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

/* With its state; null where this server does not watch it (yet). */
static json_t *camera_json(const sb_http_request *request, const sb_engine_camera *camera) {
  sb_camera_state state;
  json_t *json = sb_http_camera_json(camera);
  sb_camera_watcher *watcher = request->context->cameras;
  bool watched = watcher && sb_camera_watcher_state(watcher, camera->name, &state);
  if (json) sb_json_set(&json, "state", watched ? sb_http_camera_state_json(&state) : json_null());
  return json;
}

void sb_http_handle_cameras_list(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_camera *cameras = NULL;
  size_t count = 0;
  sb_engine *engine = request->context->engine;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_text(&p, "collection");
  if (sb_http_params_failed(&p)) return;
  sb_status status = collection ? sb_engine_collection_check(engine, collection, &error) : SB_OK;
  if (status == SB_OK) status = sb_engine_cameras(engine, &cameras, &count, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    if (!collection || !strcmp(collection, cameras[i].collection))
      sb_json_append(&list, camera_json(request, &cameras[i]));
  sb_cameras_free(cameras, count);
  sb_http_reply_json(request, 200,
                     json_pack("{s:o,s:I,s:b}", "cameras", list, "most", (json_int_t)sb_engine_cameras_most(),
                               "watching", request->context->cameras != NULL));
}

static void reply_camera(sb_http_request *request, const char *name, unsigned http_status) {
  sb_error error = {0};
  sb_engine_camera *camera = NULL;
  sb_status status = sb_engine_camera_get(request->context->engine, name, &camera, &error);
  if (sb_http_failed(request, status, &error)) return;
  sb_http_reply_json(request, http_status, camera_json(request, camera));
  sb_cameras_free(camera, 1);
}

void sb_http_handle_camera_get(sb_http_request *request) {
  reply_camera(request, request->path_parameters[0], 200);
}

static void copy_name(sb_http_params *p, const char *field, const char *text, char *out, size_t size) {
  if (text && strlen(text) >= size) sb_http_params_reject(p, SB_INVALID, "%s is too long", field);
  if (text) snprintf(out, size, "%s", text);
}

/* The API's strings are borrowed from the request. */
static sb_status add(sb_engine *engine, const char *const texts[3], sb_engine_camera *camera, sb_error *error) {
  camera->address = sb_strdup(texts[0], error);
  camera->purpose = sb_strdup(texts[1], error);
  camera->masks = sb_strdup(texts[2] ? texts[2] : "", error);
  if (!camera->address || !camera->purpose || !camera->masks) return SB_NO_MEMORY;
  return sb_camera_add(engine, camera, error);
}

void sb_http_handle_cameras_add(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_camera *camera = sb_alloc(1, sizeof *camera, &error);
  if (sb_http_failed(request, camera ? SB_OK : SB_NO_MEMORY, &error)) return;
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_params_required(&p, "name", "what the camera is called: a-z, 0-9, _ and -");
  const char *texts[3];
  texts[0] = sb_http_params_required(&p, "address", "where the camera is: rtsp://user:password@192.0.2.1/path");
  texts[1] = sb_http_params_required(&p, "purpose", "what the camera is for; data protection law wants it stated");
  texts[2] = sb_http_params_text(&p, "masks");
  camera->rate = (int)sb_http_params_count(&p, "rate", 1, SB_VIDEO_RATE_MAX, SB_CAMERA_RATE);
  camera->udp = sb_http_params_is(&p, "transport", "tcp", "udp");
  copy_name(&p, "collection", sb_http_params_collection(&p), camera->collection, sizeof camera->collection);
  copy_name(&p, "name", name, camera->name, sizeof camera->name);
  if (!sb_http_params_failed(&p)) {
    sb_status status = add(request->context->engine, texts, camera, &error);
    if (!sb_http_failed(request, status, &error)) {
      if (request->context->cameras) sb_camera_watcher_refresh(request->context->cameras);
      reply_camera(request, camera->name, 201);
    }
  }
  sb_cameras_free(camera, 1);
}

void sb_http_handle_camera_remove(sb_http_request *request) {
  sb_error error = {0};
  const char *name = request->path_parameters[0];
  sb_status status = sb_engine_camera_remove(request->context->engine, name, &error);
  if (status == SB_OK && request->context->cameras) sb_camera_watcher_refresh(request->context->cameras);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:s}", "deleted", name));
}

static sb_status take_snapshot(const sb_http_request *request, const sb_engine_camera *camera, uint8_t **bytes,
                               size_t *size, sb_error *error) {
  sb_camera_watcher *watcher = request->context->cameras;
  if (!watcher) return sb_fail(error, SB_BUSY, "this server watches no cameras (--cameras false, or no decoder)");
  sb_status status = sb_camera_watcher_snapshot(watcher, camera->name, bytes, size, error);
  if (status != SB_OK) return status;
  return sb_engine_audit_note(request->context->engine, "camera-snapshot", camera->collection, 0, 0, error);
}

void sb_http_handle_camera_snapshot(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_camera *camera = NULL;
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_engine_camera_get(request->context->engine, request->path_parameters[0], &camera, &error);
  if (sb_http_failed(request, status, &error)) return;
  status = take_snapshot(request, camera, &bytes, &size, &error);
  sb_cameras_free(camera, 1);
  if (status == SB_OK)
    sb_http_reply_owned(request, 200, "image/jpeg", (char *)bytes, size);
  else
    free(bytes);
  (void)sb_http_failed(request, status, &error);
}
