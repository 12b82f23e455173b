/* Row-set MAC over the gallery's rows (MSet-Add-Hash, crypto/row_set_mac.h).
 *
 * The driver reports each row that this connection inserts, changes or deletes; the rows of a transaction are summed
 * here, and sb_store_row_mac_commit adds that sum to the stored one. The stored sum carries the number of the audit
 * log's newest entry, so an older sum cannot be put back together with older rows. A sum that was found broken stays
 * broken, for the verification to report. A sum of schemas 4 to 8, which is readable, is accepted only while the schema
 * is upgraded. */
#include "store/sealing/row_mac.h"

#include "store/sealing/keys.h"

#include <stdlib.h>
#include <string.h>

static const char *const tables[] = {"collection", "person", "face", "api_key", "admin", "event", "camera", "receiver"};
enum { TABLES = sizeof tables / sizeof *tables };
#define META_KEY "tally"

struct sb_store_row_mac {
  sb_crypto_row_set_mac sum; /* what the transaction in progress changes */
  bool changed;              /* rows, or the newest entry of the audit log */
};

static sb_status add_row(void *context, const sb_crypto_row_set_mac_part *values, size_t count, bool removed,
                         sb_error *error) {
  const sb_store *store = context;
  store->row_mac->changed = true;
  return sb_crypto_row_set_mac_row(store->keys->keyring, values, count, removed, &store->row_mac->sum, error);
}

static bool enabled(const sb_store *store) {
  return store->driver->observe_rows;
}

sb_status sb_store_row_mac_new(sb_store *store, sb_error *error) {
  store->row_mac = sb_alloc(1, sizeof *store->row_mac, error);
  if (!store->row_mac) return SB_NO_MEMORY;
  return enabled(store) ? store->driver->observe_rows(store, add_row, store, error) : SB_OK;
}

void sb_store_row_mac_free(sb_store *store) {
  free(store->row_mac);
}

static sb_status each_table(sb_store *store, sb_status (*call)(sb_store *, const char *, sb_error *), sb_error *error) {
  for (size_t i = 0; i < TABLES; i++) {
    sb_status status = call(store, tables[i], error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_store_row_mac_observe(sb_store *store, sb_error *error) {
  return enabled(store) ? each_table(store, store->driver->observe_table, error) : SB_OK;
}

void sb_store_row_mac_reset(sb_store *store) {
  *store->row_mac = (sb_store_row_mac){.changed = false};
}

void sb_store_row_mac_touch(sb_store *store) {
  store->row_mac->changed = true;
}

/* Sums all rows as they are into the transaction's own sum. */
static sb_status sum_all(sb_store *store, bool legacy, sb_error *error) {
  sb_store_row_mac_reset(store);
  store->row_mac->sum.legacy = legacy;
  return each_table(store, store->driver->visit_table, error);
}

/* ---- The stored sum */

static sb_status stored_write(sb_store *store, const sb_crypto_row_set_mac *sum, sb_error *error) {
  uint8_t bytes[SB_ROW_SET_MAC_SIZE];
  int64_t sequence = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM audit", &sequence, error);
  if (status != SB_OK) return status;
  status = sb_crypto_row_set_mac_seal(store->keys->keyring, sequence, sum, bytes, error);
  return status == SB_OK ? sb_store_meta_set(store, META_KEY, bytes, sizeof bytes, error) : status;
}

typedef struct stored_sum {
  bool sound; /* there is one, written with this gallery's keys */
  int64_t sequence;
  sb_crypto_row_set_mac sum;
} stored_sum;

static sb_status stored_read(sb_store *store, bool accept_legacy, stored_sum *out, sb_error *error) {
  const sb_keyring *keyring = store->keys->keyring;
  sb_statement s = sb_store_meta_select(store, META_KEY, error);
  size_t size = 0;
  const void *bytes = sb_statement_step(&s) ? sb_statement_column_blob(&s, 0, &size) : NULL;
  out->sound = sb_crypto_row_set_mac_unseal(keyring, bytes, size, &out->sequence, &out->sum);
  if (!out->sound && accept_legacy)
    out->sound = sb_crypto_row_set_mac_read_legacy(keyring, bytes, size, &out->sequence, &out->sum);
  return sb_statement_end(&s);
}

sb_status sb_store_row_mac_start(sb_store *store, sb_error *error) {
  if (!enabled(store)) return SB_OK;
  sb_status status = sum_all(store, false, error);
  if (status == SB_OK) status = stored_write(store, &store->row_mac->sum, error);
  sb_store_row_mac_reset(store);
  return status;
}

sb_status sb_store_row_mac_commit(sb_store *store, sb_error *error) {
  stored_sum stored;
  if (!enabled(store) || !store->row_mac->changed) return SB_OK;
  sb_status status = stored_read(store, false, &stored, error);
  if (status != SB_OK || !stored.sound) return status;
  sb_crypto_row_set_mac_add(&stored.sum, &store->row_mac->sum);
  return stored_write(store, &stored.sum, error);
}

/* ---- Checking */

static sb_status compare(sb_store *store, int64_t newest, bool accept_legacy, sb_error *error) {
  stored_sum stored;
  sb_status status = stored_read(store, accept_legacy, &stored, error);
  if (status != SB_OK) return status;
  if (!stored.sound || stored.sequence != newest)
    return sb_fail(error, SB_STORE,
                   "the sum over the gallery's rows does not belong to the newest entry of the audit: another program "
                   "changed the database; restore a backup");
  status = sum_all(store, stored.sum.legacy, error);
  if (status == SB_OK && memcmp(stored.sum.words, store->row_mac->sum.words, sizeof stored.sum.words))
    status = sb_fail(error, SB_STORE,
                     "the gallery's rows are not those that were written: another program put back, changed, moved or "
                     "removed some; restore a backup");
  return status;
}

static sb_status check(sb_store *store, int64_t newest, bool accept_legacy, sb_error *error) {
  if (!enabled(store)) return SB_OK;
  sb_status status = compare(store, newest, accept_legacy, error);
  sb_store_row_mac_reset(store);
  return status;
}

sb_status sb_store_row_mac_check(sb_store *store, int64_t newest, sb_error *error) {
  return check(store, newest, false, error);
}

sb_status sb_store_row_mac_is_sound(sb_store *store, bool *sound, sb_error *error) {
  int64_t newest = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM audit", &newest, error);
  if (status != SB_OK) return status;
  status = check(store, newest, true, error);
  *sound = status == SB_OK;
  return status == SB_STORE ? SB_OK : status;
}
