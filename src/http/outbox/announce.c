#include "http/outbox/announce.h"

#include <stdlib.h>
#include <string.h>

enum {
  LIST_MS = 2000,     /* between two looks at which cameras there are */
  CHECK_MS = 60000,   /* between two looks at what is retained of a camera */
  REPEAT_MS = 600000, /* a camera of which nothing changes is announced so often */
  KNOWN_MAX = 2 * SB_CAMERAS_MOST
};

/* A camera that the receiver knows, or is to know. */
typedef struct known {
  char name[SB_CAMERA_MAX + 1], collection[SB_COLLECTION_MAX + 1];
  bool there;
  uint8_t digest[SB_DIGEST_SIZE]; /* of what was delivered last */
  double check_ms, told_ms;       /* monotonic; 0: now, never */
} known;

struct sb_http_announcer {
  known cameras[KNOWN_MAX];
  size_t count;
  double list_ms, wait_ms; /* until when not to list, and not to send */
  int64_t failures;
  size_t going; /* the camera on its way */
  uint8_t digest[SB_DIGEST_SIZE];
};

sb_http_announcer *sb_http_announcer_new(sb_error *error) {
  return sb_alloc(1, sizeof(sb_http_announcer), error);
}

int64_t sb_http_announcer_failures(const sb_http_announcer *announcer) {
  return announcer->failures;
}

static known *find(sb_http_announcer *a, const char *name) {
  for (size_t i = 0; i < a->count; i++)
    if (!strcmp(a->cameras[i].name, name)) return &a->cameras[i];
  if (a->count == KNOWN_MAX) return NULL;
  known *k = &a->cameras[a->count++];
  *k = (known){.there = false};
  memcpy(k->name, name, strlen(name) + 1);
  return k;
}

static sb_status list(sb_http_announcer *a, sb_engine *engine, const sb_store_receiver *receiver, sb_error *error) {
  sb_engine_camera *cameras = NULL;
  size_t count = 0;
  if (sb_monotonic_ms() < a->list_ms) return SB_OK;
  sb_status status = sb_engine_cameras(engine, &cameras, &count, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < a->count; i++) a->cameras[i].there = false;
  for (size_t i = 0; i < count; i++) {
    known *k = sb_http_mqtt_wants(receiver, cameras[i].collection) ? find(a, cameras[i].name) : NULL;
    if (!k) continue;
    k->there = true;
    memcpy(k->collection, cameras[i].collection, sizeof k->collection);
  }
  sb_cameras_free(cameras, count);
  a->list_ms = sb_monotonic_ms() + LIST_MS;
  return SB_OK;
}

/* The newest event of some kinds. What is retained follows the list of events, so a person who was erased or renamed is
 * so there, too. */
static sb_status newest(sb_engine *engine, const known *k, unsigned kinds, sb_events **out, sb_error *error) {
  const sb_event_query query = {.struct_size = sizeof query,
                                .collection = k->collection,
                                .camera = k->name,
                                .kinds = kinds,
                                .order = SB_ORDER_NEWEST,
                                .limit = 1,
                                .continued = true};
  return sb_engine_events(engine, &query, out, error);
}

static sb_status announce(sb_engine *engine, const sb_store_receiver *receiver, const known *k, sb_buffer *out,
                          sb_error *error) {
  unsigned sightings = SB_HTTP_MQTT_SIGHTINGS;
  sb_events *state = NULL, *sighting = NULL;
  if (receiver->kinds) sightings &= receiver->kinds;
  sb_status status = newest(engine, k, SB_HTTP_MQTT_STATES, &state, error);
  if (status == SB_OK && sightings) status = newest(engine, k, sightings, &sighting, error);
  if (status == SB_OK) {
    const sb_http_mqtt_camera camera = {.name = k->name,
                                        .lost = state->count && state->items[0].kind == SB_EVENT_CAMERA_LOST,
                                        .last = sighting && sighting->count ? &sighting->items[0] : NULL};
    status = sb_http_mqtt_announce(receiver, &camera, out, error);
  }
  sb_events_free(state);
  sb_events_free(sighting);
  return status;
}

/* Leaves `out` empty where the receiver knows all this. */
static sb_status say(sb_http_announcer *a, sb_engine *engine, const sb_store_receiver *receiver, known *k,
                     sb_buffer *out, sb_error *error) {
  sb_status status =
      k->there ? announce(engine, receiver, k, out, error) : sb_http_mqtt_forget(receiver, k->name, out, error);
  if (status == SB_OK) status = sb_crypto_sha256(out->bytes, out->size, a->digest, error);
  if (status != SB_OK) return status;
  double now = sb_monotonic_ms();
  k->check_ms = now + CHECK_MS;
  if (!k->there || !k->told_ms || now - k->told_ms > REPEAT_MS || memcmp(a->digest, k->digest, sizeof k->digest) != 0)
    a->going = (size_t)(k - a->cameras);
  else
    sb_buffer_free(out);
  return SB_OK;
}

sb_status sb_http_announcer_next(sb_http_announcer *a, sb_engine *engine, const sb_store_receiver *receiver,
                                 sb_buffer *out, sb_error *error) {
  double now = sb_monotonic_ms();
  if (now < a->wait_ms) return SB_OK;
  sb_status status = list(a, engine, receiver, error);
  for (size_t i = 0; status == SB_OK && !out->size && i < a->count; i++)
    if (!a->cameras[i].there || now >= a->cameras[i].check_ms)
      status = say(a, engine, receiver, &a->cameras[i], out, error);
  if (status == SB_OK) return SB_OK;
  sb_buffer_free(out);
  a->list_ms = 0;
  a->wait_ms = now + LIST_MS; /* a collection was deleted in between; the next list says so */
  return status == SB_NOT_FOUND ? SB_OK : status;
}

void sb_http_announcer_end(sb_http_announcer *a, bool delivered, int64_t retry_ms) {
  known *k = &a->cameras[a->going];
  double now = sb_monotonic_ms();
  a->failures = delivered ? 0 : a->failures + 1;
  if (!delivered) {
    k->check_ms = 0;
    a->wait_ms = now + (double)retry_ms;
  } else if (k->there) {
    k->told_ms = now;
    memcpy(k->digest, a->digest, sizeof k->digest);
  } else {
    *k = a->cameras[--a->count];
  }
}
