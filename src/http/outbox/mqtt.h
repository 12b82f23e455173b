/* The messages of MQTT receivers, and what Home Assistant needs to discover cameras (docs/events.md lists the topics).
 * Each function gives the body of a packet (webhook/protocol.h). */
#ifndef SB_HTTP_OUTBOX_MQTT_H
#define SB_HTTP_OUTBOX_MQTT_H

#include "engine/receivers.h"

#include <semblance/events.h>

#include <jansson.h>

enum {
  SB_HTTP_MQTT_SIGHTINGS = SB_EVENT_SEEN | SB_EVENT_WATCHLIST | SB_EVENT_UNKNOWN_AGAIN,
  SB_HTTP_MQTT_STATES = SB_EVENT_CAMERA_LOST | SB_EVENT_CAMERA_BACK, /* of a camera */
};

/* `message` is what a webhook would be sent. `event` NULL: a test. SB_INVALID: the receiver's URL. */
sb_status sb_http_mqtt_event(const sb_store_receiver *receiver, const sb_event *event, const char *message,
                             sb_buffer *out, sb_error *error);

/* What the retained topics of a camera say. */
typedef struct sb_http_mqtt_camera {
  const char *name;
  bool lost;
  const sb_event *last; /* the last sighting; NULL: none */
} sb_http_mqtt_camera;
/* The configuration of its entities, and its state. */
sb_status sb_http_mqtt_announce(const sb_store_receiver *receiver, const sb_http_mqtt_camera *camera, sb_buffer *out,
                                sb_error *error);
/* Removes what is retained of a camera: adds to `out`, which is empty at first. */
sb_status sb_http_mqtt_forget(const sb_store_receiver *receiver, const char *camera, sb_buffer *out, sb_error *error);
/* Likewise for all cameras of the gallery that the receiver knows, and for the receiver itself. */
sb_status sb_http_mqtt_forget_all(sb_engine *engine, const sb_store_receiver *receiver, sb_buffer *out,
                                  sb_error *error);
/* Does the receiver get the cameras of this collection? */
bool sb_http_mqtt_wants(const sb_store_receiver *receiver, const char *collection);

#endif
