/* Rotation of data keys.
 *
 * It is a number of short transactions, so that a server works on beside it. Its position (table and row) is stored in
 * `meta` as "rotation", so that an interrupted rotation continues where it stopped:
 *   1. a new data key is added; from then on every process seals under it (sb_store_begin looks for it);
 *   2. table by table and batch by batch, what is sealed under older keys is sealed again;
 *   3. the older keys are deleted. With them (secure_delete, an emptied log) every earlier copy of the database becomes
 *      unreadable to those who do not know its key. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/sealing/keys.h"
#include "store/sealing/reseal.h"

#include <stdio.h>
#include <string.h>

#define META_KEY "rotation"
enum { BATCH = 256 };
static const char *const tables[] = {"collection", "admin", "person", "face", "event", "camera", "receiver"};
enum { TABLES = sizeof tables / sizeof *tables };

/* How far a rotation has come. */
typedef struct position {
  bool begun;
  int table;
  int64_t row;
  int64_t key; /* number of the new data key */
} position;

static sb_status position_read(sb_store *store, position *out, sb_error *error) {
  long long table = 0, row = 0, key = 0;
  *out = (position){0};
  sb_statement s = sb_store_meta_select(store, META_KEY, error);
  if (sb_statement_step(&s)) {
    char text[80] = "";
    size_t size = 0;
    const void *stored = sb_statement_column_blob(&s, 0, &size);
    memcpy(text, stored, size < sizeof text ? size : 0);
    if (sscanf(text, "%lld %lld %lld", &key, &table, &row) != 3 || table < 0 || table > TABLES)
      s.status =
          sb_fail(error, SB_STORE, "the position of the key rotation in the database is damaged; restore a backup");
    *out = (position){true, (int)table, row, key};
  }
  return sb_statement_end(&s);
}

static sb_status position_write(sb_store *store, const position *at, sb_error *error) {
  char text[80];
  snprintf(text, sizeof text, "%lld %d %lld", (long long)at->key, at->table, (long long)at->row);
  return sb_store_meta_set(store, META_KEY, text, strlen(text), error);
}

/* ---- 1. A new key */

static sb_status add_key(sb_store *store, position *at, sb_error *error) {
  sb_status status = position_read(store, at, error);
  if (status != SB_OK || at->begun) return status;
  status = sb_store_keys_make(store, SB_KEYRING_DATA, error);
  if (status != SB_OK) return status;
  *at = (position){.begun = true, .key = store->keys->newest};
  status = position_write(store, at, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"key-rotate", 0, 0, at->key}, NULL, error);
}

static sb_status begin_rotation(sb_store *store, position *at, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  return status == SB_OK ? sb_store_finish(store, add_key(store, at, error), error) : status;
}

/* ---- 2. Resealing */

/* The position is read again each time, because another process may be rotating, too. */
static sb_status reseal_batch(sb_store *store, position *at, sb_error *error) {
  sb_status status = position_read(store, at, error);
  if (status != SB_OK || !at->begun) return status;
  for (int i = 0; at->table < TABLES && i < BATCH; i++) {
    bool done = false;
    status = sb_store_reseal_next(store, tables[at->table], &at->row, &done, error);
    if (status != SB_OK) return status;
    if (done) at->table++, at->row = 0;
  }
  return position_write(store, at, error);
}

static sb_status run_batch(sb_store *store, position *at, sb_error *error) {
  position next;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, reseal_batch(store, &next, error), error);
  if (status == SB_OK) *at = next;
  return status;
}

/* ---- 3. Deleting the older keys */

#define OLDER_FIELDS                                                                                  \
  "SELECT (SELECT count(*) FROM collection WHERE substr(protection, 1, 4) <> ?1)"                     \
  " + (SELECT count(*) FROM admin WHERE substr(totp, 1, 4) <> ?1)"                                    \
  " + (SELECT count(*) FROM person WHERE substr(external_id, 1, 4) <> ?1 OR substr(name, 1, 4) <> ?1" \
  " OR substr(consent, 1, 4) <> ?1 OR substr(purpose, 1, 4) <> ?1)"                                   \
  " + (SELECT count(*) FROM face WHERE substr(attributes, 1, 4) <> ?1 OR substr(source, 1, 4) <> ?1"  \
  " OR substr(thumbnail, 1, 4) <> ?1 OR substr(density, 1, 4) <> ?1)"                                 \
  " + (SELECT count(*) FROM event WHERE substr(detail, 1, 4) <> ?1 OR substr(picture, 1, 4) <> ?1)"   \
  " + (SELECT count(*) FROM camera WHERE substr(record, 1, 4) <> ?1)"                                 \
  " + (SELECT count(*) FROM receiver WHERE substr(settings, 1, 4) <> ?1)"
#define OLDER_TEMPLATES "(SELECT count(*) FROM face WHERE substr(template, 1, 4) <> ?1)"

/* Rows that are sealed under another key than `key`, whose number a sealed field begins with. */
static sb_status count_older(sb_store *store, int64_t key, int64_t *count, sb_error *error) {
  uint8_t prefix[4];
  for (int i = 0; i < 4; i++) prefix[i] = (uint8_t)((uint64_t)key >> (8 * i));
  sb_statement s = sb_statement_new(
      store, store->driver->seals_templates ? OLDER_FIELDS " + " OLDER_TEMPLATES : OLDER_FIELDS, error);
  sb_statement_bind_blob(&s, 1, prefix, sizeof prefix);
  if (sb_statement_step(&s)) *count = sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

static sb_status delete_older_keys(sb_store *store, const position *at, sb_error *error) {
  int64_t older = 0;
  sb_status status = count_older(store, at->key, &older, error);
  if (status != SB_OK) return status;
  if (older)
    return sb_fail(error, SB_STORE, "%lld rows are still sealed under an older key; run `semblance keys rotate` again",
                   (long long)older);
  status = sb_store_exec_int(store, "DELETE FROM data_key WHERE purpose = 'data' AND id < ?", at->key, error);
  if (status != SB_OK) return status;
  status = sb_store_meta_delete(store, META_KEY, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"key-rotated", 0, 0, at->key}, NULL, error);
}

static sb_status end_rotation(sb_store *store, const position *at, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, delete_older_keys(store, at, error), error);
  return status == SB_OK ? sb_store_purge_log(store, error) : status;
}

sb_status sb_store_rotate(sb_store *store, sb_store_progress report, void *context, sb_error *error) {
  position at;
  size_t done = 0;
  sb_status status = begin_rotation(store, &at, error);
  while (status == SB_OK && at.begun && at.table < TABLES) {
    status = run_batch(store, &at, error);
    done += BATCH;
    if (status == SB_OK && report && !report(context, tables[at.table < TABLES ? at.table : TABLES - 1], done))
      return SB_OK;
  }
  return status == SB_OK && at.begun ? end_rotation(store, &at, error) : status;
}

/* ---- Status */

static sb_status read_status(sb_store *store, sb_store_key_status *out, sb_error *error) {
  enum { NUMBER, PURPOSE, CREATED };
  position at;
  sb_status status = position_read(store, &at, error);
  if (status != SB_OK) return status;
  out->rotating = at.begun;
  sb_statement s = sb_statement_new(store, "SELECT id, purpose, created FROM data_key ORDER BY id", error);
  while (out->count < SB_DATA_KEYS_MAX + 1 && sb_statement_step(&s)) {
    sb_store_key_entry *entry = &out->keys[out->count++];
    entry->number = sb_statement_column_int(&s, NUMBER);
    entry->audit = !strcmp(sb_statement_column_text(&s, PURPOSE), "audit");
    entry->created_ms = sb_statement_column_int(&s, CREATED);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_keys_status(sb_store *store, sb_store_key_status *out, sb_error *error) {
  const sb_root *root = store->keys->root;
  sb_store_key_status found = {.origin = root->origin, .passphrase = root->passphrase};
  sb_store_lock(store);
  sb_status status = read_status(store, &found, error);
  sb_store_unlock(store);
  if (status != SB_OK) return status;
  sb_root_fingerprint(root, found.fingerprint);
  *out = found;
  return SB_OK;
}
