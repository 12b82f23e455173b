/* Public: events. Who may see them is decided by the collection, as with every other verb. */
#include "store/gallery/events.h"
#include "engine/internal.h"

#include <semblance/events.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *sb_event_kind_name(sb_event_kind kind) {
  switch (kind) {
  case SB_EVENT_SEEN: return "seen";
  case SB_EVENT_WATCHLIST: return "watchlist";
  case SB_EVENT_UNKNOWN_AGAIN: return "unknown_again";
  case SB_EVENT_CAMERA_LOST: return "camera_lost";
  case SB_EVENT_CAMERA_BACK: return "camera_back";
  }
  return NULL;
}

static unsigned kind_of(const char *name, size_t length) {
  for (unsigned kind = 1; kind & SB_EVENT_KINDS; kind <<= 1) {
    const char *other = sb_event_kind_name((sb_event_kind)kind);
    if (strlen(other) == length && !memcmp(other, name, length)) return kind;
  }
  return 0;
}

unsigned sb_event_kinds(const char *names) {
  unsigned kinds = 0;
  for (;;) {
    size_t length = strcspn(names, ",");
    unsigned kind = kind_of(names, length);
    if (!kind) return 0;
    kinds |= kind;
    if (!names[length]) return kinds;
    names += length + 1;
  }
}

/* ---- Waking those who wait. An event of another process wakes nobody here, so the store is asked now and then. */

enum { PERIOD_MS = 250 };

typedef struct sb_engine_event_signal {
  pthread_mutex_t lock;
  pthread_cond_t added;
  uint64_t newest; /* that this process has added */
} sb_engine_event_signal;

sb_status sb_engine_event_signal_new(sb_engine *engine, sb_error *error) {
  pthread_condattr_t monotonic;
  sb_engine_event_signal *signal = sb_alloc(1, sizeof *signal, error);
  if (!signal) return SB_NO_MEMORY;
  pthread_mutex_init(&signal->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&signal->added, &monotonic);
  pthread_condattr_destroy(&monotonic);
  engine->event_signal = signal;
  return SB_OK;
}

void sb_engine_event_signal_free(sb_engine *engine) {
  sb_engine_event_signal *signal = engine->event_signal;
  if (!signal) return;
  pthread_cond_destroy(&signal->added);
  pthread_mutex_destroy(&signal->lock);
  free(signal);
}

static void wake(sb_engine_event_signal *signal, uint64_t number) {
  pthread_mutex_lock(&signal->lock);
  if (number > signal->newest) signal->newest = number;
  pthread_cond_broadcast(&signal->added);
  pthread_mutex_unlock(&signal->lock);
}

static void sleep_until(sb_engine_event_signal *signal, uint64_t after, double ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)(ms * 1e6);
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_mutex_lock(&signal->lock);
  while (signal->newest <= after && pthread_cond_timedwait(&signal->added, &signal->lock, &until) != ETIMEDOUT) {
  }
  pthread_mutex_unlock(&signal->lock);
}

sb_status sb_engine_events_wait(sb_engine *engine, uint64_t after, int ms, uint64_t *newest, sb_error *error) {
  const double end = sb_monotonic_ms() + ms;
  for (;;) {
    uint64_t number = 0;
    sb_status status = sb_engine_enter(engine, error);
    if (status != SB_OK) return status;
    status = sb_store_events_newest(engine->store, &number, error);
    double left = end - sb_monotonic_ms();
    if (status == SB_OK && number <= after && left > 0)
      sleep_until(engine->event_signal, after, left < PERIOD_MS ? left : PERIOD_MS);
    sb_engine_leave(engine);
    if (status != SB_OK) return status;
    if (number > after || left <= 0) return *newest = number, SB_OK;
  }
}

/* ---- Adding */

static sb_status check_camera(const char *camera, sb_error *error) {
  size_t length = camera ? strlen(camera) : 0;
  if (length && length <= SB_CAMERA_MAX && strspn(camera, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length)
    return SB_OK;
  return sb_fail(error, SB_INVALID, "a camera's name is 1 to %d of a-z, 0-9, _ and -", SB_CAMERA_MAX);
}

/* From the year 1970 to the year 9999. */
static bool time_is_valid(int64_t ms) {
  return ms >= 0 && ms <= 253402300799999;
}

static bool rate_is_valid(double rate) {
  return isfinite(rate) && rate <= 1;
}

static sb_status check_numbers(const sb_event *event, sb_error *error) {
  if (!time_is_valid(event->since_ms) || !time_is_valid(event->until_ms) || event->until_ms < event->since_ms)
    return sb_fail(error, SB_INVALID, "since_ms and until_ms of an event are Unix times, one after the other");
  if ((unsigned)event->verdict > SB_VERDICT_MATCH || (unsigned)event->reason > SB_REASON_CHILD)
    return sb_fail(error, SB_INVALID, "the verdict or the reason of an event is out of range");
  if (!rate_is_valid(event->score) || !rate_is_valid(event->false_match_rate) ||
      !rate_is_valid(event->gallery_false_match) || !rate_is_valid((double)event->quality))
    return sb_fail(error, SB_INVALID, "score, rates and quality of an event are finite and at most 1");
  return SB_OK;
}

static sb_status check_parts(const sb_event *event, sb_error *error) {
  if (event->note && *event->note) {
    sb_status status = sb_text_check(event->note, SB_EVENT_NOTE_MAX, "note", error);
    if (status != SB_OK) return status;
  }
  if (!event->picture != !event->picture_size || event->picture_size > SB_EVENT_PICTURE_MAX)
    return sb_fail(error, SB_INVALID, "picture of an event is a JPEG of at most %d bytes", SB_EVENT_PICTURE_MAX);
  if (event->verdict == SB_VERDICT_MATCH && !event->person)
    return sb_fail(error, SB_INVALID, "person of an event is missing: its verdict is a match");
  return event->person ? sb_text_check(event->person, SB_ID_MAX, "person", error) : SB_OK;
}

static sb_status check(const sb_event *event, sb_error *error) {
  if (event->struct_size != sizeof *event) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (!sb_event_kind_name(event->kind)) return sb_fail(error, SB_INVALID, "kind of an event is one of sb_event_kind");
  sb_status status = check_camera(event->camera, error);
  if (status == SB_OK) status = check_numbers(event, error);
  return status == SB_OK ? check_parts(event, error) : status;
}

/* A person who cannot be found was erased since the search. Row ids are never used twice, and -1 never. */
static sb_status find_row(sb_engine *engine, int64_t collection, const char *id, int64_t *row, sb_error *error) {
  if (!id) return SB_OK;
  sb_status status = sb_store_person_find(engine->store, collection, id, row, NULL, error);
  if (status != SB_NOT_FOUND) return status;
  *row = -1;
  return SB_OK;
}

static sb_status add(sb_engine *engine, const sb_event *event, uint64_t *number, sb_error *error) {
  sb_store_collection collection;
  int64_t person = 0;
  sb_status status = sb_engine_collection(engine, event->collection, true, &collection, error);
  if (status != SB_OK) return status;
  status = find_row(engine, collection.row, event->person, &person, error);
  if (status != SB_OK) return status;
  return sb_store_event_add(engine->store, collection.row, person, event, number, error);
}

sb_status sb_engine_add_event(sb_engine *engine, const sb_event *event, uint64_t *number, sb_error *error) {
  uint64_t added = 0;
  sb_status status = check(event, error);
  if (status != SB_OK) return status;
  status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = add(engine, event, &added, error);
  if (status == SB_OK) {
    wake(engine->event_signal, added);
    if (number) *number = added;
  }
  sb_engine_leave(engine);
  return status;
}

/* ---- Listing and deleting */

static sb_status check_query(const sb_event_query *q, sb_error *error) {
  if (q->struct_size != sizeof *q) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (q->limit > SB_EVENTS_MAX)
    return sb_fail(error, SB_INVALID, "at most %d events can be listed at once", SB_EVENTS_MAX);
  if (q->order != SB_ORDER_OLDEST && q->order != SB_ORDER_NEWEST)
    return sb_fail(error, SB_INVALID, "events are listed by time: the oldest or the newest first");
  if (q->kinds & ~(unsigned)SB_EVENT_KINDS) return sb_fail(error, SB_INVALID, "there is no such kind of event");
  if (q->after > INT64_MAX) return sb_fail(error, SB_INVALID, "there is no such event to continue after");
  return q->camera ? check_camera(q->camera, error) : SB_OK;
}

/* `rows` are those of the query's collection, of the actor's only one where it names none, and of the person. */
static sb_status find_rows(sb_engine *engine, const sb_event_query *q, sb_store_event_query *rows, sb_error *error) {
  sb_store_collection collection;
  const char *only = sb_actor_get()->collection;
  const char *name = q->collection ? q->collection : *only ? only : NULL;
  if (!name && !q->person) return SB_OK;
  if (q->person) {
    sb_status status = sb_engine_find_person(engine, name, q->person, &collection, &rows->person, NULL, error);
    if (status != SB_OK) return status;
  } else {
    sb_status status = sb_engine_collection(engine, name, false, &collection, error);
    if (status != SB_OK) return status;
  }
  rows->collection = collection.row ? collection.row : -1; /* the default one before it has been made has no events */
  return SB_OK;
}

static sb_status list(sb_engine *engine, const sb_event_query *query, sb_events **out, sb_error *error) {
  enum { LIMIT_DEFAULT = 100 };
  sb_event_query q = *query;
  sb_store_event_query rows = {.query = &q};
  if (!q.limit) q.limit = LIMIT_DEFAULT;
  sb_status status = find_rows(engine, query, &rows, error);
  if (status != SB_OK) return status;
  sb_events *found = NULL;
  status = sb_store_events(engine->store, &rows, &found, error);
  if (status != SB_OK) return status;
  const sb_audit_event seen = {"list-events", rows.collection > 0 ? rows.collection : 0, rows.person,
                               (int64_t)found->count};
  if (!q.continued) status = sb_engine_audit_event(engine, &seen, error);
  if (status == SB_OK)
    *out = found;
  else
    sb_events_free(found);
  return status;
}

sb_status sb_engine_events(sb_engine *engine, const sb_event_query *query, sb_events **out, sb_error *error) {
  sb_status status = check_query(query, error);
  if (status != SB_OK) return status;
  status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = list(engine, query, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_events_delete(sb_engine *engine, int64_t before_ms, size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_events_delete(engine->store, before_ms, count, error);
  sb_engine_leave(engine);
  return status;
}
