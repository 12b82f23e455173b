/* The schema in SQLite, step by step. A released step is never changed: a new one is added, and the same step in
 * postgres_schema.c if PostgreSQL needs it, too; docs/formats.md describes the result, and tests/compat gets a database
 * of the version before.
 *
 *   meta         single values by key: head of the audit log, row-set MAC ("tally"), operating point ("target"),
 *                position of a key rotation, pairs of different people who look alike ("different/...")
 *   data_key     keys that seal fields, wrapped by the root key
 *   collection   name, model, dim, and the seed of its secret transform
 *   person       sealed id, name, consent and purpose; external_hash finds an id
 *   face         sealed template, attributes, source, thumbnail and density
 *   event        who was seen by a camera and when; sealed detail and picture
 *   camera       which cameras a server watches; sealed record
 *   receiver     who is sent events: sealed settings, and how far it has come
 *   dead_letter  events that a receiver refused for good
 *   change       log of changed faces, which indexes follow
 *   audit        hash chain of what was done
 *   api_key, admin   who may use the server */
#include "store/schema/schema.h"

#include "store/sealing/keys.h"
#include "store/sealing/reseal.h"
#include "store/sealing/row_mac.h"

/* Makes the data keys, and a transform for each collection; seals everything under them. */
static sb_status convert_to_envelope(sb_store *store, sb_error *error) {
  sb_status status = sb_store_keys_make(store, SB_KEYRING_DATA, error);
  if (status != SB_OK) return status;
  status = sb_store_keys_make(store, SB_KEYRING_AUDIT, error);
  return status == SB_OK ? sb_store_reseal_legacy(store, error) : status;
}

/* Runs `sql`, then sums all rows again: the row-set MAC covers all columns of a row, so a new column changes it. A MAC
 * that was broken before must stay broken. */
static sb_status change_and_sum(sb_store *store, const char *sql, sb_error *error) {
  bool sound = false;
  sb_status status = sb_store_row_mac_is_sound(store, &sound, error);
  if (status != SB_OK) return status;
  status = sb_store_exec(store, sql, error);
  return status == SB_OK && sound ? sb_store_row_mac_start(store, error) : status;
}

static sb_status add_thumbnails(sb_store *store, sb_error *error) {
  return change_and_sum(store,
                        "ALTER TABLE face ADD COLUMN thumbnail BLOB;"
                        "CREATE INDEX face_pictured ON face(person) WHERE thumbnail IS NOT NULL;",
                        error);
}

/* The index answers which faces are to be measured again without reading their rows. */
static sb_status add_densities(sb_store *store, sb_error *error) {
  return change_and_sum(store,
                        "ALTER TABLE face ADD COLUMN density BLOB;"
                        "ALTER TABLE face ADD COLUMN density_people INTEGER NOT NULL DEFAULT 0;"
                        "DROP INDEX face_collection;"
                        "CREATE INDEX face_collection ON face(collection, id, density_people);",
                        error);
}

/* The row-set MAC was readable: it is made again, encrypted. */
static sb_status seal_row_mac(sb_store *store, sb_error *error) {
  return change_and_sum(store, "", error);
}

static const sb_store_schema_step steps[] = {
    /* 1: people, faces, collections; the change log that indexes follow */
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
    /* 3: the audit log; API keys and the admin */
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
    /* 4: the row-set MAC; an index to find a person's attributes without reading all of its faces */
    {"CREATE INDEX face_described ON face(person) WHERE attributes IS NOT NULL;", sb_store_row_mac_start},
    /* 5: thumbnails of faces */
    {"", add_thumbnails},
    /* 6: densities of faces */
    {"", add_densities},
    /* 7: events and cameras */
    {"CREATE TABLE event("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, camera TEXT NOT NULL,"
     "  kind INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, person INTEGER NOT NULL,"
     "  erased INTEGER NOT NULL, detail BLOB NOT NULL, picture BLOB) STRICT;"
     "CREATE INDEX event_person ON event(person) WHERE person > 0;"
     "CREATE INDEX event_until ON event(until);"
     "CREATE TABLE camera(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, record BLOB NOT NULL,"
     "  created INTEGER NOT NULL) STRICT;",
     NULL},
    /* 8: receivers of events */
    {"CREATE TABLE receiver("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, ended INTEGER NOT NULL,"
     "  position INTEGER NOT NULL, tries INTEGER NOT NULL, failing_since INTEGER NOT NULL,"
     "  next_try INTEGER NOT NULL, error TEXT NOT NULL, holder INTEGER NOT NULL, lease INTEGER NOT NULL,"
     "  settings BLOB NOT NULL) STRICT;"
     "CREATE TABLE dead_letter("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT, receiver INTEGER NOT NULL, event INTEGER NOT NULL, at INTEGER NOT NULL,"
     "  tries INTEGER NOT NULL, error TEXT NOT NULL) STRICT;"
     "CREATE INDEX dead_letter_receiver ON dead_letter(receiver, id);",
     NULL},
    /* 9: the row-set MAC is encrypted */
    {"", seal_row_mac},
};
const sb_store_schema sb_store_schema_sqlite = {steps, sizeof steps / sizeof *steps};
