/* What a database does for the store: two implementations, sqlite.c and postgres.c. Everything that knows what a person, a
 * seal or an audit is stands above it and is written once; the SQL is common to both, with "?" and "?N" as parameters.
 *
 * All calls are made under the store's lock. A statement whose status is not SB_OK is passed over by every call. */
#ifndef SB_STORE_DRIVERS_DRIVER_H
#define SB_STORE_DRIVERS_DRIVER_H

#include "store/store.h"

struct sb_store;

typedef struct sb_statement {
  struct sb_store *store;
  void *raw;        /* the driver's */
  sb_status status; /* the first failure: what follows does nothing */
  sb_error *error;
  /* Set these before the first step. `cursor`: fetch rows in chunks instead of all at once; within a transaction only. `copy`: the
   * same, faster (PostgreSQL's COPY): no parameters, no text columns, and no other statement of this store before the end.
   * `pipelined`: neither rows nor their number are wanted, so within a transaction the statement may be sent without waiting for
   * its answer; its failure may show at a later statement, at the latest at the commit. */
  bool cursor, copy, pipelined;
} sb_statement;

/* A step of the schema; `convert` NULL: nothing to do to the rows. */
typedef struct sb_store_schema_step {
  const char *sql;
  sb_status (*convert)(struct sb_store *store, sb_error *error);
} sb_store_schema_step;

typedef struct sb_driver {
  /* Schema of a new database and how older ones become it; a released step is never changed. */
  const sb_store_schema_step *steps;
  int step_count;
  const char *numbers;  /* SQL of a row for each number of the text "1,2,3" that is parameter 1 */
  bool tallies;         /* rows that change pass through tally.c */
  bool seals_templates; /* else they are kept as halfvec (attributes.h), protected by their transform alone */

  /* Opens the connection. `reader`: one that only looks, beside the store's own. */
  sb_status (*connect)(struct sb_store *store, bool reader, sb_error *error);
  void (*disconnect)(struct sb_store *store);

  /* Statements; sqlite.c keeps a prepared one in `raw`, postgres.c what was bound and the rows that came. */
  void (*prepare)(sb_statement *s, const char *sql);
  void (*bind_int)(sb_statement *s, int index, int64_t value);
  void (*bind_real)(sb_statement *s, int index, double value);
  void (*bind_text)(sb_statement *s, int index, const char *text);                            /* borrowed */
  void (*bind_blob)(sb_statement *s, int index, const void *bytes, size_t size, bool copied); /* else borrowed */
  bool (*step)(sb_statement *s);
  bool (*column_null)(sb_statement *s, int column);
  int64_t (*column_int)(sb_statement *s, int column); /* 0 where it is NULL */
  double (*column_real)(sb_statement *s, int column);
  const void *(*column_bytes)(sb_statement *s, int column,
                              size_t *size); /* a text has a NUL behind it; NULL: is NULL */
  void (*reset)(sb_statement *s);            /* to be bound and stepped anew */
  void (*end)(sb_statement *s);
  /* A statement that adds rows of `count` columns, bound and stepped one by one, faster than by INSERT where the database knows
   * how; no other statement may run before its end. */
  void (*prepare_bulk)(sb_statement *s, const char *table, const char *columns, int count);
  int64_t (*changes)(struct sb_store *store); /* rows that the last statement wrote */

  /* Several statements without parameters or rows. */
  sb_status (*exec)(struct sb_store *store, const char *sql, sb_error *error);
  /* A transaction: one that writes has no other beside it, whichever process asks; one that reads sees one moment. */
  sb_status (*begin)(struct sb_store *store, bool writes, sb_error *error);
  sb_status (*commit)(struct sb_store *store, sb_error *error);
  /* The commit of the transaction in progress is to call those who watch for changes (sb_store_watch); NULL: nobody can. */
  void (*notify)(struct sb_store *store);
  void (*rollback)(struct sb_store *store); /* also where there is none any more */

  /* The schema that the database has, 0: none. SB_STORE: it is of something else. */
  sb_status (*schema)(struct sb_store *store, int64_t *version, sb_error *error);
  sb_status (*schema_done)(struct sb_store *store, sb_error *error);
  /* A number that differs whenever somebody else may have written. */
  sb_status (*version)(struct sb_store *store, int64_t *version, sb_error *error);
  /* The id that the next row of a table gets, never used twice. Within a transaction. */
  sb_status (*next_row)(struct sb_store *store, const char *table, int64_t *row, sb_error *error);
  /* Makes `next` the id that the next row gets. */
  sb_status (*start_rows)(struct sb_store *store, const char *table, int64_t next, sb_error *error);
  /* Gives a person's faces to another one. Within a transaction. */
  sb_status (*move_faces)(struct sb_store *store, int64_t from, int64_t into, sb_error *error);
  /* What was deleted leaves no trace in logs. */
  sb_status (*erase)(struct sb_store *store, sb_error *error);
  sb_status (*check)(struct sb_store *store, sb_error *error);
  /* All of it but the two schemas. */
  sb_status (*health)(struct sb_store *store, sb_store_health *out, sb_error *error);
  /* A copy of this moment as an SQLite database. */
  sb_status (*copy)(struct sb_store *store, const char *to, sb_error *error);
} sb_driver;

extern const sb_driver sb_driver_sqlite, sb_driver_postgres;

#endif
