/* Finds the rows that meet the conditions of a search before it searches, so that k rows are found wherever k rows
 * match. */
#ifndef SB_SQL_TABLE_FILTER_H
#define SB_SQL_TABLE_FILTER_H

#include "sql/table/id_set.h"
#include "sql/table/table.h"

/* The ids of the rows that meet all conditions of `plan`. `values`: one for each condition; for an IN list SQLite's
 * handle of all its values (sqlite3_vtab_in_first); NULL for a condition that is left out. The caller frees `out`. */
sb_status sb_sql_filter_ids(sb_sql_table *table, const char *plan, int count, sqlite3_value **values,
                            sb_sql_id_set *out, sb_error *error);

#endif
