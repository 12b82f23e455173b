/* Creates, opens, renames and drops the shadow tables of a table (table.h). All functions return SQLite's code, but
 * for the one that reads what another version may have written. */
#ifndef SB_SQL_TABLE_SHADOW_TABLES_H
#define SB_SQL_TABLE_SHADOW_TABLES_H

#include "sql/table/table.h"

/* Creates them, and gives the table its identity. */
int sb_sql_shadow_tables_create(sb_sql_table *table);
/* Reads T_meta: the identity. SB_STORE: it is damaged, or written by a newer version. */
sb_status sb_sql_shadow_tables_open(sb_sql_table *table, sb_error *error);
int sb_sql_shadow_tables_rename(sb_sql_table *table, const char *name);
int sb_sql_shadow_tables_drop(sb_sql_table *table);
/* Writes the suffix of the shadow table of a column of vectors. */
void sb_sql_shadow_tables_suffix(int number, char suffix[12]);
/* Whether T_`suffix` would be a shadow table of T; SQLite then protects it from ordinary writes. */
bool sb_sql_shadow_tables_has(const char *suffix);

#endif
