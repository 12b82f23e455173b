#include "camera/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 256 };

/* An event with its own texts. */
typedef struct sb_camera_waiting {
  sb_event event;
  char person[SB_ID_MAX + 1], note[SB_EVENT_NOTE_MAX + 1];
  uint8_t *picture;
} sb_camera_waiting;

static void forget(sb_camera_events *events) {
  free(events->waiting[0].picture);
  memmove(events->waiting, events->waiting + 1, --events->count * sizeof *events->waiting);
}

/* False: it has to wait. An event that is refused never gets better. */
static bool store(sb_camera_events *events, sb_camera_waiting *waiting) {
  sb_error error = {0};
  sb_event event = waiting->event;
  event.person = *waiting->person ? waiting->person : NULL;
  event.note = *waiting->note ? waiting->note : NULL;
  event.picture = waiting->picture;
  event.camera = events->camera;
  event.collection = event.kind == SB_EVENT_WATCHLIST ? events->watchlist : events->collection;
  sb_status status = sb_engine_add_event(events->engine, &event, NULL, &error);
  events->added += status == SB_OK;
  if (status == SB_OK) return true;
  snprintf(events->problem, sizeof events->problem, "%s", error.message);
  if (status != SB_INVALID && status != SB_NOT_FOUND) return false;
  sb_log(SB_LOG_ERROR, "camera %s: an event was refused: %s", events->camera, error.message);
  return true;
}

void sb_camera_events_flush(sb_camera_events *events) {
  while (events->count && store(events, &events->waiting[0])) forget(events);
  if (!events->count) events->problem[0] = 0;
}

static void add(sb_camera_events *events, const sb_camera_waiting *waiting) {
  if (events->count == WAITING_MAX) {
    sb_log(SB_LOG_ERROR, "camera %s: the oldest of %d events that cannot be stored was given up: %s", events->camera,
           WAITING_MAX, events->problem);
    forget(events);
  }
  if (sb_grow((void **)&events->waiting, events->count + 1, sizeof *waiting, NULL) != SB_OK) {
    free(waiting->picture);
    sb_log(SB_LOG_ERROR, "camera %s: an event was lost: out of memory", events->camera);
    return;
  }
  events->waiting[events->count++] = *waiting;
  sb_camera_events_flush(events);
}

void sb_camera_events_add_track(sb_camera_events *events, const sb_film_track *track, int64_t offset_ms) {
  const sb_search_face *best = &track->best;
  const sb_candidate *who = best->verdict != SB_VERDICT_NONE && best->count ? &best->candidates[0] : NULL;
  sb_camera_waiting waiting = {
      .event = {.struct_size = sizeof waiting.event,
                .kind = track->alert ? SB_EVENT_WATCHLIST : SB_EVENT_SEEN,
                .since_ms = track->since_ms + offset_ms,
                .until_ms = track->until_ms + offset_ms,
                .verdict = best->verdict,
                .reason = best->reason,
                .score = best->count ? best->candidates[0].score : 0,
                .false_match_rate = best->count ? best->candidates[0].false_match_rate : -1,
                .gallery_false_match = best->count ? best->candidates[0].gallery_false_match : -1,
                .quality = best->face.quality.overall}};
  if (who) snprintf(waiting.person, sizeof waiting.person, "%s", who->id);
  if (best->verdict == SB_VERDICT_MATCH && track->picture_size && track->picture_size <= SB_EVENT_PICTURE_MAX)
    waiting.picture = sb_alloc(track->picture_size, 1, NULL); /* an event without its picture is better than none */
  if (waiting.picture) memcpy(waiting.picture, track->picture, waiting.event.picture_size = track->picture_size);
  add(events, &waiting);
}

void sb_camera_events_add_state(sb_camera_events *events, sb_event_kind kind, const char *note) {
  int64_t now = sb_now_ms();
  sb_camera_waiting waiting = {.event = {.struct_size = sizeof waiting.event,
                                         .kind = kind,
                                         .since_ms = now,
                                         .until_ms = now,
                                         .false_match_rate = -1,
                                         .gallery_false_match = -1,
                                         .quality = -1}};
  if (note) snprintf(waiting.note, sizeof waiting.note, "%.*s", SB_EVENT_NOTE_MAX, note);
  add(events, &waiting);
}

void sb_camera_events_clear(sb_camera_events *events) {
  while (events->count) forget(events);
  free(events->waiting);
  events->waiting = NULL;
}
