/* Registers the vector functions and the table kind `semblance` with an SQLite connection. */
#ifndef SB_SQL_REGISTER_H
#define SB_SQL_REGISTER_H

#include "base/base.h"
#include "sql/sqlite.h"

/* Returns SQLite's result code: SQLITE_ERROR when the SQLite library is older than SB_SQL_SQLITE_MIN. */
int sb_sql_register(sqlite3 *db);

#endif
