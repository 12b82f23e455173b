/* The thread that watches one camera. */
#ifndef SB_CAMERA_WATCH_H
#define SB_CAMERA_WATCH_H

#include "camera/camera.h"

typedef struct sb_camera_watch sb_camera_watch;
/* Takes the camera over, also after a failure. */
sb_status sb_camera_watch_start(const sb_camera_watcher_options *options, sb_engine_camera *camera,
                                sb_camera_watch **out, sb_error *error);
/* Ends the thread soon; to be followed by sb_camera_watch_free. Any thread. */
void sb_camera_watch_cancel(sb_camera_watch *watch);
void sb_camera_watch_free(sb_camera_watch *watch); /* waits for the thread */
const sb_engine_camera *sb_camera_watch_camera(const sb_camera_watch *watch);
/* Any thread. */
sb_camera_state sb_camera_watch_state(sb_camera_watch *watch);
sb_status sb_camera_watch_snapshot(sb_camera_watch *watch, uint8_t **bytes, size_t *size, sb_error *error);

#endif
