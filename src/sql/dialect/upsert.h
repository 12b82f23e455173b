/* Statements that insert a row or, where it exists, change it: IRIS's INSERT OR UPDATE, and PostgreSQL's INSERT ... ON
 * CONFLICT DO UPDATE. SQLite has the latter for ordinary tables; a virtual table only knows INSERT OR REPLACE, which is
 * the same where the statement gives all columns. */
#ifndef SB_SQL_DIALECT_UPSERT_H
#define SB_SQL_DIALECT_UPSERT_H

#include "sql/dialect/iris_dialect.h"
#include "sql/dialect/token_edits.h"

/* The parts of such a statement, as tokens. */
typedef struct sb_sql_upsert {
  bool found;
  size_t table, table_end;     /* the name, also with its schema */
  size_t columns, columns_end; /* the list, without parentheses; 0: every column */
  size_t source;               /* VALUES or SELECT */
  size_t conflict;             /* ON CONFLICT; 0: INSERT OR UPDATE */
} sb_sql_upsert;

void sb_sql_upsert_read(const sb_sql_token_edits *edits, sb_sql_upsert *out);
/* Writes out->fast, for ordinary tables, out->plain, for virtual ones, and out->missing. SB_NO_MEMORY. */
sb_status sb_sql_upsert_write(sb_sql_token_edits *edits, const sb_sql_upsert *upsert, sb_sql_dialect *out,
                              sb_error *error);

#endif
