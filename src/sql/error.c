/* Every method of a virtual table and every SQL function of this project ends with one of these calls, so that SQLite
 * gets both a result code and a message. The map from SQLite's codes is base/sqlite_status.c. */
#include "sql/error.h"

int sb_sql_result_code(sb_status status) {
  switch (status) {
  case SB_OK: return SQLITE_OK;
  case SB_NO_MEMORY: return SQLITE_NOMEM;
  case SB_EXISTS:
  case SB_DUPLICATE: return SQLITE_CONSTRAINT;
  case SB_BUSY:
  case SB_STOPPING: return SQLITE_BUSY;
  case SB_DISK_FULL: return SQLITE_FULL;
  case SB_READ_ONLY: return SQLITE_READONLY;
  case SB_TOO_LARGE: return SQLITE_TOOBIG;
  case SB_IO: return SQLITE_IOERR;
  case SB_STORE: return SQLITE_CORRUPT_VTAB;
  default: return SQLITE_ERROR;
  }
}

int sb_sql_vtab_error(sqlite3_vtab *table, sb_status status, const sb_error *error) {
  if (status == SB_OK) return SQLITE_OK;
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", error->message);
  return sb_sql_result_code(status);
}

void sb_sql_function_error(sqlite3_context *context, sb_status status, const sb_error *error) {
  if (status == SB_NO_MEMORY)
    sqlite3_result_error_nomem(context);
  else
    sqlite3_result_error(context, error->message, -1);
}
