/* /v1/cameras, /v1/camera-test: the cameras that the server watches. */
#include "http/api/camera_json.h"
#include "http/api/handlers.h"
#include "http/core/camera_looks.h"
#include "http/core/params.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
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

static void refresh(const sb_http_request *request) {
  if (request->context->cameras) sb_camera_watcher_refresh(request->context->cameras);
}

static const char *const transports[] = {"tcp", "udp", NULL};

static const char *read_transport(sb_http_params *p) {
  int which = sb_http_params_choice(p, "transport", transports);
  return which < 0 ? NULL : transports[which];
}

/* What the request names, borrowed from it; NULL or the fallbacks for the rest. */
static sb_engine_camera_change read_settings(sb_http_params *p, size_t rate, size_t smallest_face) {
  return (sb_engine_camera_change){
      .address = sb_http_params_text(p, "address"),
      .purpose = sb_http_params_text(p, "purpose"),
      .masks = sb_http_params_text(p, "masks"),
      .watch = sb_http_params_text(p, "watch"),
      .hours = sb_http_params_text(p, "hours"),
      .watchlist = sb_http_params_text(p, "watchlist"),
      .transport = read_transport(p),
      .rate = (int)sb_http_params_count(p, "rate", 1, SB_VIDEO_RATE_MAX, rate),
      .smallest_face = (int)sb_http_params_count(p, "smallest_face", 1, SB_CAMERA_FACE_MAX, smallest_face)};
}

static sb_status add(sb_engine *engine, const sb_engine_camera_change *settings, sb_engine_camera *camera,
                     sb_error *error) {
  camera->rate = settings->rate;
  camera->smallest_face = settings->smallest_face;
  camera->udp = settings->transport && !strcmp(settings->transport, "udp");
  camera->address = sb_strdup(settings->address, error);
  camera->purpose = sb_strdup(settings->purpose, error);
  camera->masks = sb_strdup(settings->masks, error);
  camera->watch = sb_strdup(settings->watch, error);
  camera->hours = sb_strdup(settings->hours, error);
  if (!camera->address || !camera->purpose || !camera->masks || !camera->watch || !camera->hours) return SB_NO_MEMORY;
  return sb_camera_add(engine, camera, error);
}

void sb_http_handle_cameras_add(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_camera *camera = sb_alloc(1, sizeof *camera, &error);
  if (sb_http_failed(request, camera ? SB_OK : SB_NO_MEMORY, &error)) return;
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_params_required(&p, "name", "what the camera is called: a-z, 0-9, _ and -");
  (void)sb_http_params_required(&p, "address", "where the camera is: rtsp://user:password@192.0.2.1/path");
  (void)sb_http_params_required(&p, "purpose", "what the camera is for; data protection law wants it stated");
  const sb_engine_camera_change settings = read_settings(&p, SB_CAMERA_RATE, 1);
  copy_name(&p, "watchlist", settings.watchlist, camera->watchlist, sizeof camera->watchlist);
  copy_name(&p, "collection", sb_http_params_collection(&p), camera->collection, sizeof camera->collection);
  copy_name(&p, "name", name, camera->name, sizeof camera->name);
  if (!sb_http_params_failed(&p)) {
    sb_status status = add(request->context->engine, &settings, camera, &error);
    if (status == SB_OK) refresh(request);
    if (!sb_http_failed(request, status, &error)) reply_camera(request, camera->name, 201);
  }
  sb_cameras_free(camera, 1);
}

void sb_http_handle_camera_change(sb_http_request *request) {
  sb_error error = {0};
  const char *name = request->path_parameters[0];
  sb_http_params p = sb_http_params_begin(request);
  const sb_engine_camera_change change = read_settings(&p, 0, 0);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_camera_change(request->context->engine, name, &change, &error);
  if (sb_http_failed(request, status, &error)) return;
  refresh(request);
  reply_camera(request, name, 200);
}

/* ---- Trying one */

/* What is tried: a stored camera, an address, or a stored camera at another address. */
static sb_status find_tried(sb_http_request *request, const char *name, const char *address, sb_engine_camera **out,
                            sb_error *error) {
  sb_status status = SB_OK;
  if (name)
    status = sb_engine_camera_get(request->context->engine, name, out, error);
  else if (!(*out = sb_alloc(1, sizeof **out, error)))
    status = SB_NO_MEMORY;
  if (status != SB_OK || !address) return status;
  sb_video_address parts;
  status = sb_video_address_parse(address, &parts, error);
  if (status != SB_OK) return status;
  if ((*out)->address) sb_wipe((*out)->address, strlen((*out)->address));
  free((*out)->address);
  (*out)->address = sb_strdup(address, error);
  return (*out)->address ? SB_OK : SB_NO_MEMORY;
}

/* A camera that gives no picture is an answer, not an error of the request. */
static json_t *probe_json(const sb_camera_probe *probe, const char *problem) {
  const sb_video_info *info = &probe->info;
  return json_pack("{s:o,s:o,s:i,s:i,s:o,s:f,s:f,s:o}", "problem", *problem ? json_string(problem) : json_null(),
                   "cause", sb_http_camera_cause_json(problem), "width", info->width, "height", info->height, "codec",
                   *info->codec ? json_string(info->codec) : json_null(), "rate", info->rate, "first_picture_ms",
                   probe->first_ms, "picture",
                   probe->picture ? sb_json_base64(probe->picture, probe->picture_size) : json_null());
}

static void reply_test(sb_http_request *request, const sb_engine_camera *camera) {
  sb_error error = {0};
  sb_camera_probe probe = {.first_ms = 0};
  sb_status status = sb_engine_audit_note(request->context->engine, "camera-test", camera->collection, 0, 0, &error);
  if (sb_http_failed(request, status, &error)) return;
  status = sb_camera_watcher_try(request->context->cameras, camera, &probe, &error);
  if (status == SB_BUSY || status == SB_NO_MEMORY || status == SB_STOPPING)
    sb_http_reply_error(request, &error);
  else
    sb_http_reply_json(request, 200, probe_json(&probe, status == SB_OK ? "" : error.message));
  free(probe.picture);
}

void sb_http_handle_camera_test(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_camera *camera = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *name = sb_http_params_text(&p, "camera"), *address = sb_http_params_text(&p, "address");
  const char *transport = read_transport(&p), *collection = sb_http_params_collection(&p);
  if (!name && !address)
    sb_http_params_reject(&p, SB_INVALID,
                          "address is missing: where the camera is, or camera: the name of a stored one");
  if (sb_http_params_failed(&p)) return;
  sb_status status = request->context->cameras
                         ? find_tried(request, name, address, &camera, &error)
                         : sb_fail(&error, SB_BUSY, "this server watches no cameras (--cameras=false, or no decoder)");
  if (status == SB_OK && transport) camera->udp = !strcmp(transport, "udp");
  if (status == SB_OK && !name) snprintf(camera->collection, sizeof camera->collection, "%s", collection);
  if (!sb_http_failed(request, status, &error)) reply_test(request, camera);
  sb_cameras_free(camera, camera ? 1 : 0);
}

void sb_http_handle_camera_remove(sb_http_request *request) {
  sb_error error = {0};
  const char *name = request->path_parameters[0];
  sb_status status = sb_engine_camera_remove(request->context->engine, name, &error);
  if (status == SB_OK) refresh(request);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:s}", "deleted", name));
}

static sb_status take_snapshot(const sb_http_request *request, const sb_engine_camera *camera, uint8_t **bytes,
                               size_t *size, sb_error *error) {
  sb_camera_watcher *watcher = request->context->cameras;
  if (!watcher) return sb_fail(error, SB_BUSY, "this server watches no cameras (--cameras=false, or no decoder)");
  sb_status status = sb_camera_watcher_snapshot(watcher, camera->name, bytes, size, error);
  if (status != SB_OK) return status;
  sb_http_camera_looks *looks = request->context->looks;
  const char *caller = sb_actor_get()->name;
  if (!sb_http_camera_looks_is_due(looks, caller, camera->name)) return SB_OK;
  status = sb_engine_audit_note(request->context->engine, "camera-snapshot", camera->collection, 0, 0, error);
  if (status == SB_OK) sb_http_camera_looks_note(looks, caller, camera->name);
  return status;
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
