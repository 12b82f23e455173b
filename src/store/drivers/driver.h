/* Database driver: the table of functions by which the store reaches its database. There are two, SQLite
 * (drivers/sqlite) and PostgreSQL (drivers/postgres); sb_store_open chooses one, and nothing above names a driver
 * afterwards.
 *
 * A driver knows nothing of people, seals or the audit log: it runs SQL. The SQL is common to both databases, with "?"
 * and "?N" as parameters; where they differ (new row ids, erasing, health) the driver has a function of its own.
 *
 * To add an operation that both databases do in the same SQL, write it above with statements. Add a function here only
 * where they differ, and implement it in both drivers; a function that may be NULL says so.
 *
 * Every function is called under the store's lock. A statement whose status is not SB_OK must not reach the driver. */
#ifndef SB_STORE_DRIVERS_DRIVER_H
#define SB_STORE_DRIVERS_DRIVER_H

#include "crypto/row_set_mac.h"
#include "store/core/statement.h"
#include "store/store_types.h"

/* The values of a row that was written or removed (`removed`), first the table's name, then its columns in their order.
 * The observer fails the statement by returning an error. */
typedef sb_status (*sb_driver_row_observer)(void *context, const sb_crypto_row_set_mac_part *values, size_t count,
                                            bool removed, sb_error *error);

typedef struct sb_driver {
  const char *id_list_sql; /* SQL that gives a row for each number of the text "1,2,3", which is parameter 1 */
  bool seals_templates;    /* else templates are stored as halfvec, protected by their collection's transform alone */

  /* Opens the connection. `reader`: one that only reads, beside the store's own. */
  sb_status (*connect)(struct sb_store *store, bool reader, sb_error *error);
  void (*disconnect)(struct sb_store *store);
  /* The connection is lost. NULL: it cannot be. */
  bool (*lost)(const struct sb_store *store);

  /* ---- Statements. SQLite keeps a prepared statement in `raw`, PostgreSQL the parameters and the rows received. */

  void (*prepare)(sb_statement *s, const char *sql);
  void (*bind_int)(sb_statement *s, int index, int64_t value);
  void (*bind_real)(sb_statement *s, int index, double value);
  void (*bind_text)(sb_statement *s, int index, const char *text);                            /* borrowed */
  void (*bind_blob)(sb_statement *s, int index, const void *bytes, size_t size, bool copied); /* else borrowed */
  bool (*step)(sb_statement *s);
  bool (*column_null)(sb_statement *s, int column);
  int64_t (*column_int)(sb_statement *s, int column); /* 0 for NULL */
  double (*column_real)(sb_statement *s, int column);
  /* NULL for NULL; a NUL follows a text. */
  const void *(*column_bytes)(sb_statement *s, int column, size_t *size);
  void (*reset)(sb_statement *s); /* to be bound and stepped again */
  void (*end)(sb_statement *s);
  /* A statement that inserts rows of `count` columns, bound and stepped one by one; uses the database's bulk load where
   * it has one. No other statement may run before its end. */
  void (*prepare_bulk)(sb_statement *s, const char *table, const char *columns, int count);
  int64_t (*rows_written)(struct sb_store *store); /* by the last statement */
  /* Runs several statements without parameters or rows. */
  sb_status (*exec)(struct sb_store *store, const char *sql, sb_error *error);

  /* ---- Transactions. Of those that write there is one at a time, among all processes; one that reads sees one
   * snapshot. */

  sb_status (*begin)(struct sb_store *store, bool writes, sb_error *error);
  sb_status (*commit)(struct sb_store *store, sb_error *error);
  void (*rollback)(struct sb_store *store); /* also when the transaction has ended already */

  /* ---- Changes made by others */

  /* A number that differs whenever somebody else may have written. */
  sb_status (*change_marker)(struct sb_store *store, int64_t *marker, sb_error *error);
  /* The commit of this transaction is to wake those who wait in `wait`. Both NULL: the database cannot notify. */
  void (*notify)(struct sb_store *store);
  /* Waits on a reader's connection for a notification, `ms` at most. SB_STOPPING after sb_store_cancel_waits. */
  sb_status (*wait)(struct sb_store *reader, int ms, sb_error *error);

  /* `*settled`: every commit that the present transaction shows is visible on each of the database's nodes. `wait`:
   * waits some seconds for that. NULL: the database is one node. */
  sb_status (*settled)(struct sb_store *store, bool wait, bool *settled, sb_error *error);

  /* ---- Observing rows, for sealing/row_mac.c. All NULL: the database is not observed. */

  /* Sets the observer; before the schema is prepared. */
  sb_status (*observe_rows)(struct sb_store *store, sb_driver_row_observer observer, void *context, sb_error *error);
  /* From now on each row of the table that this connection writes or removes is reported, within its statement. */
  sb_status (*observe_table)(struct sb_store *store, const char *table, sb_error *error);
  /* Reports every row of the table as written; a table that does not exist has none. */
  sb_status (*visit_table)(struct sb_store *store, const char *table, sb_error *error);

  /* ---- What each database does in its own way */

  /* The version of the schema in the database, 0: none. SB_STORE: the database belongs to another program. */
  sb_status (*schema_version)(struct sb_store *store, int64_t *version, sb_error *error);
  sb_status (*set_schema_version)(struct sb_store *store, int version, sb_error *error);
  /* The id of the next row of a table; ids are never used twice. Within a transaction. */
  sb_status (*next_row)(struct sb_store *store, const char *table, int64_t *row, sb_error *error);
  /* Makes `next` the id that the next row gets. */
  sb_status (*set_next_row)(struct sb_store *store, const char *table, int64_t next, sb_error *error);
  /* Gives one person's faces to another. Within a transaction. */
  sb_status (*move_faces)(struct sb_store *store, int64_t from, int64_t into, sb_error *error);
  /* Removes deleted rows from the database's write-ahead log. */
  sb_status (*purge_log)(struct sb_store *store, sb_error *error);
  /* Checks the integrity of the database. */
  sb_status (*check)(struct sb_store *store, sb_error *error);
  /* Fills in all of `out` but the schema versions. */
  sb_status (*health)(struct sb_store *store, sb_store_health *out, sb_error *error);
  /* Copies a snapshot into an SQLite database at `to`. */
  sb_status (*snapshot)(struct sb_store *store, const char *to, sb_error *error);
} sb_driver;

extern const sb_driver sb_driver_sqlite, sb_driver_postgres;

#endif
