/* For the admin's page: keys, models, the audit, the published report. */
#include "http/api/handlers.h"
#include "http/api/json_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Keys */

void sb_http_handle_keys_list(sb_http_request *request) {
  sb_error error = {0};
  sb_access_key *keys = NULL;
  size_t count = 0;
  bool admin = false;
  if (sb_engine_access_list(request->context->engine, &keys, &count, &admin, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) json_array_append_new(list, sb_json_access_key(&keys[i]));
  free(keys);
  sb_http_reply_json(request, 200, json_pack("{s:o,s:b}", "keys", list, "admin_password", admin));
}

/* `*collection`: NULL or "" is all of them. */
static sb_status read_key(sb_http_request *request, sb_access_key *key, const char **collection, sb_error *error) {
  const char *label = NULL, *roles = NULL, *expires = NULL;
  sb_status status = sb_http_request_text(request, "label", &label, error);
  if (status == SB_OK) status = sb_http_request_text(request, "roles", &roles, error);
  if (status == SB_OK) status = sb_http_request_text(request, "collection", collection, error);
  if (status == SB_OK) status = sb_http_request_text(request, "expires", &expires, error);
  if (status == SB_OK) status = sb_text_check(label ? label : "", SB_LABEL_MAX, "label", error);
  if (status != SB_OK) return status;
  snprintf(key->label, sizeof key->label, "%s", label);
  key->roles = roles ? sb_roles_read(roles) : 0;
  if (!key->roles) return sb_fail(error, SB_INVALID, "roles is a list of read, enroll and admin with ',' between");
  return expires && *expires ? sb_time_expiry(expires, &key->expires_ms, error) : SB_OK;
}

void sb_http_handle_keys_add(sb_http_request *request) {
  sb_error error = {0};
  sb_access_key key = {0};
  char text[SB_API_KEY_SIZE] = "";
  const char *collection = NULL;
  sb_status status = read_key(request, &key, &collection, &error);
  if (collection && !*collection) collection = NULL;
  if (status == SB_OK) status = sb_engine_access_key_add(request->context->engine, collection, &key, text, &error);
  if (status == SB_OK) {
    json_t *json = sb_json_access_key(&key);
    if (json) json_object_set_new(json, "key", json_string(text));
    sb_http_reply_json(request, 201, json);
  } else {
    sb_http_reply_error(request, &error);
  }
  sb_wipe(text, sizeof text);
}

void sb_http_handle_key_revoke(sb_http_request *request) {
  sb_error error = {0};
  const char *prefix = request->path_parameters[0];
  if (sb_engine_access_key_revoke(request->context->engine, prefix, &error) == SB_OK)
    sb_http_reply_json(request, 200, json_pack("{s:s}", "revoked", prefix));
  else
    sb_http_reply_error(request, &error);
}

/* ---- Models */

static json_t *model_json(const sb_model_info *m) {
  if (*m->problem) return json_pack("{s:s,s:s,s:b}", "name", m->name, "problem", m->problem, "added", m->added);
  return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:b,s:b,s:b,s:b}", "name", m->name, "task", m->task, "licence", m->licence,
                   "source", m->source, "bytes", (json_int_t)m->file_size, "dim", (json_int_t)m->dim, "installed",
                   m->file_size > 0, "calibrated", m->calibrated, "experimental", m->experimental, "added", m->added);
}

void sb_http_handle_models_list(sb_http_request *request) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  size_t count = 0;
  if (sb_engine_models_list(request->context->engine, &models, &count, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) json_array_append_new(list, model_json(&models[i]));
  free(models);
  sb_http_reply_json(request, 200, json_pack("{s:o}", "models", list));
}

/* ---- The audit, newest first */

static sb_status put_in_front(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)error;
  json_array_insert_new(context, 0, sb_json_audit_entry(entry));
  return SB_OK;
}

void sb_http_handle_audit_list(sb_http_request *request) {
  enum { LIMIT = 100, LIMIT_MAX = 1000 };
  static const size_t number_max = 9000000000000000; /* what JSON's readers hold exactly */
  sb_error error = {0};
  size_t before = 0, limit = LIMIT;
  int64_t last = 0;
  sb_status status = sb_http_request_count(request, "before", 1, number_max, &before, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "limit", 1, LIMIT_MAX, &limit, &error);
  if (status == SB_OK) status = sb_engine_audit_last(request->context->engine, &last, &error);
  int64_t end = before && (int64_t)before <= last ? (int64_t)before - 1 : last; /* the newest that is shown */
  int64_t after = end > (int64_t)limit ? end - (int64_t)limit : 0;
  json_t *entries = json_array();
  if (status == SB_OK && end > after)
    status = sb_engine_audit(request->context->engine, after, (size_t)(end - after), put_in_front, entries, &error);
  if (status != SB_OK) {
    json_decref(entries);
    sb_http_reply_error(request, &error);
    return;
  }
  sb_http_reply_json(request, 200,
                     json_pack("{s:o,s:I,s:o}", "entries", entries, "last", (json_int_t)last, "next_before",
                               after ? json_integer((json_int_t)after + 1) : json_null()));
}

/* Follows the whole chain. */
void sb_http_handle_audit_head(sb_http_request *request) {
  sb_error error = {0};
  sb_audit_head head;
  if (sb_engine_audit_verify(request->context->engine, NULL, &head, &error) == SB_OK)
    sb_http_reply_json(request, 200, sb_json_audit_head(&head));
  else
    sb_http_reply_error(request, &error);
}

/* ---- The report */

void sb_http_handle_report(sb_http_request *request) {
  sb_error error = {0};
  char *text = NULL;
  size_t size = 0;
  if (sb_engine_report(request->context->engine, &text, &size, &error) == SB_OK)
    sb_http_reply_owned(request, 200, "application/json", text, size);
  else
    sb_http_reply_error(request, &error);
}
