/* Errors between this project and SQLite, in both directions. */
#ifndef SB_SQL_ERROR_H
#define SB_SQL_ERROR_H

#include "base/base.h"
#include "sql/sqlite.h"

/* The SQLite result code that says the same as `status`. */
int sb_sql_result_code(sb_status status);
/* Ends a call of a virtual table: makes `error` the table's message and returns the SQLite code. SB_OK sets nothing. */
int sb_sql_vtab_error(sqlite3_vtab *table, sb_status status, const sb_error *error);
/* Ends a call of an SQL function with an error. `status` is not SB_OK. */
void sb_sql_function_error(sqlite3_context *context, sb_status status, const sb_error *error);

#endif
