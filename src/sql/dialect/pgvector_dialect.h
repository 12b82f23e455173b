/* Statements of pgvector: CREATE EXTENSION vector, CREATE INDEX ... USING hnsw or ivfflat, SET hnsw.ef_search = 100. */
#ifndef SB_SQL_DIALECT_PGVECTOR_DIALECT_H
#define SB_SQL_DIALECT_PGVECTOR_DIALECT_H

#include "sql/dialect/iris_dialect.h"
#include "sql/dialect/token_edits.h"

/* At token `i`. *found: it is one of them; for an index,
 * out->index and what belongs to it are set. SB_INVALID: a setting is unknown or out of range. SB_NO_MEMORY. */
sb_status sb_sql_pgvector_statement(sb_sql_token_edits *edits, size_t i, sb_sql_dialect *out, bool *found,
                                    sb_error *error);

#endif
