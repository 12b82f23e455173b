/* PostgreSQL's casts as a function: x::type(n) is semblance_cast(x, 'type', n). */
#ifndef SB_SQL_SESSION_CASTS_H
#define SB_SQL_SESSION_CASTS_H

#include "sql/sqlite.h"

/* Returns SQLite's code. */
int sb_sql_register_casts(sqlite3 *db);

#endif
