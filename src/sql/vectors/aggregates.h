/* Sums and means of vectors: vector_sum and vector_avg, and a sum and avg that take numbers and vectors. */
#ifndef SB_SQL_VECTORS_AGGREGATES_H
#define SB_SQL_VECTORS_AGGREGATES_H

#include "base/base.h"
#include "sql/sqlite.h"

/* Adds vector_sum and vector_avg to a connection. Returns SQLite's code. */
int sb_sql_register_aggregates(sqlite3 *db);
/* Replaces SQLite's sum and avg by functions that do the same for numbers, and add tagged vectors. For connections of
 * this program only: another program's own functions are not this extension's to replace. Returns SQLite's code. */
int sb_sql_replace_sum(sqlite3 *db);

#endif
