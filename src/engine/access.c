/* API keys and the admin's password. What the server asks for each request goes over a database connection of its own,
 * which is opened when first needed. */
#include "store/gallery/access.h"
#include "engine/internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Administration */

sb_status sb_engine_access_list(sb_engine *engine, sb_access_key **keys, size_t *count, bool *has_admin,
                                sb_error *error) {
  sb_access_key *found = NULL;
  size_t number = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_access_keys(engine->store, &found, &number, error);
  if (status == SB_OK && has_admin) status = sb_access_has_admin(engine->store, has_admin, error);
  if (status == SB_OK)
    *keys = found, *count = number;
  else
    free(found);
  sb_engine_leave(engine);
  return status;
}

static sb_status add_key(sb_engine *engine, const char *name, sb_access_key *key, char text[SB_API_KEY_SIZE],
                         sb_error *error) {
  sb_store_collection collection;
  key->collection[0] = 0;
  if (name) {
    sb_status status = sb_engine_collection(engine, name, false, &collection, error);
    if (status != SB_OK) return status;
    snprintf(key->collection, sizeof key->collection, "%s", collection.info.name);
  }
  return sb_access_key_add(engine->store, key, text, error);
}

sb_status sb_engine_access_key_add(sb_engine *engine, const char *collection, sb_access_key *key,
                                   char text[SB_API_KEY_SIZE], sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = add_key(engine, collection, key, text, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_access_key_revoke(sb_engine *engine, const char *prefix, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_access_key_revoke(engine->store, prefix, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_access_password_set(sb_engine *engine, const char *password, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_access_password_set(engine->store, password, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_access_totp_set(sb_engine *engine, uint8_t secret[SB_TOTP_SECRET], sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_access_totp_set(engine->store, secret, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- For each request of a server */

static sb_status open_access(sb_engine *engine, sb_access **out, sb_error *error) {
  pthread_mutex_lock(&engine->access_lock);
  sb_status status = engine->access ? SB_OK : sb_access_open(engine->store, &engine->access, error);
  *out = engine->access;
  pthread_mutex_unlock(&engine->access_lock);
  return status;
}

/* The latest time that this process has seen: a key that has expired does not work again when the clock is set back. */
static int64_t latest_now(void) {
  static _Atomic int64_t latest;
  int64_t now = sb_now_ms(), seen = atomic_load(&latest);
  while (seen < now && !atomic_compare_exchange_weak(&latest, &seen, now)) {
  }
  return seen < now ? now : seen;
}

sb_status sb_engine_access_required(sb_engine *engine, bool *required, sb_error *error) {
  sb_access *access = NULL;
  sb_status status = open_access(engine, &access, error);
  return status == SB_OK ? sb_access_required(access, required, error) : status;
}

sb_status sb_engine_access_key_find(sb_engine *engine, const char *text, sb_access_key *out, sb_error *error) {
  sb_access *access = NULL;
  sb_status status = open_access(engine, &access, error);
  return status == SB_OK ? sb_access_key_find(access, text, latest_now(), out, error) : status;
}

sb_status sb_engine_access_key_recheck(sb_engine *engine, const char *prefix, sb_error *error) {
  sb_access *access = NULL;
  sb_access_key key;
  sb_status status = open_access(engine, &access, error);
  return status == SB_OK ? sb_access_key_recheck(access, prefix, latest_now(), &key, error) : status;
}

sb_status sb_engine_access_stamp(sb_engine *engine, uint8_t stamp[SB_DIGEST_SIZE], sb_error *error) {
  sb_access *access = NULL;
  sb_status status = open_access(engine, &access, error);
  return status == SB_OK ? sb_access_login_stamp(access, stamp, error) : status;
}

/* A login that cannot be entered in the audit is logged, and stays a login. */
static void audit_login(sb_engine *engine, const char *verb) {
  sb_error error = {0};
  if (sb_engine_enter(engine, &error) != SB_OK) return;
  if (sb_engine_audit_event(engine, &(sb_audit_event){.verb = verb}, &error) != SB_OK)
    sb_log(SB_LOG_ERROR, "a login could not be added to the audit: %s", error.message);
  sb_engine_leave(engine);
}

sb_status sb_engine_access_login(sb_engine *engine, const char *password, int one_time, sb_error *error) {
  sb_access *access = NULL;
  sb_status status = open_access(engine, &access, error);
  if (status == SB_OK) status = sb_access_login(access, password, one_time, sb_now_ms(), error);
  audit_login(engine, status == SB_OK ? "login" : "login-failed");
  return status;
}
