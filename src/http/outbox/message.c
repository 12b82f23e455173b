#include "http/outbox/message.h"

#include "http/outbox/mqtt.h"
#include "webhook/broker.h"
#include "json/results.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_PREFIX "whsec_"

/* ---- Secrets */

char *sb_http_webhook_secret_write(const uint8_t *secret, size_t size) {
  char *text = NULL, *base64 = sb_base64_encode(secret, size);
  if (base64 && asprintf(&text, SECRET_PREFIX "%s", base64) < 0) text = NULL;
  if (base64) sb_wipe(base64, strlen(base64));
  free(base64);
  return text;
}

sb_status sb_http_webhook_secret_read(const char *text, sb_store_receiver *out, sb_error *error) {
  enum { TEXT_MAX = 128 };
  char copy[TEXT_MAX];
  size_t prefix = strlen(SECRET_PREFIX), size = 0;
  bool good = !strncmp(text, SECRET_PREFIX, prefix) && strlen(text + prefix) < sizeof copy;
  if (good) {
    snprintf(copy, sizeof copy, "%s", text + prefix);
    good = sb_base64_decode(copy, strlen(copy), &size, NULL) == SB_OK && size >= SB_RECEIVER_SECRET_MIN &&
           size <= SB_RECEIVER_SECRET_MAX;
  }
  if (good) memcpy(out->secret, copy, out->secret_size = size);
  sb_wipe(copy, sizeof copy);
  if (good) return SB_OK;
  return sb_fail(error, SB_INVALID, "secret is " SECRET_PREFIX " and the base64 of %d to %d bytes",
                 SB_RECEIVER_SECRET_MIN, SB_RECEIVER_SECRET_MAX);
}

/* ---- Messages */

static json_t *body_of(const sb_event *event) {
  char type[32];
  snprintf(type, sizeof type, "event.%s", event ? sb_event_kind_name(event->kind) : "test");
  json_t *data = event ? sb_json_event(event) : json_pack("{s:s}", "note", "a test of this receiver");
  json_t *at = sb_json_time(event ? event->since_ms : sb_now_ms());
  return json_pack("{s:s,s:o,s:o}", "type", type, "timestamp", at, "data", data);
}

/* v1: HMAC-SHA256 over "id.timestamp.body". */
static sb_status sign(const sb_store_receiver *receiver, sb_http_webhook_message *m, sb_error *error) {
  uint8_t mac[SB_DIGEST_SIZE];
  sb_buffer text = {0};
  sb_status status = sb_buffer_addf(&text, error, "%s.%lld.%s", m->id, (long long)m->timestamp, m->body);
  if (status != SB_OK) return status;
  sb_crypto_hmac_sha256(receiver->secret, receiver->secret_size, text.bytes, text.size, mac);
  sb_buffer_free(&text);
  char *base64 = sb_base64_encode(mac, sizeof mac);
  if (!base64) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  snprintf(m->signature, sizeof m->signature, "v1,%s", base64);
  free(base64);
  return SB_OK;
}

static void write_id(const sb_store_receiver *receiver, const sb_event *event, char id[SB_WEBHOOK_ID_SIZE]) {
  snprintf(id, SB_WEBHOOK_ID_SIZE, "%s_%llx_%llu", event ? "evt" : "test", (unsigned long long)receiver->created_ms,
           (unsigned long long)(event ? event->number : (uint64_t)sb_now_ms()));
}

static sb_status make_signed(const sb_store_receiver *receiver, const sb_event *event, sb_http_webhook_message *out,
                             sb_error *error) {
  sb_http_webhook_message m = {.timestamp = sb_now_ms() / 1000};
  json_t *json = body_of(event);
  m.body = json ? sb_json_write(json) : NULL;
  json_decref(json);
  if (!m.body) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  m.body_size = strlen(m.body);
  write_id(receiver, event, m.id);
  sb_status status = sign(receiver, &m, error);
  if (status == SB_OK)
    *out = m;
  else
    free(m.body);
  return status;
}

/* ---- MQTT */

sb_http_webhook_message sb_http_mqtt_message(const sb_store_receiver *receiver, sb_buffer *body,
                                             sb_webhook_connection connection) {
  sb_http_webhook_message m = {.connection = connection, .body = body->bytes, .body_size = body->size};
  snprintf(m.id, sizeof m.id, "%llx_%llx", (unsigned long long)receiver->row, (unsigned long long)receiver->created_ms);
  *body = (sb_buffer){0};
  return m;
}

/* The body of a webhook with the id that is a header there. */
static sb_status make_published(const sb_store_receiver *receiver, const sb_event *event, sb_http_webhook_message *out,
                                sb_error *error) {
  char id[SB_WEBHOOK_ID_SIZE];
  sb_buffer body = {0};
  json_t *json = body_of(event);
  write_id(receiver, event, id);
  sb_json_set(&json, "id", json_string(id));
  char *text = json ? sb_json_write(json) : NULL;
  json_decref(json);
  if (!text) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = sb_http_mqtt_event(receiver, event, text, &body, error);
  free(text);
  if (status == SB_OK)
    *out = sb_http_mqtt_message(receiver, &body, SB_WEBHOOK_KEEP);
  else
    sb_buffer_free(&body);
  return status;
}

/* ---- Both */

sb_status sb_http_webhook_message_make(const sb_store_receiver *receiver, const sb_event *event,
                                       sb_http_webhook_message *out, sb_error *error) {
  if (sb_webhook_is_mqtt(receiver->url)) return make_published(receiver, event, out, error);
  return make_signed(receiver, event, out, error);
}

sb_status sb_http_webhook_message_send(sb_webhook_sender *sender, const sb_store_receiver *receiver,
                                       const sb_http_webhook_message *message, uint64_t number, sb_error *error) {
  bool mqtt = sb_webhook_is_mqtt(receiver->url);
  const sb_webhook_request request = {.number = number,
                                      .allow_private = receiver->allow_private,
                                      .connection = message->connection,
                                      .url = receiver->url,
                                      .id = message->id,
                                      .signature = message->signature,
                                      .password = mqtt ? (const char *)receiver->secret : NULL,
                                      .timestamp = message->timestamp,
                                      .body = message->body,
                                      .body_size = message->body_size};
  return sb_webhook_send(sender, &request, error);
}

/* ---- JSON */

static json_t *kinds_of(unsigned kinds) {
  json_t *list = json_array();
  for (unsigned kind = 1; kind & SB_EVENT_KINDS; kind <<= 1)
    if (!kinds || kinds & kind) sb_json_append(&list, json_string(sb_event_kind_name((sb_event_kind)kind)));
  return list;
}

json_t *sb_http_receiver_json(const sb_store_receiver *r) {
  json_t *collection = *r->collection ? json_string(r->collection) : json_null();
  return json_pack("{s:I,s:s,s:o,s:o,s:b,s:o,s:b,s:I,s:I,s:o,s:o,s:s}", "receiver", (json_int_t)r->row, "url", r->url,
                   "collection", collection, "kinds", kinds_of(r->kinds), "allow_private", r->allow_private, "created",
                   sb_json_time(r->created_ms), "ended", r->ended, "position", (json_int_t)r->position, "tries",
                   (json_int_t)r->tries, "failing_since", sb_json_time(r->failing_since_ms), "next_try",
                   sb_json_time(r->next_try_ms), "error", r->error);
}

json_t *sb_http_dead_letter_json(const sb_store_dead_letter *dead) {
  return json_pack("{s:I,s:o,s:I,s:s}", "event", (json_int_t)dead->event, "at", sb_json_time(dead->at_ms), "tries",
                   (json_int_t)dead->tries, "error", dead->error);
}
