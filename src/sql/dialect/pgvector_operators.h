/* Expressions of PostgreSQL and pgvector: operators on vectors, casts, B'01' and ARRAY[...]. */
#ifndef SB_SQL_DIALECT_PGVECTOR_OPERATORS_H
#define SB_SQL_DIALECT_PGVECTOR_OPERATORS_H

#include "sql/dialect/token_edits.h"

/* Rewrites them as calls of functions. SB_INVALID: a cast to a type that has none here. */
sb_status sb_sql_pgvector_operators(sb_sql_token_edits *edits, sb_error *error);

#endif
