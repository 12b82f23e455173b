/* The vector functions of SQL: TO_VECTOR, VECTOR_DOT_PRODUCT, VECTOR_COSINE, VECTOR_L2 and the rest of docs/sql.md. */
#ifndef SB_SQL_VECTORS_FUNCTIONS_H
#define SB_SQL_VECTORS_FUNCTIONS_H

#include "base/base.h"
#include "sql/sqlite.h"

/* Adds the functions to a connection. Returns SQLite's result code. */
int sb_sql_register_functions(sqlite3 *db);

/* Functions that have other names in vec_functions.c and pgvector_functions.c, too. The data of the first two is the
 * sb_sql_metric: its value, and the distance that it means (1 - the cosine, the negative inner product). */
void sb_sql_vector_compare(sqlite3_context *context, int count, sqlite3_value **arguments);
void sb_sql_vector_distance(sqlite3_context *context, int count, sqlite3_value **arguments);
void sb_sql_from_vector(sqlite3_context *context, int count, sqlite3_value **arguments);
void sb_sql_vector_length(sqlite3_context *context, int count, sqlite3_value **arguments);
/* xFindFunction of the virtual tables. Overloads sb_sql_nearest_functions: WHERE semblance_nearest_cosine(v, ?) reaches
 * xBestIndex as a constraint whose operator is the returned number. MATCH that SQLite would run as a function on each
 * row is an error that says where it belongs. */
int sb_sql_find_function(sqlite3_vtab *table, int count, const char *name,
                         void (**function)(sqlite3_context *, int, sqlite3_value **), void **data);

#endif
