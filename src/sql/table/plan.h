/* The plan of one pass over a table: what xBestIndex tells xFilter, by SQLite's idxNum (the flags) and idxStr (the
 * text).
 *
 * The text is also what EXPLAIN QUERY PLAN shows:
 *   "nearest by cosine, k, where: c2 > BINARY; rowid in BINARY;"     a search
 *   "rows where: c1 = NOCASE;"                                       a scan
 * with one condition for each further value of xFilter: column, operator, collation. A ? stands before
 * the collation where the value is known only when the statement runs. */
#ifndef SB_SQL_TABLE_PLAN_H
#define SB_SQL_TABLE_PLAN_H

#include "base/base.h"
#include "sql/sqlite.h"

/* The flags. xFilter's values come in this order: the query vector, k, then one for each condition of the text. */
enum {
  SB_SQL_PLAN_NEAREST = 1 << 0,   /* a search; the first value is the query vector */
  SB_SQL_PLAN_MATCH = 1 << 1,     /* asked for with MATCH, see below */
  SB_SQL_PLAN_K = 1 << 2,         /* the next value is k */
  SB_SQL_PLAN_ROWS = 1 << 3,      /* the statement reads ordinary columns */
  SB_SQL_PLAN_BACKWARDS = 1 << 4, /* a scan by descending rowid */
  SB_SQL_PLAN_METRIC = 5,         /* shift, 3 bits: the sb_sql_metric of a search */
  SB_SQL_PLAN_NUMBER = 8,         /* shift, 4 bits: the number of the searched column among those of vectors */
  SB_SQL_PLAN_VECTORS = 12,       /* shift, 16 bits: which of those columns the statement reads */
};
/* A query vector that is NULL finds nothing with MATCH. With one of sb_sql_nearest_functions, which are true of
 * every row, it finds all rows, in any order. */

/* The columns of conditions that are not declared columns. */
enum { SB_SQL_COLUMN_ROWID = -1, SB_SQL_COLUMN_DISTANCE = -2, SB_SQL_COLUMN_SIMILARITY = -3 };

/* A condition that the table checks itself. */
typedef struct sb_sql_condition {
  int column;
  bool literal; /* the value stands in the statement, or there is none */
  char operator[12], collation[64];
} sb_sql_condition;

/* Appends condition `i` of xBestIndex, on the column called `column`, to a plan's text. `list`: its values come all at
 * once. */
sb_status sb_sql_condition_describe(sqlite3_index_info *info, int i, const char *column, bool list, sb_buffer *text);
/* The conditions of a plan's text; "" when it has none. */
const char *sb_sql_plan_conditions(const char *plan);
/* Reads the next condition and moves `*text` past it; false: there are no more. */
bool sb_sql_plan_next_condition(const char **text, sb_sql_condition *out);
bool sb_sql_condition_is_list(const sb_sql_condition *condition);   /* an IN list, whose values come all at once */
bool sb_sql_condition_has_value(const sb_sql_condition *condition); /* not IS NULL, IS NOT NULL */
/* Whether it is about distance or similarity: then T_rows cannot answer it. */
bool sb_sql_condition_is_bound(const sb_sql_condition *condition);
int sb_sql_condition_operator(const sb_sql_condition *condition); /* SQLITE_INDEX_CONSTRAINT_... */
/* Appends the condition as SQL on the row `r` of T_rows, with a ? for its value; with `values` of them for an IN
 * list. */
sb_status sb_sql_condition_write(const sb_sql_condition *condition, size_t values, sb_buffer *out, sb_error *error);

#endif
