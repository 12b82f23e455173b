/* Cameras as JSON, for the API and for `semblance cameras --json`. */
#ifndef SB_HTTP_API_CAMERA_JSON_H
#define SB_HTTP_API_CAMERA_JSON_H

#include "camera/camera.h"

#include <jansson.h>

/* Without its state; of the address only scheme, host and port. NULL: out of memory. */
json_t *sb_http_camera_json(const sb_engine_camera *camera);
/* The word for what a problem of a camera states (sb_video_camera_cause), or "other"; null where it is "". */
json_t *sb_http_camera_cause_json(const char *problem);
json_t *sb_http_camera_state_json(const sb_camera_state *state);

#endif
