/*
 * Semblance: events, such as somebody who was seen by a camera. The conventions are those of semblance.h.
 */
#ifndef SEMBLANCE_EVENTS_H
#define SEMBLANCE_EVENTS_H

#include <semblance/semblance.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each kind is a bit, so that several can be asked for at once. */
typedef enum sb_event_kind {
  SB_EVENT_SEEN = 1,          /* somebody, known or not, was in sight of a camera: one event a track */
  SB_EVENT_WATCHLIST = 2,     /* the same, of somebody who is to cause an alert */
  SB_EVENT_UNKNOWN_AGAIN = 4, /* somebody unknown who was in sight before */
  SB_EVENT_CAMERA_LOST = 8,   /* a camera gives no pictures any more */
  SB_EVENT_CAMERA_BACK = 16   /* it gives pictures again */
} sb_event_kind;
enum { SB_EVENT_KINDS = 31 }; /* all of them */
/* "seen", "watchlist", "unknown_again", "camera_lost", "camera_back"; static. NULL: not a kind. */
SB_API const char *sb_event_kind_name(sb_event_kind kind);
/* A list of these names, separated by commas; 0: one of them is not a kind. */
SB_API unsigned sb_event_kinds(const char *names);

enum {
  SB_CAMERA_MAX = 64,             /* bytes of a camera's name: a-z, 0-9, _ and - */
  SB_EVENT_NOTE_MAX = 200,        /* bytes of a note */
  SB_EVENT_PICTURE_MAX = 1 << 18, /* bytes of a picture */
  SB_EVENTS_MAX = 1000            /* events of one list */
};

typedef struct sb_event {
  size_t struct_size;
  uint64_t number;            /* set by the gallery: 1, 2, 3 ... in the order in which they were added, with gaps */
  sb_event_kind kind;         /* one */
  const char *collection;     /* that was searched; NULL: default */
  const char *camera;         /* its name */
  int64_t since_ms, until_ms; /* Unix time, of the track's first and last picture, or when the camera was lost */
  sb_verdict verdict;         /* of the track; SB_VERDICT_NONE of a camera */
  sb_reason reason;           /* why the verdict is "not sure" */
  const char *person;         /* id of the match, or of the likeliest person ("not sure"); NULL: unknown */
  const char *name;           /* set by the gallery: the person's name as it is now; NULL: unknown */
  bool erased;                /* set by the gallery: the person was erased since, and the picture with it */
  double score;               /* as in sb_candidate, as the three below */
  double false_match_rate;    /* negative: unknown */
  double gallery_false_match; /* negative: unknown */
  float quality;              /* of the best shot, 0..1; negative: unknown */
  uint64_t unknown;           /* number of the unknown person, of SB_EVENT_UNKNOWN_AGAIN; 0: none */
  const char *note;           /* why a camera was lost; never a password. NULL: none */
  const uint8_t *picture;     /* a JPEG of the best shot; NULL: none */
  size_t picture_size;        /* bytes */
} sb_event;

/* Adds an event, durably before it returns, with the entry of the audit log that a sighting has (the caller adds none).
 * A person who was erased meanwhile is no failure: the event is added as `erased`. `number`: NULL allowed. SB_INVALID
 * names the field; SB_NOT_FOUND (collection), SB_FORBIDDEN, SB_DISK_FULL, SB_READ_ONLY, the store errors. */
SB_API sb_status sb_engine_add_event(sb_engine *engine, const sb_event *event, uint64_t *number, sb_error *error);

typedef struct sb_event_query {
  size_t struct_size;
  const char *collection;     /* NULL: of all collections that the caller may use */
  const char *camera;         /* NULL: of all */
  const char *person;         /* id, in `collection` (NULL: default); NULL: of all, and of nobody */
  unsigned kinds;             /* of sb_event_kind; 0: all */
  int64_t since_ms, until_ms; /* that began at `since_ms` or later, and before `until_ms`; 0: any */
  sb_order order;             /* SB_ORDER_OLDEST (as they were added) or SB_ORDER_NEWEST */
  uint64_t after;             /* continue after the event of this number; 0: from the first, or from the newest */
  size_t limit;               /* 1..SB_EVENTS_MAX; 0: 100 */
  bool pictures;
  bool continued; /* continues a list, or follows events: the audit log has an entry of its beginning already */
} sb_event_query;

typedef struct sb_events {
  size_t count;
  const sb_event *items;
  uint64_t next;   /* `after` for the next page; 0: the list has ended */
  uint64_t newest; /* the number of the newest event of all, whether it is listed or not; 0: there is none */
  void *memory;    /* private */
} sb_events;
SB_API void sb_events_free(sb_events *events);
/* Lists events, with an entry of the audit log that somebody saw them. SB_INVALID, SB_NOT_FOUND (collection, person),
 * SB_FORBIDDEN, the store errors. */
SB_API sb_status sb_engine_events(sb_engine *engine, const sb_event_query *query, sb_events **out, sb_error *error);
/* Waits until an event after number `after` has been added, by this process or another one, or for `ms` milliseconds;
 * `*newest` is the number of the newest event then. SB_STOPPING: the engine is being freed. */
SB_API sb_status sb_engine_events_wait(sb_engine *engine, uint64_t after, int ms, uint64_t *newest, sb_error *error);
/* Deletes the events that ended before `before_ms`. `count`: how many; NULL allowed. */
SB_API sb_status sb_engine_events_delete(sb_engine *engine, int64_t before_ms, size_t *count, sb_error *error);

#ifdef __cplusplus
}
#endif

#endif
