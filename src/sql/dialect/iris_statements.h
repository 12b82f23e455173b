/* Statements and clauses of IRIS that have an exact counterpart in SQLite. Each function registers edits where it finds
 * its form and leaves other statements alone. SB_INVALID: the form is there, but wrong; SB_NO_MEMORY. */
#ifndef SB_SQL_DIALECT_IRIS_STATEMENTS_H
#define SB_SQL_DIALECT_IRIS_STATEMENTS_H

#include "sql/dialect/token_edits.h"

/* CREATE TABLE t (..., v VECTOR(DOUBLE, 3)), at token `i`: a virtual table `semblance` by inner product, which takes
 * zero vectors as IRIS does. */
sb_status sb_sql_iris_create_table(sb_sql_token_edits *edits, size_t i, sb_error *error);
/* TRUNCATE TABLE t -> DELETE FROM t. */
sb_status sb_sql_iris_truncate(sb_sql_token_edits *edits, size_t i, sb_error *error);
/* DESCRIBE t -> a SELECT of its columns. */
sb_status sb_sql_iris_describe(sb_sql_token_edits *edits, size_t i, sb_error *error);
/* [OFFSET m ROWS] FETCH FIRST n ROWS ONLY -> LIMIT n [OFFSET m], in every SELECT. */
sb_status sb_sql_iris_fetch(sb_sql_token_edits *edits, sb_error *error);
/* %ID -> rowid, and SQLUser.t -> t. */
sb_status sb_sql_iris_names(sb_sql_token_edits *edits, sb_error *error);

/* Whether a FETCH FIRST clause, or the OFFSET before it, begins at token `i`: it ends a SELECT as LIMIT does. */
bool sb_sql_iris_is_fetch(const sb_sql_token_edits *edits, size_t i);

#endif
