/* The integrity check of a table: PRAGMA integrity_check, and INSERT INTO t(t) VALUES('integrity-check'). */
#ifndef SB_SQL_TABLE_CHECK_H
#define SB_SQL_TABLE_CHECK_H

#include "sql/table/table.h"

/* Checks the shadow tables against each other, every vector, and the index in memory. SB_STORE, saying what is
 * wrong. */
sb_status sb_sql_table_check(sb_sql_table *table, sb_error *error);

#endif
