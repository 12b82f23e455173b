/* What the settings of a camera are, and trying a camera without watching it. */
#include "camera/area.h"
#include "camera/camera.h"
#include "camera/hours.h"
#include "image/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JPEG_QUALITY = 85 };

const char *sb_camera_phase_name(sb_camera_phase phase) {
  static const char *const names[SB_CAMERA_PHASES] = {[SB_CAMERA_CONNECTING] = "connecting",
                                                      [SB_CAMERA_CONNECTED] = "connected",
                                                      [SB_CAMERA_LOST] = "lost",
                                                      [SB_CAMERA_RESTING] = "resting"};
  return names[phase];
}

static const char *text_of(const char *text) {
  return text ? text : "";
}

/* What is NULL is not given. */
static sb_status check(const sb_engine_camera_change *settings, sb_error *error) {
  sb_video_address parts;
  sb_camera_area area;
  sb_camera_hours hours;
  sb_status status = settings->address ? sb_video_address_parse(settings->address, &parts, error) : SB_OK;
  if (status != SB_OK) return status;
  status = sb_camera_area_parse(text_of(settings->masks), "masks", &area, error);
  if (status != SB_OK) return status;
  status = sb_camera_area_parse(text_of(settings->watch), "watch", &area, error);
  return status == SB_OK ? sb_camera_hours_parse(text_of(settings->hours), &hours, error) : status;
}

sb_status sb_camera_add(sb_engine *engine, const sb_engine_camera *camera, sb_error *error) {
  const sb_engine_camera_change settings = {
      .address = camera->address, .masks = camera->masks, .watch = camera->watch, .hours = camera->hours};
  sb_status status = check(&settings, error);
  return status == SB_OK ? sb_engine_camera_add(engine, camera, error) : status;
}

sb_status sb_camera_change(sb_engine *engine, const char *name, const sb_engine_camera_change *change,
                           sb_error *error) {
  sb_status status = check(change, error);
  return status == SB_OK ? sb_engine_camera_change_to(engine, name, change, error) : status;
}

void sb_camera_shown_address(const sb_engine_camera *camera, char shown[SB_VIDEO_SHOWN_SIZE]) {
  sb_video_address address;
  bool known = sb_video_address_parse(camera->address, &address, NULL) == SB_OK;
  snprintf(shown, SB_VIDEO_SHOWN_SIZE, "%s", known ? address.shown : "");
}

static sb_status take_picture(sb_video *video, const sb_engine_camera *camera, sb_camera_probe *out, sb_error *error) {
  sb_video_frame frame;
  sb_camera_area masks;
  double begun = sb_monotonic_ms();
  sb_status status = sb_camera_area_parse(text_of(camera->masks), "masks", &masks, error);
  if (status != SB_OK) return status;
  if ((status = sb_video_info_get(video, &out->info, error)) != SB_OK) return status;
  if ((status = sb_video_next(video, &frame, error)) != SB_OK) return status;
  out->first_ms = sb_monotonic_ms() - begun;
  size_t size = 3 * (size_t)frame.width * (size_t)frame.height;
  uint8_t *pixels = sb_alloc(size, 1, error);
  if (!pixels) return SB_NO_MEMORY;
  memcpy(pixels, frame.pixels, size);
  sb_camera_area_paint(&masks, pixels, frame.width, frame.height);
  status =
      sb_image_write_jpeg(pixels, frame.width, frame.height, JPEG_QUALITY, &out->picture, &out->picture_size, error);
  free(pixels);
  return status;
}

sb_status sb_camera_try(sb_video_launcher *launcher, const sb_engine_camera *camera, bool sandbox, sb_camera_probe *out,
                        sb_error *error) {
  const sb_video_options how = {.rate = SB_CAMERA_RATE, .sandbox = sandbox, .udp = camera->udp};
  sb_video *video = NULL;
  *out = (sb_camera_probe){.first_ms = 0};
  sb_status status = sb_video_camera_open(launcher, camera->address, &how, &video, error);
  if (status == SB_OK) status = take_picture(video, camera, out, error);
  sb_video_close(video);
  return status;
}
