/* What the files of the SQLite driver share. */
#ifndef SB_STORE_DRIVERS_SQLITE_H
#define SB_STORE_DRIVERS_SQLITE_H

#include "store/core/store_core.h"

struct sqlite3;
struct sqlite3_stmt;

enum { SB_SQLITE_IDLE_MAX = 48 }; /* statements of a search, an enrollment and a deletion, with room to spare */

/* sb_store.connection. Ended statements stay prepared, the last one used first: parsing one costs more than running
 * it. */
typedef struct sb_sqlite_connection {
  struct sqlite3 *db;
  struct sqlite3_stmt *idle[SB_SQLITE_IDLE_MAX];
  size_t idle_count;
  sb_driver_row_observer observer; /* NULL: rows are not observed */
  void *observer_context;
} sb_sqlite_connection;

/* ---- sqlite_errors.c: fails with the status and the message for a result code */
sb_status sb_sqlite_failed(sb_store *store, int code, sb_error *error);

/* ---- row_observer.c: functions of sb_driver */

sb_status sb_sqlite_observe_rows(sb_store *store, sb_driver_row_observer observer, void *context, sb_error *error);
sb_status sb_sqlite_observe_table(sb_store *store, const char *table, sb_error *error);
sb_status sb_sqlite_visit_table(sb_store *store, const char *table, sb_error *error);

#endif
