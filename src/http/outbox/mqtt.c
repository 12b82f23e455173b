#include "http/outbox/mqtt.h"

#include "webhook/broker.h"
#include "json/results.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOPIC_SIZE = 320, IN_SIGHT_S = 30 };

/* A packet that is being built. Sticky: after a failure the others do nothing. */
typedef struct writer {
  const sb_store_receiver *receiver;
  sb_webhook_broker broker;
  sb_buffer *out;
  sb_error *error;
  sb_status status;
} writer;

static writer begin(const sb_store_receiver *receiver, sb_buffer *out, sb_error *error) {
  writer w = {.receiver = receiver, .out = out, .error = error};
  w.status = sb_webhook_broker_read(receiver->url, &w.broker, error);
  if (w.status == SB_OK && !out->size) w.status = sb_buffer_add(out, receiver->ca, strlen(receiver->ca) + 1, error);
  return w;
}

static void add(writer *w, bool retained, const char *topic, const char *payload) {
  if (w->status == SB_OK) w->status = sb_buffer_add(w->out, retained ? "r" : "-", 2, w->error);
  if (w->status == SB_OK) w->status = sb_buffer_add(w->out, topic, strlen(topic) + 1, w->error);
  if (w->status == SB_OK) w->status = sb_buffer_add(w->out, payload, strlen(payload) + 1, w->error);
}

/* Takes the value over. */
static void add_json(writer *w, bool retained, const char *topic, json_t *json) {
  char *text = json ? sb_json_write(json) : NULL;
  json_decref(json);
  if (text)
    add(w, retained, topic, text);
  else if (w->status == SB_OK)
    w->status = sb_fail(w->error, SB_NO_MEMORY, "out of memory");
  free(text);
}

/* ---- Topics of a camera */

typedef struct topics {
  char events[TOPIC_SIZE], last_seen[TOPIC_SIZE], availability[TOPIC_SIZE], status[TOPIC_SIZE];
} topics;

static topics topics_of(const writer *w, const char *camera) {
  topics t;
  const char *prefix = w->broker.prefix;
  snprintf(t.events, sizeof t.events, "%s/cameras/%s/events", prefix, camera);
  snprintf(t.last_seen, sizeof t.last_seen, "%s/cameras/%s/last_seen", prefix, camera);
  snprintf(t.availability, sizeof t.availability, "%s/cameras/%s/availability", prefix, camera);
  snprintf(t.status, sizeof t.status, "%s/status", prefix);
  return t;
}

/* Is the receiver told when a camera is lost, and when it is back? */
static bool knows_states(const sb_store_receiver *r) {
  return !r->kinds || (r->kinds & SB_HTTP_MQTT_STATES) == SB_HTTP_MQTT_STATES;
}

static const char *shown_name(const sb_event *e) {
  if (e->erased) return "erased person";
  if (e->verdict == SB_VERDICT_UNSURE) return "not sure";
  return e->verdict == SB_VERDICT_MATCH && e->name ? e->name : "unknown person";
}

static json_t *last_seen_of(const sb_event *e) {
  const char *kind = sb_event_kind_name(e->kind);
  json_t *person = e->person && e->name ? json_pack("{s:s,s:s}", "id", e->person, "name", e->name) : json_null();
  return json_pack("{s:s,s:o,s:s,s:s,s:o,s:I}", "name", shown_name(e), "at", sb_json_time(e->since_ms), "kind",
                   kind ? kind : "", "verdict", sb_json_verdict(e->verdict), "person", person, "number",
                   (json_int_t)e->number);
}

sb_status sb_http_mqtt_event(const sb_store_receiver *receiver, const sb_event *event, const char *message,
                             sb_buffer *out, sb_error *error) {
  char test[TOPIC_SIZE];
  writer w = begin(receiver, out, error);
  if (w.status != SB_OK) return w.status;
  if (!event) {
    snprintf(test, sizeof test, "%s/test", w.broker.prefix);
    add(&w, false, test, message);
    return w.status;
  }
  topics t = topics_of(&w, event->camera);
  if (event->kind & SB_HTTP_MQTT_SIGHTINGS) add_json(&w, true, t.last_seen, last_seen_of(event));
  if (event->kind & SB_HTTP_MQTT_STATES && knows_states(receiver))
    add(&w, true, t.availability, event->kind == SB_EVENT_CAMERA_LOST ? "offline" : "online");
  add(&w, false, t.events, message);
  return w.status;
}

/* ---- Home Assistant's discovery: a device a camera, with these entities */

enum { ENTITIES = 5 };
static const struct {
  const char *component, *object;
} entities[ENTITIES] = {{"sensor", "last_seen"},
                        {"sensor", "last_seen_at"},
                        {"binary_sensor", "in_sight"},
                        {"binary_sensor", "online"},
                        {"event", "sighting"}};
enum { LAST_SEEN, LAST_SEEN_AT, IN_SIGHT, ONLINE, SIGHTING };

/* The part of ids that is this receiver's: its prefix, with _ for / and dots. */
static void node_of(const writer *w, const char *camera, char node[TOPIC_SIZE]) {
  snprintf(node, TOPIC_SIZE, "%s_%s", w->broker.prefix, camera);
  for (char *at = node; *at; at++)
    if (*at == '/' || *at == '.') *at = '_';
}

static void config_topic(const writer *w, const char *camera, int entity, char topic[2 * TOPIC_SIZE]) {
  char node[TOPIC_SIZE];
  node_of(w, camera, node);
  snprintf(topic, 2 * TOPIC_SIZE, "homeassistant/%s/%s/%s/config", entities[entity].component, node,
           entities[entity].object);
}

static json_t *device_of(const char *node, const char *camera) {
  return json_pack("{s:[s],s:s,s:s,s:s,s:s}", "identifiers", node, "name", camera, "manufacturer", "Semblance", "model",
                   "camera", "sw_version", SB_VERSION);
}

/* What all entities have. `camera_too`: it is available only while the camera is, too. */
static json_t *entity_of(const writer *w, const char *camera, int entity, bool camera_too) {
  topics t = topics_of(w, camera);
  char node[TOPIC_SIZE], id[TOPIC_SIZE + 32];
  node_of(w, camera, node);
  snprintf(id, sizeof id, "%s_%s", node, entities[entity].object);
  json_t *availability = json_pack("[{s:s}]", "topic", t.status);
  if (camera_too) sb_json_append(&availability, json_pack("{s:s}", "topic", t.availability));
  return json_pack("{s:s,s:o,s:s,s:o,s:{s:s,s:s}}", "unique_id", id, "availability", availability, "availability_mode",
                   "all", "device", device_of(node, camera), "origin", "name", "Semblance", "sw_version", SB_VERSION);
}

static void set_text(json_t **json, const char *key, const char *text) {
  sb_json_set(json, key, json_string(text));
}

static void set_sensor(json_t **json, const topics *t, bool time) {
  set_text(json, "name", time ? "Last seen at" : "Last seen");
  set_text(json, "state_topic", t->last_seen);
  set_text(json, "value_template", time ? "{{ value_json.at }}" : "{{ value_json.name[:255] }}");
  if (time) {
    set_text(json, "device_class", "timestamp");
  } else {
    set_text(json, "json_attributes_topic", t->last_seen);
    set_text(json, "icon", "mdi:face-recognition");
  }
}

/* An event that comes late, as the broker was away, does not mean that somebody is in sight now. */
static void set_in_sight(json_t **json, const topics *t) {
  set_text(json, "name", "Somebody in sight");
  set_text(json, "state_topic", t->events);
  set_text(json, "value_template",
           "{{ 'ON' if value_json.data.kind in ['seen', 'watchlist', 'unknown_again'] and "
           "as_timestamp(now()) - as_timestamp(value_json.data.until) < 60 else 'OFF' }}");
  set_text(json, "device_class", "motion");
  sb_json_set(json, "off_delay", json_integer(IN_SIGHT_S));
}

static void set_online(json_t **json, const topics *t) {
  set_text(json, "name", "Camera");
  set_text(json, "state_topic", t->availability);
  set_text(json, "payload_on", "online");
  set_text(json, "payload_off", "offline");
  set_text(json, "device_class", "connectivity");
  set_text(json, "entity_category", "diagnostic");
}

static void set_sighting(json_t **json, const topics *t, const sb_store_receiver *r) {
  json_t *kinds = json_array();
  for (unsigned kind = 1; kind & SB_EVENT_KINDS; kind <<= 1)
    if (!r->kinds || r->kinds & kind) sb_json_append(&kinds, json_string(sb_event_kind_name((sb_event_kind)kind)));
  set_text(json, "name", "Event");
  set_text(json, "state_topic", t->events);
  sb_json_set(json, "event_types", kinds);
  set_text(json, "value_template",
           "{{ dict(event_type=value_json.data.kind, number=value_json.data.number, "
           "verdict=value_json.data.verdict | default(none), person=value_json.data.person | default(none), "
           "since=value_json.data.since, note=value_json.data.note) | to_json }}");
}

static json_t *config_of(const writer *w, const char *camera, int entity) {
  topics t = topics_of(w, camera);
  bool states = knows_states(w->receiver);
  json_t *json = entity_of(w, camera, entity, states && entity == IN_SIGHT);
  if (entity == LAST_SEEN || entity == LAST_SEEN_AT) set_sensor(&json, &t, entity == LAST_SEEN_AT);
  if (entity == IN_SIGHT) set_in_sight(&json, &t);
  if (entity == ONLINE) set_online(&json, &t);
  if (entity == SIGHTING) set_sighting(&json, &t, w->receiver);
  return json;
}

/* A receiver that is not told of something has no entity for it. */
static bool has_entity(const sb_store_receiver *r, int entity) {
  if (entity == ONLINE) return knows_states(r);
  return entity == SIGHTING || !r->kinds || r->kinds & SB_HTTP_MQTT_SIGHTINGS;
}

/* ---- Announcing and forgetting */

sb_status sb_http_mqtt_announce(const sb_store_receiver *receiver, const sb_http_mqtt_camera *camera, sb_buffer *out,
                                sb_error *error) {
  char topic[2 * TOPIC_SIZE];
  writer w = begin(receiver, out, error);
  if (w.status != SB_OK) return w.status;
  topics t = topics_of(&w, camera->name);
  for (int i = 0; i < ENTITIES; i++) {
    config_topic(&w, camera->name, i, topic);
    if (has_entity(receiver, i)) add_json(&w, true, topic, config_of(&w, camera->name, i));
  }
  if (knows_states(receiver)) add(&w, true, t.availability, camera->lost ? "offline" : "online");
  if (camera->last)
    add_json(&w, true, t.last_seen, last_seen_of(camera->last));
  else
    add(&w, true, t.last_seen, "");
  return w.status;
}

sb_status sb_http_mqtt_forget(const sb_store_receiver *receiver, const char *camera, sb_buffer *out, sb_error *error) {
  char topic[2 * TOPIC_SIZE];
  writer w = begin(receiver, out, error);
  if (w.status != SB_OK) return w.status;
  topics t = topics_of(&w, camera);
  for (int i = 0; i < ENTITIES; i++) {
    config_topic(&w, camera, i, topic);
    add(&w, true, topic, "");
  }
  add(&w, true, t.availability, "");
  add(&w, true, t.last_seen, "");
  return w.status;
}

bool sb_http_mqtt_wants(const sb_store_receiver *receiver, const char *collection) {
  return !*receiver->collection || !strcmp(receiver->collection, collection);
}

sb_status sb_http_mqtt_forget_all(sb_engine *engine, const sb_store_receiver *receiver, sb_buffer *out,
                                  sb_error *error) {
  sb_engine_camera *cameras = NULL;
  size_t count = 0;
  sb_status status = sb_engine_cameras(engine, &cameras, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (sb_http_mqtt_wants(receiver, cameras[i].collection))
      status = sb_http_mqtt_forget(receiver, cameras[i].name, out, error);
  sb_cameras_free(cameras, count);
  if (status != SB_OK) return status;
  writer w = begin(receiver, out, error);
  if (w.status == SB_OK) add(&w, true, topics_of(&w, "").status, "");
  return w.status;
}
