/* Camera (above the engine): watches the cameras of a gallery. A thread a camera takes pictures from its decoder,
 * passes over those on which nothing moves, and gives the others to the engine, whose tracks become events of the
 * gallery. The cameras themselves are the engine's (engine/engine.h); this room adds what their settings mean. */
#ifndef SB_CAMERA_H
#define SB_CAMERA_H

#include "engine/engine.h"
#include "video/video.h"

#include <semblance/events.h>

/* ---- Cameras as things (cameras.c) */

/* Checks the settings, then sb_engine_camera_add. SB_INVALID names the field, and repeats nothing of the
 * address. */
sb_status sb_camera_add(sb_engine *engine, const sb_engine_camera *camera, sb_error *error);
/* Likewise for sb_engine_camera_change_to. */
sb_status sb_camera_change(sb_engine *engine, const char *name, const sb_engine_camera_change *change, sb_error *error);
/* What may be shown of its address: scheme, host and port. */
void sb_camera_shown_address(const sb_engine_camera *camera, char shown[SB_VIDEO_SHOWN_SIZE]);

/* What a camera gives now. */
typedef struct sb_camera_probe {
  sb_video_info info;
  double first_ms;  /* from the start until the first picture had arrived */
  uint8_t *picture; /* a JPEG, with the masks; released by free() */
  size_t picture_size;
} sb_camera_probe;
/* Connects, takes one picture, and ends the connection. Errors as of sb_video_camera_open. */
sb_status sb_camera_try(sb_video_launcher *launcher, const sb_engine_camera *camera, bool sandbox, sb_camera_probe *out,
                        sb_error *error);

/* ---- Watching (watcher.c) */

typedef enum sb_camera_phase {
  SB_CAMERA_CONNECTING,
  SB_CAMERA_CONNECTED,
  SB_CAMERA_LOST,
  SB_CAMERA_RESTING /* these are not its hours */
} sb_camera_phase;
enum { SB_CAMERA_PHASES = 4 };
const char *sb_camera_phase_name(sb_camera_phase phase); /* "connecting"; static */
typedef struct sb_camera_state {
  sb_camera_phase phase;
  int64_t since_ms;   /* Unix time: since when */
  char problem[512];  /* why it was lost, or what goes wrong; "": nothing */
  sb_video_info info; /* of the stream; width 0: not connected yet */
  uint64_t read;      /* pictures that were decoded */
  uint64_t dropped;   /* of them those that were not taken, as newer ones had come or no more a second are wanted */
  uint64_t still;     /* of those that were taken, passed over because nothing moved */
  uint64_t analysed;  /* of those that were taken, searched for faces */
  uint64_t events;    /* that were added */
  double lag_ms;      /* of the last picture that was searched: from its arrival to its end */
} sb_camera_state;

typedef struct sb_camera_watcher sb_camera_watcher;
typedef struct sb_camera_watcher_options {
  sb_engine *engine;           /* borrowed */
  sb_video_launcher *launcher; /* borrowed */
  sb_target target;            /* operating point where no admin chose one */
  bool sandbox;                /* of the decoders */
  bool thumbnails;             /* events of people who were found get a picture of the face */
} sb_camera_watcher_options;
/* Watches all cameras of the gallery, also those that any process adds later. */
sb_status sb_camera_watcher_start(const sb_camera_watcher_options *options, sb_camera_watcher **out, sb_error *error);
void sb_camera_watcher_stop(sb_camera_watcher *watcher); /* NULL allowed */
/* Looks for changes at once instead of within two seconds. */
void sb_camera_watcher_refresh(sb_camera_watcher *watcher);
/* False: the camera is not watched yet. */
bool sb_camera_watcher_state(sb_camera_watcher *watcher, const char *name, sb_camera_state *out);
/* The name and the state of each camera that is watched; at most `most`, gives how many. */
typedef struct sb_camera_watched {
  char name[SB_CAMERA_MAX + 1];
  sb_camera_state state;
} sb_camera_watched;
size_t sb_camera_watcher_states(sb_camera_watcher *watcher, sb_camera_watched *out, size_t most);
/* sb_camera_try with the launcher of the watcher. SB_BUSY: another camera is being tried. */
sb_status sb_camera_watcher_try(sb_camera_watcher *watcher, const sb_engine_camera *camera, sb_camera_probe *out,
                                sb_error *error);
/* The newest picture as a JPEG, with the masks; released by free(). SB_BUSY: there is none now. */
sb_status sb_camera_watcher_snapshot(sb_camera_watcher *watcher, const char *name, uint8_t **bytes, size_t *size,
                                     sb_error *error);

#endif
