/* SQLite's errors as statuses, with messages about the gallery. */
#include "base/sqlite_status.h"
#include "store/drivers/sqlite/sqlite.h"

#include <errno.h>
#include <sqlite3.h>

sb_status sb_sqlite_failed(sb_store *store, int code, sb_error *error) {
  const sb_sqlite_connection *connection = store->connection;
  sqlite3 *db = connection ? connection->db : NULL;
  int primary = code & 0xff, system_error = errno; /* SQLite does not record the errno of a failed COMMIT */
  if (db && sqlite3_system_errno(db)) system_error = sqlite3_system_errno(db);
  sb_status status = sb_status_of_sqlite(code, system_error);
  if (status == SB_READ_ONLY || primary == SQLITE_CANTOPEN)
    return sb_fail(error, SB_READ_ONLY,
                   "the gallery in %s cannot be opened or written: permission is denied, or the folder is read-only",
                   store->dir);
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT)
    return sb_fail(error, SB_STORE, "the database %s/semblance.db is damaged (%s); restore a backup", store->dir,
                   sqlite3_errstr(primary));
  return sb_fail_sqlite(error, status, "the gallery", sqlite3_errmsg(db));
}
