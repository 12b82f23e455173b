/* The schema of the database: how a new database gets its tables, and how those of older versions are upgraded. */
#ifndef SB_STORE_SCHEMA_H
#define SB_STORE_SCHEMA_H

#include "store/core/store_core.h"

/* One version of the schema. `convert` changes the rows that are there already; NULL: nothing to do. */
typedef struct sb_store_schema_step {
  const char *sql;
  sb_status (*convert)(sb_store *store, sb_error *error);
} sb_store_schema_step;

/* Step n makes version n out of version n - 1. A released step is never changed: a new one is added. */
typedef struct sb_store_schema {
  const sb_store_schema_step *steps;
  int count;
} sb_store_schema;
extern const sb_store_schema sb_store_schema_sqlite, sb_store_schema_postgres;

/* The version that this program writes to that kind of database. */
int sb_store_schema_newest(const sb_store *store);
/* Upgrades the database to it, in one transaction, and loads the data keys. The root key is tried before anything is
 * written: SB_WRONG_KEY. SB_STORE: the database was written by a newer program. */
sb_status sb_store_schema_prepare(sb_store *store, sb_error *error);

#endif
