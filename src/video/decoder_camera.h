/* A camera as FFmpeg's libraries see it. Only the decoder program includes this. */
#ifndef SB_VIDEO_DECODER_CAMERA_H
#define SB_VIDEO_DECODER_CAMERA_H

#include "video/decoder_film.h"
#include "video/video.h"

typedef struct sb_video_camera {
  char address[SB_VIDEO_ADDRESS_MAX + 1];
  sb_video_address parsed;
  bool udp;
  double give_up_ms;            /* monotonic: when waiting for the camera ends */
  void (*waits)(void *context); /* called several times a second while the camera is waited for */
  void *context;
} sb_video_camera;

/* Looks up the host of `address`. Before the sandbox. */
sb_video_failure sb_video_camera_find(sb_video_camera *camera);
/* The TCP ports that it may connect to, ended by 0, for the sandbox. */
enum { SB_VIDEO_CAMERA_PORTS = 8 };
void sb_video_camera_ports(const sb_video_camera *camera, uint16_t ports[SB_VIDEO_CAMERA_PORTS]);
/* Connects. As sb_video_film_open. */
sb_video_failure sb_video_camera_connect(sb_video_camera *camera, sb_video_film *film, uint32_t *width,
                                         uint32_t *height);
/* The camera has this long to send something. */
void sb_video_camera_patience(sb_video_camera *camera);
/* Why reading ended, by FFmpeg's error. */
sb_video_failure sb_video_camera_failure(const sb_video_camera *camera, int error);

#endif
