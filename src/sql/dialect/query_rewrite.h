/* The clauses of a SELECT, and the shape that the index answers:
 *
 *   SELECT ... FROM t [WHERE w] ORDER BY VECTOR_COSINE(column, probe) DESC LIMIT k
 *   SELECT ..., VECTOR_COSINE(column, probe) [AS] alias FROM t [WHERE w] ORDER BY alias DESC LIMIT k
 *
 * (VECTOR_DOT_PRODUCT likewise, VECTOR_L2 ascending) become
 *
 *   SELECT ... FROM t WHERE semblance_nearest_cosine(column, probe) [AND (w)] ORDER BY t."semblance rank" LIMIT k
 *
 * which asks for the same rows in the same order: the function is true of every row, and a table that is searched by an
 * index gives its rows nearest first, for as long as they are taken. Where t is none, it does not compile. */
#ifndef SB_SQL_QUERY_REWRITE_H
#define SB_SQL_QUERY_REWRITE_H

#include "sql/dialect/token_edits.h"

/* Indexes of tokens; 0: there is no such clause. `from`: the word SELECT itself; `to`: behind the last token. */
typedef struct sb_sql_select {
  size_t from, columns, tables, where, order, limit, to;
  bool distinct, grouped, compound, limited;
} sb_sql_select;
void sb_sql_select_read(const sb_sql_token_edits *script, size_t from, sb_sql_select *out);
/* Edits the script where the select has the shape. */
sb_status sb_sql_query_rewrite(sb_sql_token_edits *script, const sb_sql_select *select, sb_error *error);

#endif
