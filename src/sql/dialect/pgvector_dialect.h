/* pgvector's SQL: the operators <->, <=>, <#> and <+>, the cast ::vector, CREATE EXTENSION vector, and CREATE INDEX ...
 * USING hnsw or ivfflat. */
#ifndef SB_SQL_DIALECT_PGVECTOR_DIALECT_H
#define SB_SQL_DIALECT_PGVECTOR_DIALECT_H

#include "sql/dialect/iris_dialect.h"
#include "sql/dialect/token_edits.h"

/* Registers the edits that turn operators and casts into calls of functions. SB_NO_MEMORY. */
sb_status sb_sql_pgvector_operators(sb_sql_token_edits *edits, sb_error *error);
/* CREATE EXTENSION vector, and CREATE INDEX ... USING hnsw, at token `i`. *found: it is one of them; for an index,
 * out->index and what belongs to it are set. SB_INVALID: a setting is unknown or out of range. SB_NO_MEMORY. */
sb_status sb_sql_pgvector_statement(sb_sql_token_edits *edits, size_t i, sb_sql_dialect *out, bool *found,
                                    sb_error *error);

#endif
