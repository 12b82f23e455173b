/* New data keys, a new root key, new transforms: what keys are for is that they can be changed.
 *
 * A rotation of data keys is a number of short transactions, so that a server goes on beside it, and its place stands in
 * `meta` ("rotation": table and row), so that it goes on where it was cut off:
 *   1. a new data key is added; from then on every process seals under it (sb_store_begin looks for it);
 *   2. table by table, batch by batch, what is sealed under older keys is sealed anew;
 *   3. the older keys are deleted, and with them (secure_delete, an emptied log) every copy of the database becomes
 *      unreadable that was made before and whose key is not known. */
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };
static const char *const tables[] = {"collection", "admin", "person", "face"};
enum { TABLES = sizeof tables / sizeof *tables };

typedef struct place {
  bool begun;
  int table;
  int64_t row, target; /* target: number of the key that all is to be sealed under */
} place;

static sb_status place_read(sb_store *store, place *out, sb_error *error) {
  long long table = 0, row = 0, target = 0;
  *out = (place){0};
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = 'rotation'", error);
  if (sb_statement_step(&s)) {
    char text[80] = "";
    size_t size = 0;
    const void *held = sb_statement_column_blob(&s, 0, &size);
    memcpy(text, held, size < sizeof text ? size : 0);
    if (sscanf(text, "%lld %lld %lld", &target, &table, &row) != 3 || table < 0 || table > TABLES)
      s.status = sb_fail(error, SB_STORE, "the rotation's place in the database is damaged; restore a backup");
    *out = (place){true, (int)table, row, target};
  }
  return sb_statement_end(&s);
}

static sb_status place_write(sb_store *store, const place *at, sb_error *error) {
  char text[80];
  snprintf(text, sizeof text, "%lld %d %lld", (long long)at->target, at->table, (long long)at->row);
  return sb_store_meta_set(store, "rotation", text, strlen(text), error);
}

static sb_status begin_rotation(sb_store *store, place *at, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = place_read(store, at, error);
  if (status == SB_OK && !at->begun) {
    status = sb_store_keys_make(store, SB_KEYRING_DATA, error);
    *at = (place){.begun = true, .target = store->newest_key};
    if (status == SB_OK) status = place_write(store, at, error);
    if (status == SB_OK) status = sb_audit_append(store, "key-rotate", 0, 0, at->target, NULL, error);
  }
  return sb_store_finish(store, status, error);
}

static sb_status one_batch(sb_store *store, place *at, sb_error *error) {
  place next;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = place_read(store, &next, error); /* another process may be rotating, too */
  for (int i = 0; status == SB_OK && next.begun && next.table < TABLES && i < BATCH; i++) {
    bool done = false;
    status = sb_store_reseal_next(store, tables[next.table], &next.row, &done, error);
    if (done) next.table++, next.row = 0;
  }
  if (status == SB_OK && next.begun) status = place_write(store, &next, error);
  status = sb_store_finish(store, status, error);
  if (status == SB_OK) *at = next;
  return status;
}

#define OLDER                                                                                         \
  "SELECT (SELECT count(*) FROM collection WHERE substr(protection, 1, 4) <> ?1)"                     \
  " + (SELECT count(*) FROM admin WHERE substr(totp, 1, 4) <> ?1)"                                    \
  " + (SELECT count(*) FROM person WHERE substr(external_id, 1, 4) <> ?1 OR substr(name, 1, 4) <> ?1" \
  " OR substr(consent, 1, 4) <> ?1 OR substr(purpose, 1, 4) <> ?1)"                                   \
  " + (SELECT count(*) FROM face WHERE substr(attributes, 1, 4) <> ?1 OR substr(source, 1, 4) <> ?1"  \
  " OR substr(thumbnail, 1, 4) <> ?1)"
#define OLDER_TEMPLATES "(SELECT count(*) FROM face WHERE substr(template, 1, 4) <> ?1)"

/* What is still sealed under a key older than `target`; there is nothing, or the old keys stay. */
static sb_status count_older(sb_store *store, int64_t target, int64_t *count, sb_error *error) {
  uint8_t newest[4]; /* as it stands before a sealed field */
  for (int i = 0; i < 4; i++) newest[i] = (uint8_t)((uint64_t)target >> (8 * i));
  sb_statement s = sb_statement_new(store, store->driver->seals_templates ? OLDER " + " OLDER_TEMPLATES : OLDER, error);
  sb_statement_bind_blob(&s, 1, newest, sizeof newest);
  if (sb_statement_step(&s)) *count = sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

static sb_status end_rotation(sb_store *store, const place *at, sb_error *error) {
  int64_t older = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = count_older(store, at->target, &older, error);
  if (status == SB_OK && older)
    status = sb_fail(error, SB_STORE, "%lld rows are still under an older key; run `semblance keys rotate` again",
                     (long long)older);
  if (status == SB_OK) {
    sb_statement s = sb_statement_new(store, "DELETE FROM data_key WHERE purpose = 'data' AND id < ?", error);
    sb_statement_bind_int(&s, 1, at->target);
    sb_statement_step(&s);
    status = sb_statement_end(&s);
  }
  if (status == SB_OK) status = sb_store_exec(store, "DELETE FROM meta WHERE key = 'rotation'", error);
  if (status == SB_OK) status = sb_audit_append(store, "key-rotated", 0, 0, at->target, NULL, error);
  status = sb_store_finish(store, status, error);
  return status == SB_OK ? sb_store_erase_log(store, error) : status;
}

sb_status sb_store_rotate(sb_store *store, sb_store_progress report, void *context, sb_error *error) {
  place at;
  size_t done = 0;
  sb_status status = begin_rotation(store, &at, error);
  while (status == SB_OK && at.begun && at.table < TABLES) {
    status = one_batch(store, &at, error);
    done += BATCH;
    if (status == SB_OK && report && !report(context, tables[at.table < TABLES ? at.table : TABLES - 1], done))
      return SB_OK;
  }
  return status == SB_OK && at.begun ? end_rotation(store, &at, error) : status;
}

/* ---- The root key */

static sb_status rewrap_all(sb_store *store, const sb_root *root, sb_error *error) {
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_statement all = sb_statement_new(store, "SELECT id FROM data_key", error);
  sb_statement put = sb_statement_new(store, "UPDATE data_key SET wrapped = ? WHERE id = ?", error);
  while (put.status == SB_OK && sb_statement_step(&all)) {
    int64_t number = sb_statement_column_int(&all, 0);
    put.status = sb_keyring_rewrap(store->keyring, root, (uint32_t)number, wrapped, error);
    sb_statement_bind_blob(&put, 1, wrapped, sizeof wrapped);
    sb_statement_bind_int(&put, 2, number);
    sb_statement_step(&put);
    sb_statement_reset(&put);
  }
  sb_status status = sb_statement_end(&all), other = sb_statement_end(&put);
  return status == SB_OK ? other : status;
}

sb_status sb_store_change_root(sb_store *store, const sb_root *root, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_keys_load(store, error);
  if (status == SB_OK) status = rewrap_all(store, root, error);
  if (status == SB_OK) status = sb_audit_append(store, "key-root", 0, 0, 0, NULL, error);
  status = sb_store_finish(store, status, error);
  if (status == SB_OK) sb_keyring_reroot(store->keyring, root);
  return status == SB_OK ? sb_store_erase_log(store, error) : status;
}

sb_status sb_store_renew_root(sb_store *store, sb_error *error) {
  sb_root *fresh = NULL;
  char passphrase[1024] = "";
  if (store->root->origin != SB_ROOT_FILE)
    return sb_fail(error, SB_INVALID,
                   "the root key does not lie in the gallery's folder, so it cannot be replaced there: make a new one "
                   "where it lies and name it with --new-key-file");
  sb_status status = sb_root_new(NULL, &fresh, error);
  if (status == SB_OK && store->root->passphrase)
    status = sb_root_passphrase_get("passphrase of the gallery's key: ", passphrase, sizeof passphrase, error);
  if (status == SB_OK)
    status = sb_root_write(fresh, store->dir, SB_NEXT_KEY, store->root->passphrase ? passphrase : NULL, error);
  if (status == SB_OK) status = sb_store_change_root(store, fresh, error);
  if (status == SB_OK) status = sb_root_settle(store->dir, SB_NEXT_KEY, error);
  if (status == SB_OK) {
    fresh->origin = SB_ROOT_FILE;
    fresh->passphrase = store->root->passphrase;
    sb_root_free(store->root);
    store->root = fresh;
    fresh = NULL;
  }
  sb_wipe(passphrase, sizeof passphrase);
  sb_root_free(fresh);
  return status;
}

/* ---- Transforms */

static sb_status revoke(sb_store *store, int64_t collection, size_t *templates, sb_error *error) {
  const sb_store_protection *held = NULL;
  sb_transform *old = NULL;
  sb_status status = sb_store_protection_get(store, collection, &held, error);
  if (status == SB_OK) status = sb_transform_new(held->seed, sb_transform_dim(held->transform), &old, error);
  if (status == SB_OK) status = sb_store_protection_renew(store, collection, error);
  if (status == SB_OK) status = sb_store_protection_get(store, collection, &held, error);
  if (status == SB_OK) status = sb_store_reseal_templates(store, collection, old, held->transform, templates, error);
  if (status == SB_OK) status = sb_store_change_append(store, SB_CHANGE_RESET, collection, 0, 0, error);
  if (status == SB_OK) status = sb_audit_append(store, "revoke", collection, 0, (int64_t)*templates, NULL, error);
  sb_transform_free(old);
  return status;
}

sb_status sb_store_revoke(sb_store *store, int64_t collection, size_t *templates, sb_error *error) {
  size_t count = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = revoke(store, collection, &count, error);
  status = sb_store_finish(store, status, error);
  if (status != SB_OK) {
    sb_store_protections_invalidate(store);
    return status;
  }
  *templates = count;
  return sb_store_erase_log(store, error);
}

/* ---- Status */

sb_status sb_store_keys_status(sb_store *store, sb_store_key_status *out, sb_error *error) {
  place at;
  sb_store_key_status found = {.origin = store->root->origin, .passphrase = store->root->passphrase};
  sb_store_lock(store);
  sb_status status = place_read(store, &at, error);
  sb_statement s = sb_statement_new(store, "SELECT id, purpose, created FROM data_key ORDER BY id", error);
  while (status == SB_OK && found.count < SB_DATA_KEYS_MAX + 1 && sb_statement_step(&s)) {
    sb_store_key_entry *entry = &found.keys[found.count++];
    entry->number = sb_statement_column_int(&s, 0);
    entry->audit = !strcmp(sb_statement_column_text(&s, 1), "audit");
    entry->created_ms = sb_statement_column_int(&s, 2);
  }
  sb_status listed = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) status = listed;
  if (status != SB_OK) return status;
  found.rotating = at.begun;
  sb_root_fingerprint(store->root, found.fingerprint);
  *out = found;
  return SB_OK;
}
