/* The plan of one pass over a table: what xBestIndex tells xFilter, by SQLite's idxNum (the flags) and idxStr (the
 * text).
 *
 * The text is also what EXPLAIN QUERY PLAN shows:
 *   "nearest by cosine, k, where: c2 > BINARY; rowid in BINARY;"     a search
 *   "rows where: c1 = NOCASE;"                                       a scan
 * with one condition for each further value of xFilter: column, operator, collation. */
#ifndef SB_SQL_TABLE_PLAN_H
#define SB_SQL_TABLE_PLAN_H

#include "base/base.h"

/* The flags. xFilter's values come in this order: the query vector, k, then one for each condition of the text. */
enum {
  SB_SQL_PLAN_NEAREST = 1 << 0,   /* a search; the first value is the query vector */
  SB_SQL_PLAN_MATCH = 1 << 1,     /* asked for with MATCH, see below */
  SB_SQL_PLAN_K = 1 << 2,         /* the next value is k */
  SB_SQL_PLAN_VECTOR = 1 << 3,    /* the statement reads the vector column */
  SB_SQL_PLAN_ROWS = 1 << 4,      /* the statement reads other declared columns */
  SB_SQL_PLAN_BACKWARDS = 1 << 5, /* a scan by descending rowid */
  SB_SQL_PLAN_METRIC = 8,         /* shift: the sb_sql_metric of a search */
};
/* A query vector that is NULL finds nothing with MATCH. With one of sb_sql_nearest_functions, which are true of
 * every row, it finds all rows, in any order. */

/* A condition that the table checks itself. */
typedef struct sb_sql_condition {
  int column; /* -1: the rowid */
  char operator[12], collation[64];
} sb_sql_condition;

/* The conditions of a plan's text; "" when it has none. */
const char *sb_sql_plan_conditions(const char *plan);
/* Reads the next condition and moves `*text` past it; false: there are no more. */
bool sb_sql_plan_next_condition(const char **text, sb_sql_condition *out);
bool sb_sql_condition_is_list(const sb_sql_condition *condition);   /* an IN list, whose values come all at once */
bool sb_sql_condition_has_value(const sb_sql_condition *condition); /* not IS NULL, IS NOT NULL */
/* Appends the condition as SQL on the row `r` of T_rows, with a ? for its value; with `values` of them for an IN
 * list. */
sb_status sb_sql_condition_write(const sb_sql_condition *condition, size_t values, sb_buffer *out, sb_error *error);

#endif
