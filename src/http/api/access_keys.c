/* /v1/keys: the API keys, for the admin. */
#include "http/api/access_json.h"
#include "http/api/handlers.h"
#include "http/core/params.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>

void sb_http_handle_keys_list(sb_http_request *request) {
  sb_error error = {0};
  sb_access_key *keys = NULL;
  size_t count = 0;
  bool admin = false;
  sb_status status = sb_engine_access_list(request->context->engine, &keys, &count, &admin, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) sb_json_append(&list, sb_http_access_key_json(&keys[i]));
  free(keys);
  sb_http_reply_json(request, 200, json_pack("{s:o,s:b}", "keys", list, "admin_password", admin));
}

static sb_access_key read_key(sb_http_params *p) {
  sb_access_key key = {0};
  const char *label = sb_http_params_text(p, "label"), *roles = sb_http_params_text(p, "roles");
  const char *expires = sb_http_params_text(p, "expires");
  if (p->error.code != SB_OK || sb_text_check(label ? label : "", SB_LABEL_MAX, "label", &p->error) != SB_OK)
    return key;
  snprintf(key.label, sizeof key.label, "%s", label);
  key.roles = roles ? sb_http_roles_parse(roles) : 0;
  if (!key.roles) sb_http_params_reject(p, SB_INVALID, "roles is a list of read, enroll and admin with ',' between");
  if (expires && *expires) key.expires_ms = sb_http_params_expiry(p, "expires");
  return key;
}

void sb_http_handle_keys_add(sb_http_request *request) {
  sb_error error = {0};
  char text[SB_API_KEY_SIZE] = "";
  sb_http_params p = sb_http_params_begin(request);
  sb_access_key key = read_key(&p);
  const char *collection = sb_http_params_text(&p, "collection");
  if (collection && !*collection) collection = NULL; /* "": all collections */
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_access_key_add(request->context->engine, collection, &key, text, &error);
  json_t *json = status == SB_OK ? sb_http_access_key_json(&key) : NULL;
  if (status == SB_OK) sb_json_set(&json, "key", json_string(text));
  sb_http_reply_result(request, status, &error, 201, json);
  sb_wipe(text, sizeof text);
}

void sb_http_handle_key_revoke(sb_http_request *request) {
  sb_error error = {0};
  const char *prefix = request->path_parameters[0];
  sb_status status = sb_engine_access_key_revoke(request->context->engine, prefix, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:s}", "revoked", prefix));
}
