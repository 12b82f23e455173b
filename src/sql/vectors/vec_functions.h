/* The functions of sqlite-vec for vectors of float32, and its table function vec_each. */
#ifndef SB_SQL_VECTORS_VEC_FUNCTIONS_H
#define SB_SQL_VECTORS_VEC_FUNCTIONS_H

#include "base/base.h"
#include "sql/sqlite.h"

/* Adds them to a connection, unless it has a vec_length already: then sqlite-vec itself is loaded. Returns SQLite's
 * code. */
int sb_sql_register_vec_functions(sqlite3 *db);
/* Adds vec_each(vector), which has a row for each element: rowid from 0, and value. Returns SQLite's code. */
int sb_sql_register_vec_each(sqlite3 *db);

#endif
