/* CREATE INDEX name ON [TABLE] t (column) AS HNSW(...), and DROP INDEX name [ON [TABLE] t]. Every vector column has an
 * index, which needs no settings, so there is nothing to create or drop: the statements become SELECTs that say so. */
#ifndef SB_SQL_DIALECT_IRIS_INDEX_H
#define SB_SQL_DIALECT_IRIS_INDEX_H

#include "sql/dialect/iris_dialect.h"
#include "sql/dialect/token_edits.h"

/* At token `i`. Sets out->index and what belongs to it, if this is such a statement. SB_INVALID: a setting is unknown
 * or out of range. SB_NO_MEMORY. */
sb_status sb_sql_iris_index(sb_sql_token_edits *edits, size_t i, sb_sql_dialect *out, sb_error *error);

/* The parts of a CREATE INDEX of a vector column, as tokens: the first of the statement; the one after its name (0: it
 * has none); the table and the one after it; the column. */
typedef struct sb_sql_dialect_creation {
  size_t from, name_end, table, table_end, column;
} sb_sql_dialect_creation;
/* Makes the statement a SELECT that says that the index exists, and sets out->index. SB_NO_MEMORY. */
sb_status sb_sql_iris_write_creation(sb_sql_token_edits *edits, const sb_sql_dialect_creation *parts,
                                     sb_sql_dialect *out, sb_error *error);

#endif
