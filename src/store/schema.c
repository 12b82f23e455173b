/* The schema as a list of steps. A released step is never changed: a new one is added. user_version counts the steps done. */
#include "store/internal.h"

#include <stdio.h>

enum { APPLICATION_ID = 0x53424c43 /* "SBLC" */ };

static const char *const steps[] = {
    /* 1: people, faces, collections; a feed of changes for the indexes */
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
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
};
enum { STEPS = sizeof steps / sizeof *steps };

static sb_status read_number(sb_store *store, const char *sql, int64_t *value, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  *value = sb_step(&s) ? sqlite3_column_int64(s.raw, 0) : 0;
  return sb_statement_end(&s);
}

static sb_status apply(sb_store *store, int64_t from, sb_error *error) {
  char pragma[80];
  sb_status status = SB_OK;
  for (int64_t step = from; status == SB_OK && step < STEPS; step++) status = sb_store_exec(store, steps[step], error);
  snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d; PRAGMA application_id = %d", STEPS, APPLICATION_ID);
  if (status == SB_OK) status = sb_store_exec(store, pragma, error);
  return status;
}

sb_status sb_schema_prepare(sb_store *store, sb_error *error) {
  int64_t version = 0, application = 0, tables = 0;
  sb_status status = read_number(store, "PRAGMA user_version", &version, error);
  if (status == SB_OK) status = read_number(store, "PRAGMA application_id", &application, error);
  if (status == SB_OK) status = read_number(store, "SELECT count(*) FROM sqlite_schema", &tables, error);
  if (status != SB_OK) return status;
  if (tables && application != APPLICATION_ID)
    return sb_fail(error, SB_STORE, "%s/semblance.db is a database of another program; choose another folder",
                   store->dir);
  if (version > STEPS)
    return sb_fail(error, SB_STORE,
                   "the gallery was written by a newer Semblance (schema %lld, this one knows %d); upgrade",
                   (long long)version, STEPS);
  if (version == STEPS) return SB_OK;
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = read_number(store, "PRAGMA user_version", &version, error); /* another process may have been faster */
  if (status == SB_OK && version < STEPS) status = apply(store, version, error);
  return sb_store_finish(store, status, error);
}
