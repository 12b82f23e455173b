/* Which conditions of a search with k are checked before the k rows are counted, and which after. */
#ifndef SB_SQL_TABLE_JOIN_H
#define SB_SQL_TABLE_JOIN_H

#include "sql/sqlite.h"
#include "sql/table/plan.h"

/* Whether the value that a condition compares with is the same in all rows of a join: a literal, a bound parameter, a
 * list, or none. */
bool sb_sql_condition_is_fixed(const sb_sql_condition *condition, sqlite3_value *value);
/* *late: the conditions whose values are not fixed are checked after the k rows are counted. So it is in a join, where
 * such a value may come from a row of the other table: whether the table sees it depends on the order in which SQLite
 * joins them. It is not so in a correlated subquery, which asks for k rows for each row of the outer query. `number`
 * and `plan` are SQLite's idxNum and idxStr of the search. Returns SQLite's code. */
int sb_sql_find_late(sqlite3 *db, int number, const char *plan, int count, sqlite3_value **values, bool *late);

#endif
