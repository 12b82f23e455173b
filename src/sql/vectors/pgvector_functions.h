/* pgvector's functions of vectors: l2_distance, cosine_distance, subvector and others. */
#ifndef SB_SQL_VECTORS_PGVECTOR_FUNCTIONS_H
#define SB_SQL_VECTORS_PGVECTOR_FUNCTIONS_H

#include "sql/sqlite.h"

/* Adds them to a connection. Returns SQLite's code. */
int sb_sql_register_pgvector_functions(sqlite3 *db);

#endif
