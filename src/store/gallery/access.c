/* API access: storing and revoking keys and the admin's password, and checking what a request presents.
 *
 * API keys are random, so a fast hash (BLAKE2b) of the text is stored; the prefix of the text, which is not secret,
 * finds the row, and the hashes are compared in constant time. The password is stored as Argon2id, which is slow on
 * purpose. A one-time password is accepted within one time step of 30 seconds before or after the clock's, and only if
 * its step is later than the last one used, so it cannot be replayed. */
#include "store/gallery/access.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SELECT "SELECT prefix, label, roles, collection, created, expires, revoked, hash FROM api_key "
enum { KEY_PREFIX, KEY_LABEL, KEY_ROLES, KEY_COLLECTION, KEY_CREATED, KEY_EXPIRES, KEY_REVOKED, KEY_HASH };

static void read_key(sb_statement *s, void *item) {
  sb_access_key *out = item;
  *out = (sb_access_key){.roles = (unsigned)sb_statement_column_int(s, KEY_ROLES),
                         .created_ms = sb_statement_column_int(s, KEY_CREATED),
                         .expires_ms = sb_statement_column_int(s, KEY_EXPIRES),
                         .revoked_ms = sb_statement_column_int(s, KEY_REVOKED)};
  snprintf(out->prefix, sizeof out->prefix, "%s", sb_statement_column_text(s, KEY_PREFIX));
  snprintf(out->label, sizeof out->label, "%s", sb_statement_column_text(s, KEY_LABEL));
  snprintf(out->collection, sizeof out->collection, "%s", sb_statement_column_text(s, KEY_COLLECTION));
}

/* ---- Changing: API keys */

static sb_status insert_key(sb_store *store, const sb_access_key *key, const char *text, sb_error *error) {
  uint8_t hash[SB_DIGEST_SIZE];
  sb_crypto_api_key_hash(text, hash);
  sb_statement s = sb_statement_new(store,
                                    "INSERT INTO api_key(prefix, hash, label, roles, collection, created, expires)"
                                    " VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id",
                                    error);
  sb_statement_bind_text(&s, 1, key->prefix);
  sb_statement_bind_blob(&s, 2, hash, sizeof hash);
  sb_statement_bind_text(&s, 3, key->label);
  sb_statement_bind_int(&s, 4, key->roles);
  sb_statement_bind_text(&s, 5, key->collection);
  sb_statement_bind_int(&s, 6, key->created_ms);
  if (key->expires_ms) sb_statement_bind_int(&s, 7, key->expires_ms);
  int64_t row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"access-key", 0, 0, row}, NULL, error);
}

sb_status sb_access_key_add(sb_store *store, sb_access_key *key, char text[SB_API_KEY_SIZE], sb_error *error) {
  if (!key->roles || key->roles & ~(unsigned)SB_ROLE_ALL)
    return sb_fail(error, SB_MISUSE, "a key has at least one role");
  sb_status status = sb_crypto_api_key_make(text, error);
  if (status != SB_OK) return status;
  sb_crypto_api_key_parse(text, key->prefix);
  key->created_ms = sb_now_ms();
  status = sb_store_begin(store, error);
  return status == SB_OK ? sb_store_finish(store, insert_key(store, key, text, error), error) : status;
}

sb_status sb_access_keys(sb_store *store, sb_access_key **out, size_t *count, sb_error *error) {
  void *list = NULL;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, KEY_SELECT "ORDER BY id", error);
  sb_status status = sb_statement_list(&s, sizeof **out, read_key, &list, count);
  sb_store_unlock(store);
  if (status == SB_OK) *out = list;
  return status;
}

static sb_status revoke_key(sb_store *store, const char *prefix, sb_error *error) {
  int64_t row = 0;
  sb_statement s = sb_statement_new(
      store, "UPDATE api_key SET revoked = coalesce(revoked, ?1) WHERE prefix = ?2 RETURNING id", error);
  sb_statement_bind_int(&s, 1, sb_now_ms());
  sb_statement_bind_text(&s, 2, prefix);
  if (sb_statement_step(&s))
    row = sb_statement_column_int(&s, 0);
  else
    sb_statement_not_found(&s, "there is no key of this prefix");
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"access-revoke", 0, 0, row}, NULL, error);
}

sb_status sb_access_key_revoke(sb_store *store, const char *prefix, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  return status == SB_OK ? sb_store_finish(store, revoke_key(store, prefix, error), error) : status;
}

/* ---- Changing: the admin */

static sb_status set_password(sb_store *store, const char *hash, sb_error *error) {
  sb_statement s = sb_statement_new(store,
                                    hash ? "INSERT INTO admin(id, password) VALUES(1, ?1)"
                                           " ON CONFLICT(id) DO UPDATE SET password = ?1"
                                         : "DELETE FROM admin",
                                    error);
  if (hash) sb_statement_bind_text(&s, 1, hash);
  sb_status status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"access-password", 0, 0, 0}, NULL, error);
}

sb_status sb_access_password_set(sb_store *store, const char *password, sb_error *error) {
  char hash[SB_PASSWORD_HASH] = "";
  sb_status status = password ? sb_crypto_password_hash(password, hash, error) : SB_OK;
  if (status != SB_OK) return status;
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, set_password(store, password ? hash : NULL, error), error);
}

sb_status sb_access_has_admin(sb_store *store, bool *out, sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM admin", error);
  bool found = sb_statement_step(&s);
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *out = found;
  return status;
}

static const sb_seal_context totp_context = {"admin", "totp", 1, NULL};

static sb_status set_totp(sb_store *store, const uint8_t *secret, sb_error *error) {
  sb_statement s = sb_statement_new(store, "UPDATE admin SET totp = ?, totp_step = NULL", error);
  if (secret) sb_statement_bind_sealed(&s, 1, &totp_context, secret, SB_TOTP_SECRET);
  sb_statement_step(&s);
  if (s.status == SB_OK && !sb_store_rows_written(store))
    sb_statement_not_found(&s, "there is no admin yet: set a password first");
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"access-totp", 0, 0, 0}, NULL, error);
}

sb_status sb_access_totp_set(sb_store *store, uint8_t secret[SB_TOTP_SECRET], sb_error *error) {
  if (secret) sb_crypto_random(secret, SB_TOTP_SECRET);
  sb_status status = sb_store_begin(store, error);
  return status == SB_OK ? sb_store_finish(store, set_totp(store, secret, error), error) : status;
}

/* ---- Authenticating: API keys */

struct sb_access {
  sb_store *store;                    /* borrowed: used one-time passwords are recorded there */
  sb_store *reader;                   /* its lock guards the statements */
  pthread_mutex_t hashing;            /* one password at a time, because hashing one takes much memory */
  sb_statement required, find, stamp; /* prepared once, because every request runs them */
};

sb_status sb_access_open(sb_store *store, sb_access **out, sb_error *error) {
  sb_access *access = sb_alloc(1, sizeof *access, error);
  if (!access) return SB_NO_MEMORY;
  access->store = store;
  pthread_mutex_init(&access->hashing, NULL);
  sb_status status = sb_store_reader_open(store, &access->reader, error);
  if (status == SB_OK) {
    access->required =
        sb_statement_new(access->reader, "SELECT EXISTS(SELECT 1 FROM api_key) OR EXISTS(SELECT 1 FROM admin)", error);
    access->find = sb_statement_new(access->reader, KEY_SELECT "WHERE prefix = ?", error);
    access->stamp = sb_statement_new(access->reader, "SELECT password, totp IS NULL FROM admin", error);
    status = access->required.status != SB_OK ? access->required.status
             : access->find.status != SB_OK   ? access->find.status
                                              : access->stamp.status;
  }
  if (status == SB_OK)
    *out = access;
  else
    sb_access_close(access);
  return status;
}

void sb_access_close(sb_access *access) {
  if (!access) return;
  sb_statement_end(&access->required);
  sb_statement_end(&access->find);
  sb_statement_end(&access->stamp);
  sb_store_core_free(access->reader);
  pthread_mutex_destroy(&access->hashing);
  free(access);
}

/* A statement that stays prepared, ready to be bound and stepped under the reader's lock; failures go to `error`. */
static sb_statement *reuse(sb_statement *s, sb_error *error) {
  s->status = SB_OK;
  s->error = error;
  return s;
}

sb_status sb_access_required(sb_access *access, bool *required, sb_error *error) {
  sb_store_lock(access->reader);
  sb_statement *s = reuse(&access->required, error);
  if (sb_statement_step(s)) *required = sb_statement_column_int(s, 0) != 0;
  sb_status status = s->status;
  sb_statement_reset(s);
  sb_store_unlock(access->reader);
  return status;
}

/* The stored key with that prefix and the hash of its text; *found false: there is none. */
static sb_status find_prefix(sb_access *access, const char *prefix, sb_access_key *key, uint8_t hash[SB_DIGEST_SIZE],
                             bool *found, sb_error *error) {
  sb_store_lock(access->reader);
  sb_statement *s = reuse(&access->find, error);
  sb_statement_bind_text(s, 1, prefix);
  *found = sb_statement_step(s);
  if (*found) {
    size_t size = 0;
    const void *stored = sb_statement_column_blob(s, KEY_HASH, &size);
    read_key(s, key);
    *found = size == SB_DIGEST_SIZE;
    if (*found) memcpy(hash, stored, SB_DIGEST_SIZE);
  }
  sb_status status = s->status;
  sb_statement_reset(s);
  sb_store_unlock(access->reader);
  return status;
}

static sb_status check_valid(const sb_access_key *key, bool known, int64_t now_ms, sb_error *error) {
  if (!known) return sb_fail(error, SB_FORBIDDEN, "the API key is not known");
  if (key->revoked_ms) return sb_fail(error, SB_FORBIDDEN, "the API key was revoked");
  if (key->expires_ms && key->expires_ms <= now_ms) return sb_fail(error, SB_FORBIDDEN, "the API key has expired");
  return SB_OK;
}

sb_status sb_access_key_find(sb_access *access, const char *text, int64_t now_ms, sb_access_key *out, sb_error *error) {
  char prefix[SB_API_KEY_PREFIX + 1] = "";
  uint8_t given[SB_DIGEST_SIZE], stored[SB_DIGEST_SIZE] = {0};
  sb_access_key key = {.roles = 0};
  bool well_formed = sb_crypto_api_key_parse(text, prefix), found = false;
  sb_crypto_api_key_hash(text, given);
  sb_status status = find_prefix(access, prefix, &key, stored, &found, error);
  bool same =
      sb_crypto_equal(given, stored, sizeof given); /* also when none was found, so that the time reveals nothing */
  if (status != SB_OK) return status;
  status = check_valid(&key, well_formed && found && same, now_ms, error);
  if (status == SB_OK) *out = key;
  return status;
}

sb_status sb_access_key_recheck(sb_access *access, const char *prefix, int64_t now_ms, sb_access_key *out,
                                sb_error *error) {
  uint8_t hash[SB_DIGEST_SIZE];
  sb_access_key key = {.roles = 0};
  bool found = false;
  sb_status status = find_prefix(access, prefix, &key, hash, &found, error);
  if (status != SB_OK) return status;
  status = check_valid(&key, found, now_ms, error);
  if (status == SB_OK) *out = key;
  return status;
}

/* ---- Authenticating: the admin */

/* The stored hash of a password has a random salt, so it is another one after each change. */
sb_status sb_access_login_stamp(sb_access *access, uint8_t stamp[SB_DIGEST_SIZE], sb_error *error) {
  char text[SB_PASSWORD_HASH + 2] = "";
  sb_store_lock(access->reader);
  sb_statement *s = reuse(&access->stamp, error);
  if (sb_statement_step(s))
    snprintf(text, sizeof text, "%d%s", (int)sb_statement_column_int(s, 1), sb_statement_column_text(s, 0));
  sb_status status = s->status;
  sb_statement_reset(s);
  sb_store_unlock(access->reader);
  if (status == SB_OK) sb_crypto_api_key_hash(text, stamp);
  sb_wipe(text, sizeof text);
  return status;
}

typedef struct admin {
  char hash[SB_PASSWORD_HASH]; /* "": there is no admin */
  bool totp;
  uint8_t secret[SB_TOTP_SECRET];
  int64_t step; /* of the one-time password used last; -1: none */
} admin;

enum { ADMIN_PASSWORD, ADMIN_TOTP, ADMIN_TOTP_STEP };

static void read_secret(sb_statement *s, uint8_t out[SB_TOTP_SECRET]) {
  size_t size = 0;
  char *secret = sb_statement_column_sealed(s, ADMIN_TOTP, &totp_context, &size);
  if (!secret) return;
  if (size == SB_TOTP_SECRET)
    memcpy(out, secret, SB_TOTP_SECRET);
  else
    s->status = sb_fail(s->error, SB_STORE, "the secret of one-time passwords is damaged; set a new one");
  sb_wipe(secret, size);
  free(secret);
}

static sb_status read_admin(sb_store *store, admin *out, sb_error *error) {
  *out = (admin){.step = -1};
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, "SELECT password, totp, totp_step FROM admin", error);
  if (sb_statement_step(&s)) {
    snprintf(out->hash, sizeof out->hash, "%s", sb_statement_column_text(&s, ADMIN_PASSWORD));
    if (!sb_statement_column_null(&s, ADMIN_TOTP_STEP)) out->step = sb_statement_column_int(&s, ADMIN_TOTP_STEP);
    out->totp = !sb_statement_column_null(&s, ADMIN_TOTP);
    if (out->totp) read_secret(&s, out->secret);
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

/* The time step of the one-time password, at most one step from the clock's; -1: it is wrong, or was used. */
static int64_t step_of(const admin *a, int one_time, int64_t now_ms) {
  int64_t now = now_ms / 30000;
  for (int64_t step = now - 1; step <= now + 1; step++)
    if (step > a->step && one_time >= 0 && sb_crypto_totp(a->secret, step) == (unsigned)one_time) return step;
  return -1;
}

static const char wrong_password[] = "the password or the one-time password is wrong";

/* Records the step, unless another login has used it meanwhile. */
static sb_status use_step(sb_store *store, int64_t step, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_exec_int(store, "UPDATE admin SET totp_step = ?1 WHERE totp_step IS NULL OR totp_step < ?1", step,
                             error);
  if (status == SB_OK && !sb_store_rows_written(store)) status = sb_fail(error, SB_FORBIDDEN, "%s", wrong_password);
  return sb_store_finish(store, status, error);
}

sb_status sb_access_login(sb_access *access, const char *password, int one_time, int64_t now_ms, sb_error *error) {
  admin a;
  sb_status status = read_admin(access->store, &a, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&access->hashing);
  bool matches = *a.hash && sb_crypto_password_matches(a.hash, password);
  pthread_mutex_unlock(&access->hashing);
  int64_t step = a.totp ? step_of(&a, one_time, now_ms) : 0;
  if (!matches || step < 0)
    status = sb_fail(error, SB_FORBIDDEN, "%s", wrong_password);
  else if (a.totp)
    status = use_step(access->store, step, error);
  sb_wipe(&a, sizeof a);
  return status;
}
