/* /v1/receivers: who is sent events by webhooks and MQTT, for the admin. */
#include "http/api/handlers.h"
#include "http/api/options.h"
#include "http/outbox/message.h"
#include "http/outbox/outbox.h"
#include "webhook/broker.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sb_status list_all(sb_http_request *request, json_t **out, sb_error *error) {
  size_t count = 0;
  sb_store_receiver *all = sb_alloc(SB_ENGINE_RECEIVERS_MAX, sizeof *all, error);
  if (!all) return SB_NO_MEMORY;
  sb_status status = sb_engine_receivers(request->context->engine, all, &count, error);
  json_t *list = status == SB_OK ? json_array() : NULL;
  for (size_t i = 0; i < count; i++) sb_json_append(&list, sb_http_receiver_json(&all[i]));
  sb_wipe(all, SB_ENGINE_RECEIVERS_MAX * sizeof *all);
  free(all);
  if (status == SB_OK) *out = list;
  return status;
}

/* One of them, without its secret. SB_NOT_FOUND. */
static sb_status find(sb_http_request *request, int64_t row, json_t **out, sb_error *error) {
  json_t *list = NULL, *item;
  size_t index;
  sb_status status = list_all(request, &list, error);
  if (status != SB_OK) return status;
  *out = NULL;
  json_array_foreach(list, index, item) {
    if (json_integer_value(json_object_get(item, "receiver")) == row) *out = json_incref(item);
  }
  json_decref(list);
  return *out ? SB_OK : sb_fail(error, SB_NOT_FOUND, "there is no such receiver");
}

void sb_http_handle_receivers_list(sb_http_request *request) {
  sb_error error = {0};
  json_t *list = NULL;
  sb_status status = list_all(request, &list, &error);
  sb_http_reply_result(request, status, &error, 200, status == SB_OK ? json_pack("{s:o}", "receivers", list) : NULL);
}

/* ---- Adding */

static void copy(sb_http_params *p, const char *field, const char *text, char *out, size_t size) {
  if (text && (size_t)snprintf(out, size, "%s", text) >= size)
    sb_http_params_reject(p, SB_INVALID, "%s has at most %zu bytes", field, size - 1);
}

/* What a broker knows Semblance by. */
static void read_password(sb_http_params *p, sb_store_receiver *r) {
  const char *password = sb_http_params_text(p, "password");
  if (sb_http_params_text(p, "secret"))
    sb_http_params_reject(p, SB_INVALID, "secret is for webhooks; an MQTT broker has a password");
  copy(p, "password", password, (char *)r->secret, sizeof r->secret);
  copy(p, "ca", sb_http_params_text(p, "ca"), r->ca, sizeof r->ca);
  r->secret_size = strlen((const char *)r->secret);
}

/* What a receiver of webhooks knows Semblance by. */
static void read_secret(sb_http_params *p, sb_store_receiver *r) {
  sb_error error = {0};
  const char *secret = sb_http_params_text(p, "secret");
  if (sb_http_params_text(p, "password") || sb_http_params_text(p, "ca"))
    sb_http_params_reject(p, SB_INVALID, "password and ca are for receivers whose url begins with mqtts://");
  if (secret) {
    sb_http_params_check(p, sb_http_webhook_secret_read(secret, r, &error), &error);
  } else {
    r->secret_size = SB_DIGEST_SIZE;
    sb_crypto_random(r->secret, r->secret_size);
  }
}

static void read_receiver(sb_http_params *p, sb_store_receiver *r) {
  const char *kinds = sb_http_params_text(p, "kinds");
  copy(p, "url", sb_http_params_required(p, "url", "where the events are sent"), r->url, sizeof r->url);
  copy(p, "collection", sb_http_params_text(p, "collection"), r->collection, sizeof r->collection);
  r->allow_private = sb_http_options_flag(p, "allow_private");
  r->kinds = kinds && *kinds ? sb_event_kinds(kinds) : 0;
  if (kinds && *kinds && !r->kinds)
    sb_http_params_reject(p, SB_INVALID,
                          "kinds is a list of seen, watchlist, unknown_again, camera_lost and camera_back");
  if (sb_webhook_is_mqtt(r->url))
    read_password(p, r);
  else
    read_secret(p, r);
}

/* The answer has the secret of signatures, which no other answer has. */
static void reply_added(sb_http_request *request, const sb_store_receiver *r, int64_t row) {
  sb_error error = {0};
  json_t *json = NULL;
  if (sb_http_failed(request, find(request, row, &json, &error), &error)) return;
  if (sb_webhook_is_mqtt(r->url)) {
    sb_http_reply_json(request, 201, json);
    return;
  }
  char *secret = sb_http_webhook_secret_write(r->secret, r->secret_size);
  sb_json_set(&json, "secret", secret ? json_string(secret) : NULL);
  if (secret) sb_wipe(secret, strlen(secret));
  free(secret);
  sb_http_reply_json(request, 201, json);
}

void sb_http_handle_receivers_add(sb_http_request *request) {
  sb_error error = {0};
  int64_t row = 0;
  sb_store_receiver r = {0};
  sb_http_params p = sb_http_params_begin(request);
  read_receiver(&p, &r);
  if (!sb_http_params_failed(&p) &&
      !sb_http_failed(request, sb_engine_receiver_add(request->context->engine, &r, &row, &error), &error))
    reply_added(request, &r, row);
  sb_wipe(&r, sizeof r);
}

/* ---- One receiver */

/* The number in the path; 0: it is none, and the request has its reply. */
static int64_t row_of(sb_http_request *request) {
  const char *text = request->path_parameters[0];
  size_t length = strlen(text);
  if (length && length <= 18 && strspn(text, "0123456789") == length) return strtoll(text, NULL, 10);
  sb_http_reply_error(request, &(sb_error){SB_NOT_FOUND, "there is no such receiver"});
  return 0;
}

void sb_http_handle_receiver_remove(sb_http_request *request) {
  sb_error error = {0};
  int64_t row = row_of(request);
  if (request->reply.status) return;
  sb_status status = sb_engine_receiver_remove(request->context->engine, row, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:I}", "removed", (json_int_t)row));
}

void sb_http_handle_receiver_test(sb_http_request *request) {
  sb_error error = {0};
  json_t *found = NULL;
  sb_http_outbox_result result = {0};
  int64_t row = row_of(request);
  if (request->reply.status || sb_http_failed(request, find(request, row, &found, &error), &error)) return;
  json_decref(found);
  sb_status status = sb_http_outbox_test(request->context->outbox, row, &result, &error);
  if (sb_http_failed(request, status, &error)) return;
  bool good = result.status >= 200 && result.status < 300;
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:i,s:s}", "delivered", good, "status", result.status, "error", result.error));
}

void sb_http_handle_receiver_dead_letters(sb_http_request *request) {
  enum { LIMIT = 100, LIMIT_MAX = 1000 };
  sb_error error = {0};
  json_t *found = NULL;
  size_t count = 0;
  int64_t row = row_of(request);
  if (request->reply.status) return;
  sb_http_params p = sb_http_params_begin(request);
  size_t limit = sb_http_params_count(&p, "limit", 1, LIMIT_MAX, LIMIT);
  if (sb_http_params_failed(&p) || sb_http_failed(request, find(request, row, &found, &error), &error)) return;
  json_decref(found);
  sb_store_dead_letter *dead = sb_alloc(limit, sizeof *dead, &error);
  sb_status status =
      dead ? sb_engine_dead_letters(request->context->engine, row, dead, limit, &count, &error) : SB_NO_MEMORY;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) sb_json_append(&list, sb_http_dead_letter_json(&dead[i]));
  free(dead);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "dead_letters", list));
}
