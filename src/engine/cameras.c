/* Cameras as things: checking, storing and listing them. The record of a camera in the store is a version and then its
 * texts, each ended by a NUL; none of them can hold one. A record of version 1 ends with the transport. */
#include "store/gallery/cameras.h"
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_VERSION "2"
enum {
  VERSION,
  NAME,
  COLLECTION,
  ADDRESS,
  PURPOSE,
  MASKS,
  RATE,
  TRANSPORT,
  WATCH,
  SMALLEST_FACE,
  HOURS,
  WATCHLIST,
  RECORD_FIELDS
};
enum { RATE_MAX = 30, ADDRESS_MAX = 2048 };

size_t sb_engine_cameras_most(void) {
  size_t most = (size_t)sb_cpu_cores() * SB_CAMERAS_PER_CORE;
  return most < SB_CAMERAS_MOST ? most : SB_CAMERAS_MOST;
}

static void clear(sb_engine_camera *camera) {
  if (camera->address) sb_wipe(camera->address, strlen(camera->address));
  free(camera->address);
  free(camera->purpose);
  free(camera->masks);
  free(camera->watch);
  free(camera->hours);
  *camera = (sb_engine_camera){.rate = 0};
}

void sb_cameras_free(sb_engine_camera *cameras, size_t count) {
  for (size_t i = 0; i < count; i++) clear(&cameras[i]);
  free(cameras);
}

/* ---- Records */

static const char *text_of(const char *text) {
  return text ? text : "";
}

static sb_status record_write(const sb_engine_camera *camera, sb_buffer *out, sb_error *error) {
  char rate[16], smallest[16];
  snprintf(rate, sizeof rate, "%d", camera->rate);
  snprintf(smallest, sizeof smallest, "%d", camera->smallest_face);
  const char *const fields[RECORD_FIELDS] = {[VERSION] = RECORD_VERSION,
                                             [NAME] = camera->name,
                                             [COLLECTION] = camera->collection,
                                             [ADDRESS] = camera->address,
                                             [PURPOSE] = camera->purpose,
                                             [MASKS] = text_of(camera->masks),
                                             [RATE] = rate,
                                             [TRANSPORT] = camera->udp ? "udp" : "tcp",
                                             [WATCH] = text_of(camera->watch),
                                             [SMALLEST_FACE] = smallest,
                                             [HOURS] = text_of(camera->hours),
                                             [WATCHLIST] = camera->watchlist};
  for (int i = 0; i < RECORD_FIELDS; i++) {
    sb_status status = sb_buffer_add(out, fields[i], strlen(fields[i]) + 1, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static bool split(const sb_store_camera *stored, const char *fields[RECORD_FIELDS]) {
  const char *at = stored->record, *end = at + stored->size;
  int count = 0;
  for (; count < RECORD_FIELDS && at < end; at += strlen(at) + 1) fields[count++] = at; /* a NUL follows the record */
  if (at != end || count <= TRANSPORT || strcmp(fields[NAME], stored->name) != 0) return false;
  if (count == RECORD_FIELDS) return !strcmp(fields[VERSION], RECORD_VERSION);
  bool first = count == TRANSPORT + 1 && !strcmp(fields[VERSION], "1");
  fields[WATCH] = fields[HOURS] = fields[WATCHLIST] = "";
  fields[SMALLEST_FACE] = "1";
  return first;
}

static sb_status record_read(const sb_store_camera *stored, sb_engine_camera *out, sb_error *error) {
  const char *fields[RECORD_FIELDS];
  *out = (sb_engine_camera){.created_ms = stored->created_ms, .row = stored->row};
  if (!split(stored, fields))
    return sb_fail(error, SB_STORE,
                   "what the gallery holds of a camera was changed by another program; remove the camera and add it "
                   "again");
  snprintf(out->name, sizeof out->name, "%s", fields[NAME]);
  snprintf(out->collection, sizeof out->collection, "%s", fields[COLLECTION]);
  out->rate = atoi(fields[RATE]);
  snprintf(out->watchlist, sizeof out->watchlist, "%s", fields[WATCHLIST]);
  out->smallest_face = atoi(fields[SMALLEST_FACE]);
  out->udp = !strcmp(fields[TRANSPORT], "udp");
  out->address = sb_strdup(fields[ADDRESS], error);
  out->purpose = sb_strdup(fields[PURPOSE], error);
  out->masks = sb_strdup(fields[MASKS], error);
  out->watch = sb_strdup(fields[WATCH], error);
  out->hours = sb_strdup(fields[HOURS], error);
  return out->address && out->purpose && out->masks && out->watch && out->hours ? SB_OK : SB_NO_MEMORY;
}

/* ---- Adding */

static sb_status check_name(const char *name, sb_error *error) {
  size_t length = strlen(name);
  if (length && length <= SB_CAMERA_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length)
    return SB_OK;
  return sb_fail(error, SB_INVALID, "a camera's name is 1 to %d of a-z, 0-9, _ and -", SB_CAMERA_MAX);
}

static sb_status check_optional(const char *text, size_t most, const char *field, sb_error *error) {
  return text && *text ? sb_text_check(text, most, field, error) : SB_OK;
}

static sb_status check_settings(sb_engine *engine, const sb_engine_camera *camera, sb_error *error) {
  sb_status status = check_optional(camera->masks, SB_CAMERA_AREA_MAX, "masks", error);
  if (status != SB_OK) return status;
  status = check_optional(camera->watch, SB_CAMERA_AREA_MAX, "watch", error);
  if (status != SB_OK) return status;
  status = check_optional(camera->hours, SB_CAMERA_HOURS_MAX, "hours", error);
  if (status != SB_OK) return status;
  if (camera->smallest_face < 1 || camera->smallest_face > SB_CAMERA_FACE_MAX)
    return sb_fail(error, SB_INVALID, "smallest_face is 1 to %d pixels", SB_CAMERA_FACE_MAX);
  if (camera->rate < 1 || camera->rate > RATE_MAX)
    return sb_fail(error, SB_INVALID, "rate is 1 to %d pictures a second", RATE_MAX);
  sb_store_collection watchlist;
  return *camera->watchlist ? sb_engine_collection(engine, camera->watchlist, true, &watchlist, error) : SB_OK;
}

static sb_status check(sb_engine *engine, const sb_engine_camera *camera, sb_error *error) {
  sb_status status = check_name(camera->name, error);
  if (status != SB_OK) return status;
  status = sb_text_check(camera->address, ADDRESS_MAX, "address", error);
  if (status != SB_OK) return status;
  status = sb_text_check(camera->purpose, SB_CAMERA_PURPOSE_MAX, "purpose", error);
  return status == SB_OK ? check_settings(engine, camera, error) : status;
}

static sb_status add(sb_engine *engine, const sb_engine_camera *camera, sb_error *error) {
  sb_store_collection collection;
  sb_buffer record = {0};
  sb_store_camera stored = {0};
  sb_status status = check(engine, camera, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, camera->collection, true, &collection, error);
  if (status != SB_OK) return status;
  status = record_write(camera, &record, error);
  if (status == SB_OK) {
    snprintf(stored.name, sizeof stored.name, "%s", camera->name);
    stored.record = record.bytes;
    stored.size = record.size;
    status = sb_store_camera_add(engine->store, &stored, collection.row, sb_engine_cameras_most(), error);
  }
  if (record.bytes) sb_wipe(record.bytes, record.size);
  sb_buffer_free(&record);
  return status;
}

sb_status sb_engine_camera_add(sb_engine *engine, const sb_engine_camera *camera, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = add(engine, camera, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Reading */

/* One that cannot be read, as another program changed it, is logged and passed over: the others are watched. */
static sb_status list(sb_engine *engine, const char *name, sb_engine_camera **out, size_t *count, sb_error *error) {
  const char *scope = sb_actor_get()->collection;
  sb_store_camera *stored = NULL;
  size_t found = 0, kept = 0;
  sb_status status = sb_store_cameras(engine->store, &stored, &found, error);
  if (status != SB_OK) return status;
  sb_engine_camera *cameras = sb_alloc(found + 1, sizeof *cameras, error);
  if (!cameras) status = SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < found; i++) {
    sb_error cause = {0};
    sb_engine_camera *camera = &cameras[kept];
    if (name && strcmp(stored[i].name, name) != 0) continue;
    sb_status read = record_read(&stored[i], camera, &cause);
    bool visible = read == SB_OK && (!*scope || !strcmp(scope, camera->collection));
    if (read == SB_NO_MEMORY) status = sb_fail(error, read, "%s", cause.message);
    if (read == SB_STORE) sb_log(SB_LOG_ERROR, "camera %s: %s", stored[i].name, cause.message);
    if (visible)
      kept++;
    else
      clear(camera);
  }
  sb_store_cameras_free(stored, found);
  if (status != SB_OK) return sb_cameras_free(cameras, kept), status;
  *out = cameras;
  *count = kept;
  return SB_OK;
}

sb_status sb_engine_cameras(sb_engine *engine, sb_engine_camera **out, size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = list(engine, NULL, out, count, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status find(sb_engine *engine, const char *name, sb_engine_camera **out, sb_error *error) {
  size_t count = 0;
  sb_status status = list(engine, name, out, &count, error);
  if (status != SB_OK || count) return status;
  sb_cameras_free(*out, 0);
  *out = NULL;
  return sb_fail(error, SB_NOT_FOUND, "there is no camera of that name");
}

sb_status sb_engine_camera_get(sb_engine *engine, const char *name, sb_engine_camera **out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find(engine, name, out, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Changing */

/* Replaces a text that the camera owns. */
static sb_status set_text(char **text, const char *now, sb_error *error) {
  if (!now) return SB_OK;
  char *copy = sb_strdup(now, error);
  if (!copy) return SB_NO_MEMORY;
  if (*text) sb_wipe(*text, strlen(*text));
  free(*text);
  *text = copy;
  return SB_OK;
}

static sb_status apply(sb_engine *engine, const sb_engine_camera_change *change, sb_engine_camera *camera,
                       sb_error *error) {
  if (change->rate) camera->rate = change->rate;
  if (change->smallest_face) camera->smallest_face = change->smallest_face;
  if (change->watchlist && strlen(change->watchlist) > SB_COLLECTION_MAX)
    return sb_fail(error, SB_INVALID, "watchlist is too long for the name of a collection");
  if (change->watchlist) snprintf(camera->watchlist, sizeof camera->watchlist, "%s", change->watchlist);
  if (change->transport) camera->udp = !strcmp(change->transport, "udp");
  sb_status status = set_text(&camera->address, change->address, error);
  if (status == SB_OK) status = set_text(&camera->purpose, change->purpose, error);
  if (status == SB_OK) status = set_text(&camera->masks, change->masks, error);
  if (status == SB_OK) status = set_text(&camera->watch, change->watch, error);
  if (status == SB_OK) status = set_text(&camera->hours, change->hours, error);
  return status == SB_OK ? check(engine, camera, error) : status;
}

static sb_status store_changed(sb_engine *engine, const sb_engine_camera *camera, sb_error *error) {
  sb_store_collection collection;
  sb_buffer record = {0};
  sb_status status = sb_engine_collection(engine, camera->collection, true, &collection, error);
  if (status != SB_OK) return status;
  status = record_write(camera, &record, error);
  if (status == SB_OK) {
    const sb_store_camera stored = {.row = camera->row, .record = record.bytes, .size = record.size};
    status = sb_store_camera_change(engine->store, &stored, collection.row, error);
  }
  if (record.bytes) sb_wipe(record.bytes, record.size);
  sb_buffer_free(&record);
  return status;
}

sb_status sb_engine_camera_change_to(sb_engine *engine, const char *name, const sb_engine_camera_change *change,
                                     sb_error *error) {
  sb_engine_camera *camera = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find(engine, name, &camera, error);
  if (status == SB_OK) status = apply(engine, change, camera, error);
  if (status == SB_OK) status = store_changed(engine, camera, error);
  sb_cameras_free(camera, camera ? 1 : 0);
  sb_engine_leave(engine);
  return status;
}

/* ---- Removing */

/* A camera of a collection that is gone can be removed, too. */
static sb_status remove_camera(sb_engine *engine, const char *name, sb_error *error) {
  sb_engine_camera *camera = NULL;
  sb_store_collection collection = {.row = 0};
  sb_status status = find(engine, name, &camera, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, camera->collection, false, &collection, error);
  if (status == SB_OK || status == SB_NOT_FOUND)
    status = sb_store_camera_delete(engine->store, name, collection.row, error);
  sb_cameras_free(camera, 1);
  return status;
}

sb_status sb_engine_camera_remove(sb_engine *engine, const char *name, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = remove_camera(engine, name, error);
  sb_engine_leave(engine);
  return status;
}
