/* Events of one camera on their way to the gallery. What cannot be stored now, as the disk is full or the database is
 * away, waits in memory; where too many wait, the oldest is given up, with a line in the log. One thread. */
#ifndef SB_CAMERA_EVENTS_H
#define SB_CAMERA_EVENTS_H

#include "camera/camera.h"

#include <semblance/events.h>
#include <semblance/film.h>

typedef struct sb_camera_events {
  sb_engine *engine;
  const char *camera, *collection, *watchlist; /* borrowed */
  size_t count;
  struct sb_camera_waiting *waiting; /* oldest first */
  uint64_t added;                    /* so far */
  char problem[512];                 /* why the oldest one waits; "": none does */
} sb_camera_events;

/* A track; film times are `offset_ms` less than Unix times. The picture is stored only of somebody who was found. */
void sb_camera_events_add_track(sb_camera_events *events, const sb_film_track *track, int64_t offset_ms);
/* SB_EVENT_CAMERA_LOST with a note, or SB_EVENT_CAMERA_BACK. */
void sb_camera_events_add_state(sb_camera_events *events, sb_event_kind kind, const char *note);
/* Tries again to store what waits. */
void sb_camera_events_flush(sb_camera_events *events);
void sb_camera_events_clear(sb_camera_events *events);

#endif
