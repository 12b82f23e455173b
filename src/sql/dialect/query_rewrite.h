/* Finds the clauses of a SELECT, and rewrites a search so that the index answers it:
 *
 *   SELECT ... FROM t [WHERE w] ORDER BY VECTOR_COSINE(column, vector) DESC LIMIT k
 *   SELECT ..., VECTOR_COSINE(column, vector) [AS] alias FROM t [WHERE w] ORDER BY alias DESC LIMIT k
 *
 * (and likewise VECTOR_DOT_PRODUCT, and VECTOR_L2 ascending) become
 *
 *   SELECT ... FROM t WHERE semblance_nearest_cosine(column, vector) [AND (w)] ORDER BY t."semblance rank" LIMIT k
 *
 * Both give the same rows in the same order: the function is true of every row, and a table that is searched by its
 * index gives rows nearest first for as long as they are taken. Where t has no index, the second form does not
 * compile. */
#ifndef SB_SQL_DIALECT_QUERY_REWRITE_H
#define SB_SQL_DIALECT_QUERY_REWRITE_H

#include "sql/dialect/token_edits.h"

/* Where the clauses of a SELECT begin, as indexes of tokens; 0: there is no such clause. */
typedef struct sb_sql_select {
  size_t from;                      /* the word SELECT */
  size_t columns, tables, where;    /* after SELECT [DISTINCT], FROM and WHERE */
  size_t order;                     /* after ORDER BY */
  size_t limit;                     /* the word LIMIT, or the first of OFFSET ... FETCH FIRST ... */
  size_t to;                        /* after the SELECT's last token */
  bool distinct, grouped, compound; /* it has DISTINCT; GROUP BY, HAVING or WINDOW; it is part of a UNION or the like */
  bool limited;                     /* by LIMIT or TOP */
} sb_sql_select;

/* Reads the SELECT at token `from`. */
void sb_sql_select_read(const sb_sql_token_edits *edits, size_t from, sb_sql_select *out);
/* Registers an edit that puts NULL last where a SELECT is ordered by a distance of pgvector, as PostgreSQL does; the
 * search of the index does so anyway. */
sb_status sb_sql_query_nulls_last(sb_sql_token_edits *edits, const sb_sql_select *select, sb_error *error);
/* Registers the edits that make `select` a search of the index, if it has one of the forms above. SB_NO_MEMORY. */
sb_status sb_sql_query_rewrite(sb_sql_token_edits *edits, const sb_sql_select *select, sb_error *error);

#endif
