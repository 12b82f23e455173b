/* Preparing the schema when a gallery is opened: steps that the database lacks are applied in one write transaction,
 * under which another process may turn out to have done so already. Galleries of every released version must open
 * (tests/compat). */
#include "store/schema/schema.h"

#include "store/core/transaction.h"
#include "store/sealing/keys.h"

#include <string.h>

static const sb_store_schema *schema_of(const sb_store *store) {
  return store->url ? &sb_store_schema_postgres : &sb_store_schema_sqlite;
}

int sb_store_schema_newest(const sb_store *store) {
  return schema_of(store)->count;
}

static sb_status apply_steps(sb_store *store, int64_t version, sb_error *error) {
  const sb_store_schema *schema = schema_of(store);
  for (int64_t i = version; i < schema->count; i++) {
    const sb_store_schema_step *step = &schema->steps[i];
    sb_status status = sb_store_exec(store, step->sql, error);
    if (status == SB_OK && step->convert) status = step->convert(store, error);
    if (status != SB_OK) return status;
  }
  return store->driver->set_schema_version(store, schema->count, error);
}

/* Schema 1 of SQLite sealed its fields under the root key itself, and has a digest of that key in `meta`. */
static sb_status check_legacy_key(sb_store *store, sb_error *error) {
  uint8_t check[SB_DIGEST_SIZE];
  sb_root_legacy_check(store->keys->root, check);
  sb_statement s = sb_store_meta_select(store, "key_check", error);
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const void *stored = sb_statement_column_blob(&s, 0, &size);
    if (size != SB_DIGEST_SIZE || memcmp(stored, check, SB_DIGEST_SIZE)) s.status = sb_store_keys_wrong(store, error);
  }
  return sb_statement_end(&s);
}

/* Tries the root key before anything is written. */
static sb_status check_key(sb_store *store, int64_t version, sb_error *error) {
  if (!version) return SB_OK;
  if (version == 1 && !store->url) return check_legacy_key(store, error);
  sb_store_lock(store);
  sb_status status = sb_store_keys_load(store, error);
  sb_store_unlock(store);
  return status;
}

/* Within a transaction. Another process may have upgraded the database meanwhile; it used the same root key, or loading
 * fails. */
static sb_status upgrade(sb_store *store, sb_error *error) {
  int64_t version = 0;
  sb_status status = store->driver->schema_version(store, &version, error);
  if (status != SB_OK) return status;
  if (version < sb_store_schema_newest(store)) return apply_steps(store, version, error);
  return store->keys->newest ? SB_OK : sb_store_keys_load(store, error);
}

sb_status sb_store_schema_prepare(sb_store *store, sb_error *error) {
  int64_t version = 0;
  const int newest = sb_store_schema_newest(store);
  sb_status status = store->driver->schema_version(store, &version, error);
  if (status != SB_OK) return status;
  if (version > newest)
    return sb_fail(error, SB_STORE,
                   "the gallery was written by a newer Semblance (schema %lld, this one knows %d); upgrade",
                   (long long)version, newest);
  status = check_key(store, version, error);
  if (status != SB_OK || version == newest) return status;
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, upgrade(store, error), error);
}
