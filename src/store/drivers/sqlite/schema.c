/* The schema as a list of steps. A released step is never changed: a new one is added. */
#include "store/internal.h"

#include <string.h>

/* Data keys under the root key, and a transform for each collection. */
static sb_status convert_to_envelope(sb_store *store, sb_error *error) {
  sb_status status = sb_store_keys_make(store, SB_KEYRING_DATA, error);
  if (status == SB_OK) status = sb_store_keys_make(store, SB_KEYRING_AUDIT, error);
  return status == SB_OK ? sb_store_reseal_legacy(store, error) : status;
}

/* The sum over all rows takes in the new column; rows that somebody broke before are not summed up as if they were right. */
static sb_status add_thumbnails(sb_store *store, sb_error *error) {
  bool sound = false;
  sb_status status = sb_store_row_mac_sound(store, &sound, error);
  if (status == SB_OK)
    status = store->driver->exec(store,
                                 "ALTER TABLE face ADD COLUMN thumbnail BLOB;"
                                 "CREATE INDEX face_pictured ON face(person) WHERE thumbnail IS NOT NULL;",
                                 error);
  return status == SB_OK && sound ? sb_store_row_mac_start(store, error) : status;
}

const sb_store_schema_step sb_sqlite_steps[SB_SQLITE_STEPS] = {
    /* 1: people, faces, collections; a feed of changes for the indexes */
    {"CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE TABLE collection("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, model TEXT NOT NULL,"
     "  dim INTEGER NOT NULL, created INTEGER NOT NULL) STRICT;"
     "CREATE TABLE person("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL REFERENCES collection(id),"
     "  external_hash BLOB NOT NULL, external_id BLOB NOT NULL, name BLOB NOT NULL, consent BLOB NOT NULL,"
     "  created INTEGER NOT NULL, UNIQUE(collection, external_hash)) STRICT;"
     "CREATE TABLE face("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL REFERENCES person(id),"
     "  collection INTEGER NOT NULL REFERENCES collection(id), template BLOB NOT NULL, attributes BLOB,"
     "  quality REAL NOT NULL, source BLOB NOT NULL, created INTEGER NOT NULL) STRICT;"
     "CREATE INDEX face_person ON face(person, source);"
     "CREATE INDEX face_collection ON face(collection);"
     "CREATE TABLE change("
     "  sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, collection INTEGER NOT NULL,"
     "  face INTEGER NOT NULL, person INTEGER NOT NULL) STRICT;",
     NULL},
    /* 2: data keys, secret transforms, purpose and expiry */
    {"CREATE TABLE data_key("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, purpose TEXT NOT NULL, wrapped BLOB NOT NULL,"
     "  created INTEGER NOT NULL) STRICT;"
     "ALTER TABLE collection ADD COLUMN protection BLOB;"
     "ALTER TABLE collection ADD COLUMN protection_version INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE person ADD COLUMN purpose BLOB;"
     "ALTER TABLE person ADD COLUMN expires INTEGER;"
     "CREATE INDEX person_expires ON person(expires) WHERE expires IS NOT NULL;"
     "DROP INDEX face_person;"
     "CREATE INDEX face_person ON face(person);",
     convert_to_envelope},
    /* 3: the audit; who may use the server */
    {"CREATE TABLE audit("
     "  sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, verb TEXT NOT NULL,"
     "  collection INTEGER NOT NULL, person INTEGER NOT NULL, count INTEGER NOT NULL, link BLOB NOT NULL) STRICT;"
     "CREATE TABLE api_key("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, prefix TEXT NOT NULL UNIQUE, hash BLOB NOT NULL, label TEXT NOT NULL,"
     "  roles INTEGER NOT NULL, collection TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER,"
     "  revoked INTEGER) STRICT;"
     "CREATE TABLE admin(id INTEGER PRIMARY KEY CHECK (id = 1), password TEXT NOT NULL, totp BLOB, totp_step INTEGER)"
     " STRICT;",
     NULL},
    /* 4: a sum over all rows; a person's attributes are found without looking at each of its faces */
    {"CREATE INDEX face_described ON face(person) WHERE attributes IS NOT NULL;", sb_store_row_mac_start},
    /* 5: small pictures of faces, for those who want them */
    {"", add_thumbnails},
};

static sb_status apply(sb_store *store, int64_t from, sb_error *error) {
  const sb_driver *driver = store->driver;
  sb_status status = SB_OK;
  for (int64_t i = from; status == SB_OK && i < driver->step_count; i++) {
    status = driver->exec(store, driver->steps[i].sql, error);
    if (status == SB_OK && driver->steps[i].convert) status = driver->steps[i].convert(store, error);
  }
  return status == SB_OK ? driver->schema_done(store, error) : status;
}

/* Schema 1 has what its key looks like from outside in `meta`. */
static sb_status check_legacy_key(sb_store *store, sb_error *error) {
  uint8_t check[SB_DIGEST_SIZE];
  sb_root_legacy_check(store->root, check);
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = 'key_check'", error);
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const void *held = sb_statement_column_blob(&s, 0, &size);
    if (size != SB_DIGEST_SIZE || memcmp(held, check, SB_DIGEST_SIZE)) s.status = sb_store_keys_wrong(store, error);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_schema_prepare(sb_store *store, sb_error *error) {
  const sb_driver *driver = store->driver;
  const bool legacy = driver == &sb_driver_sqlite; /* the only one that ever had fields under the root key */
  int64_t version = 0;
  sb_status status = driver->schema(store, &version, error);
  if (status != SB_OK) return status;
  if (version > driver->step_count)
    return sb_fail(error, SB_STORE,
                   "the gallery was written by a newer Semblance (schema %lld, this one knows %d); upgrade",
                   (long long)version, driver->step_count);
  if (version >= 2 || (version == 1 && !legacy)) { /* the key is tried before anything is written */
    sb_store_lock(store);
    status = sb_store_keys_load(store, error);
    sb_store_unlock(store);
  } else if (version == 1) {
    status = check_legacy_key(store, error);
  }
  if (version == driver->step_count || status != SB_OK) return status;
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = driver->schema(store, &version, error); /* another process may have been faster */
  if (status == SB_OK && version < driver->step_count)
    status = apply(store, version, error);
  else if (status == SB_OK && !store->newest_key)
    status =
        sb_store_keys_load(store, error); /* that process made them: under the same root key, or this is no way in */
  return sb_store_finish(store, status, error);
}
