/* Rewrites a statement for SQLite: the parts of InterSystems IRIS's SQL that SQLite does not have, and searches that
 * the index can answer (query_rewrite.h). It works on tokens, so strings, comments and quoted names are never
 * changed.
 *
 * A statement comes back in up to two forms. The fast form asks the index; it does not compile where the table has
 * no index, so the session tries it first and falls back to the plain form. */
#ifndef SB_SQL_DIALECT_IRIS_DIALECT_H
#define SB_SQL_DIALECT_IRIS_DIALECT_H

#include "base/base.h"

/* What DROP INDEX answers for the index of a vector column. */
#define SB_SQL_INDEX_STAYS "the index of a vector column stays: it costs nothing until the first search"

/* A statement about the index of a vector column. */
typedef enum sb_sql_dialect_index {
  SB_SQL_DIALECT_NO_INDEX,
  SB_SQL_DIALECT_CREATE_INDEX, /* ... AS HNSW: `plain` compiles only if there is the vector column */
  SB_SQL_DIALECT_DROP_INDEX    /* of any index: where SQLite has no such index, `notice` is the statement */
} sb_sql_dialect_index;

/* Free with sb_sql_dialect_free. One thread. */
typedef struct sb_sql_dialect {
  size_t size;   /* bytes of the text that the statement takes up, with its semicolon; 0: nothing was rewritten */
  char *plain;   /* the statement in SQLite's SQL; NULL: the text as it is */
  char *fast;    /* the same, asked of the index, or an upsert of an ordinary table; NULL: it is neither */
  char *missing; /* of an upsert with a list of columns: a SELECT that names one that the list lacks */
  sb_sql_dialect_index index;
  char *index_name; /* with `index`: the name, in lower case, without schema and quotes */
  char *notice;     /* with DROP_INDEX; NULL: the statement names no table */
  int parameters;   /* the largest parameter number */
  char **names; /* of parameters 1 to `parameters`, as they stand: ":a", "?"; NULL: the statement lacks the number */
} sb_sql_dialect;

/* Reads the first statement of `text`. SB_INVALID: a use of TOP, or of parameters, that has no
 * meaning. SB_NO_MEMORY. */
sb_status sb_sql_dialect_read(const char *text, sb_sql_dialect *out, sb_error *error);
void sb_sql_dialect_free(sb_sql_dialect *dialect);

#endif
