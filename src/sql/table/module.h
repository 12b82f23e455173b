/* The table kind `semblance` (table.h) as an SQLite module. */
#ifndef SB_SQL_TABLE_MODULE_H
#define SB_SQL_TABLE_MODULE_H

#include "sql/sqlite.h"

/* Adds the module to a connection: CREATE VIRTUAL TABLE t USING semblance(...). Returns SQLite's code. */
int sb_sql_register_table(sqlite3 *db);

#endif
