#include "store/gallery/access.h"

#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Changing, by the command line */

static sb_status insert_key(sb_store *store, const sb_access_key *key, const char *text, int64_t *row,
                            sb_error *error) {
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
  *row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  return sb_statement_end(&s);
}

sb_status sb_access_key_add(sb_store *store, sb_access_key *key, char text[SB_API_KEY_SIZE], sb_error *error) {
  if (!key->roles || key->roles & ~(unsigned)SB_ROLE_ALL)
    return sb_fail(error, SB_MISUSE, "a key has at least one role");
  sb_status status = sb_crypto_api_key_make(text, error);
  if (status != SB_OK) return status;
  sb_crypto_api_key_parse(text, key->prefix);
  key->created_ms = sb_now_ms();
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  int64_t row = 0;
  status = insert_key(store, key, text, &row, error);
  if (status == SB_OK) status = sb_audit_append(store, "access-key", 0, 0, row, NULL, error);
  return sb_store_finish(store, status, error);
}

#define KEY_COLUMNS "SELECT prefix, label, roles, collection, created, expires, revoked, hash FROM api_key "

static void read_key(sb_statement *s, void *item) {
  sb_access_key *out = item;
  *out = (sb_access_key){.roles = (unsigned)sb_statement_column_int(s, 2),
                         .created_ms = sb_statement_column_int(s, 4),
                         .expires_ms = sb_statement_column_int(s, 5),
                         .revoked_ms = sb_statement_column_int(s, 6)};
  snprintf(out->prefix, sizeof out->prefix, "%s", sb_statement_column_text(s, 0));
  snprintf(out->label, sizeof out->label, "%s", sb_statement_column_text(s, 1));
  snprintf(out->collection, sizeof out->collection, "%s", sb_statement_column_text(s, 3));
}

sb_status sb_access_keys(sb_store *store, sb_access_key **out, size_t *count, sb_error *error) {
  void *list = NULL;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, KEY_COLUMNS "ORDER BY id", error);
  sb_status status = sb_statement_list(&s, sizeof **out, read_key, &list, count);
  if (status == SB_OK) *out = list;
  return status;
}

sb_status sb_access_key_revoke(sb_store *store, const char *prefix, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(
      store, "UPDATE api_key SET revoked = coalesce(revoked, ?1) WHERE prefix = ?2 RETURNING id", error);
  sb_statement_bind_int(&s, 1, sb_now_ms());
  sb_statement_bind_text(&s, 2, prefix);
  int64_t row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  if (!row && s.status == SB_OK) s.status = sb_fail(error, SB_NOT_FOUND, "there is no key of this prefix");
  status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_audit_append(store, "access-revoke", 0, 0, row, NULL, error);
  return sb_store_finish(store, status, error);
}

sb_status sb_access_password_set(sb_store *store, const char *password, sb_error *error) {
  char hash[SB_PASSWORD_HASH] = "";
  sb_status status = password ? sb_crypto_password_hash(password, hash, error) : SB_OK;
  if (status == SB_OK) status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store,
                                    password ? "INSERT INTO admin(id, password) VALUES(1, ?1)"
                                               " ON CONFLICT(id) DO UPDATE SET password = ?1"
                                             : "DELETE FROM admin",
                                    error);
  if (password) sb_statement_bind_text(&s, 1, hash);
  sb_statement_step(&s);
  status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_audit_append(store, "access-password", 0, 0, 0, NULL, error);
  return sb_store_finish(store, status, error);
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

static const sb_seal_context totp_place = {"admin", "totp", 1, NULL};

sb_status sb_access_totp_set(sb_store *store, uint8_t secret[SB_TOTP_SECRET], sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, "UPDATE admin SET totp = ?, totp_step = NULL", error);
  if (secret) {
    sb_crypto_random(secret, SB_TOTP_SECRET);
    sb_statement_bind_sealed(&s, 1, &totp_place, secret, SB_TOTP_SECRET);
  }
  sb_statement_step(&s);
  if (s.status == SB_OK && !sb_store_rows_written(store))
    s.status = sb_fail(error, SB_NOT_FOUND, "there is no admin yet: set a password first");
  status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_audit_append(store, "access-totp", 0, 0, 0, NULL, error);
  return sb_store_finish(store, status, error);
}

/* ---- Asking, by the server */

struct sb_access {
  sb_store *store;          /* borrowed: one-time passwords are noted there */
  sb_store *reader;         /* a connection of its own, whose lock guards the statements */
  pthread_mutex_t hashing;  /* one password at a time, as each takes much memory */
  sb_statement closed, key; /* prepared once: every request asks */
};

sb_status sb_access_open(sb_store *store, sb_access **out, sb_error *error) {
  sb_access *access = sb_alloc(1, sizeof *access, error);
  if (!access) return SB_NO_MEMORY;
  access->store = store;
  pthread_mutex_init(&access->hashing, NULL);
  sb_status status = sb_store_reader(store, &access->reader, error);
  if (status == SB_OK) {
    access->closed =
        sb_statement_new(access->reader, "SELECT EXISTS(SELECT 1 FROM api_key) OR EXISTS(SELECT 1 FROM admin)", error);
    access->key = sb_statement_new(access->reader, KEY_COLUMNS "WHERE prefix = ?", error);
    status = access->closed.status == SB_OK ? access->key.status : access->closed.status;
  }
  if (status == SB_OK)
    *out = access;
  else
    sb_access_close(access);
  return status;
}

void sb_access_close(sb_access *access) {
  if (!access) return;
  sb_statement_end(&access->closed);
  sb_statement_end(&access->key);
  sb_store_close(access->reader);
  pthread_mutex_destroy(&access->hashing);
  free(access);
}

/* The statement, ready to be bound and stepped under the reader's lock, with failures to go to `error`. */
static sb_statement *use(sb_statement *s, sb_error *error) {
  s->status = SB_OK;
  s->error = error;
  return s;
}

sb_status sb_access_required(sb_access *access, bool *closed, sb_error *error) {
  sb_store_lock(access->reader);
  sb_statement *s = use(&access->closed, error);
  if (sb_statement_step(s)) *closed = sb_statement_column_int(s, 0) != 0;
  sb_status status = s->status;
  sb_statement_reset(s);
  sb_store_unlock(access->reader);
  return status;
}

/* The row of that prefix; `hash` and `*found` tell whether there is one. */
static sb_status look_up(sb_access *access, const char *prefix, sb_access_key *key, uint8_t hash[SB_DIGEST_SIZE],
                         bool *found, sb_error *error) {
  sb_store_lock(access->reader);
  sb_statement *s = use(&access->key, error);
  sb_statement_bind_text(s, 1, prefix);
  *found = sb_statement_step(s);
  if (*found) {
    size_t size = 0;
    const void *held = sb_statement_column_blob(s, 7, &size);
    read_key(s, key);
    *found = size == SB_DIGEST_SIZE;
    if (*found) memcpy(hash, held, SB_DIGEST_SIZE);
  }
  sb_status status = s->status;
  sb_statement_reset(s);
  sb_store_unlock(access->reader);
  return status;
}

static sb_status check_good(const sb_access_key *key, bool known, int64_t now_ms, sb_error *error) {
  if (!known) return sb_fail(error, SB_FORBIDDEN, "the API key is not known");
  if (key->revoked_ms) return sb_fail(error, SB_FORBIDDEN, "the API key was revoked");
  if (key->expires_ms && key->expires_ms <= now_ms) return sb_fail(error, SB_FORBIDDEN, "the API key has expired");
  return SB_OK;
}

sb_status sb_access_key_find(sb_access *access, const char *text, int64_t now_ms, sb_access_key *out, sb_error *error) {
  char prefix[SB_API_KEY_PREFIX + 1] = "";
  uint8_t given[SB_DIGEST_SIZE], kept[SB_DIGEST_SIZE] = {0};
  sb_access_key key = {.roles = 0};
  bool shaped = sb_crypto_api_key_parse(text, prefix), found = false;
  sb_crypto_api_key_hash(text, given);
  sb_status status = look_up(access, prefix, &key, kept, &found, error);
  bool same = sb_crypto_equal(given, kept, sizeof given); /* also where nothing was found: the time tells nothing */
  if (status == SB_OK) status = check_good(&key, shaped && found && same, now_ms, error);
  if (status == SB_OK) *out = key;
  return status;
}

sb_status sb_access_key_recheck(sb_access *access, const char *prefix, int64_t now_ms, sb_access_key *out,
                                sb_error *error) {
  uint8_t kept[SB_DIGEST_SIZE];
  sb_access_key key = {.roles = 0};
  bool found = false;
  sb_status status = look_up(access, prefix, &key, kept, &found, error);
  if (status == SB_OK) status = check_good(&key, found, now_ms, error);
  if (status == SB_OK) *out = key;
  return status;
}

typedef struct admin {
  char hash[SB_PASSWORD_HASH];
  bool totp;
  uint8_t secret[SB_TOTP_SECRET];
  int64_t step; /* of the one-time password that was used last */
} admin;

static sb_status read_admin(sb_store *store, admin *out, sb_error *error) {
  *out = (admin){.step = -1};
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, "SELECT password, totp, totp_step FROM admin", error);
  if (sb_statement_step(&s)) {
    snprintf(out->hash, sizeof out->hash, "%s", sb_statement_column_text(&s, 0));
    if (!sb_statement_column_null(&s, 2)) out->step = sb_statement_column_int(&s, 2);
    if ((out->totp = !sb_statement_column_null(&s, 1))) {
      size_t size = 0;
      char *secret = sb_statement_column_sealed(&s, 1, &totp_place, &size);
      if (secret && size == SB_TOTP_SECRET)
        memcpy(out->secret, secret, SB_TOTP_SECRET);
      else if (s.status == SB_OK)
        s.status = sb_fail(error, SB_STORE, "the secret of one-time passwords is damaged");
      if (secret) sb_wipe(secret, size);
      free(secret);
    }
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

/* The step of the one-time password, within one step of the clock; -1: it is none, or was used. */
static int64_t step_of(const admin *a, int one_time, int64_t now_ms) {
  int64_t now = now_ms / 30000;
  for (int64_t step = now - 1; step <= now + 1; step++)
    if (step > a->step && one_time >= 0 && sb_crypto_totp(a->secret, step) == (unsigned)one_time) return step;
  return -1;
}

static sb_status keep_step(sb_store *store, int64_t step, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s =
      sb_statement_new(store, "UPDATE admin SET totp_step = ?1 WHERE totp_step IS NULL OR totp_step < ?1", error);
  sb_statement_bind_int(&s, 1, step);
  sb_statement_step(&s);
  if (s.status == SB_OK && !sb_store_rows_written(store))
    s.status = sb_fail(error, SB_FORBIDDEN, "the password or the one-time password is wrong");
  return sb_store_finish(store, sb_statement_end(&s), error);
}

sb_status sb_access_login(sb_access *access, const char *password, int one_time, int64_t now_ms, sb_error *error) {
  admin a;
  sb_status status = read_admin(access->store, &a, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&access->hashing);
  bool fits = *a.hash && sb_crypto_password_matches(a.hash, password);
  pthread_mutex_unlock(&access->hashing);
  int64_t step = a.totp ? step_of(&a, one_time, now_ms) : 0;
  if (!fits || step < 0) status = sb_fail(error, SB_FORBIDDEN, "the password or the one-time password is wrong");
  if (status == SB_OK && a.totp) status = keep_step(access->store, step, error);
  sb_wipe(&a, sizeof a);
  return status;
}
