/* IRIS's words in SQLite's SQL, and the shape of a search that the index answers. Works on tokens: strings, comments and
 * quoted names are never touched. One thread. */
#ifndef SB_SQL_DIALECT_H
#define SB_SQL_DIALECT_H

#include "base/base.h"

typedef struct sb_sql_dialect {
  size_t size;    /* bytes of the text that the statement takes up, with its semicolon; 0: SQLite has to tell */
  char *plain;    /* what SQLite is to compile; NULL: the text as it is */
  char *fast;     /* tried first: the same asked of the index; NULL: the statement has not that shape */
  bool index;     /* it was CREATE INDEX ... AS HNSW: where `plain` does not compile there is no such vector column */
  int parameters; /* the largest number */
  char **names;   /* of parameters 1.. ; NULL: it has none */
} sb_sql_dialect;

/* The first statement of `text`. SB_INVALID: words of IRIS that cannot be understood. SB_NO_MEMORY. */
sb_status sb_sql_dialect_read(const char *text, sb_sql_dialect *out, sb_error *error);
void sb_sql_dialect_free(sb_sql_dialect *dialect);

#endif
