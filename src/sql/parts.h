/* What the files of src/sql share: functions, the table kind `semblance`. */
#ifndef SB_SQL_PARTS_H
#define SB_SQL_PARTS_H

#include "sql/sqlite.h"
#include "sql/values.h"

/* Functions and the table kind `semblance`, for one connection; SQLite's result code. */
int sb_sql_register(sqlite3 *db);
int sb_sql_register_functions(sqlite3 *db);
int sb_sql_register_table(sqlite3 *db);

/* The functions by which a statement asks for nearest rows; they are true of every row. */
extern const char *const sb_database_search_functions[3]; /* by sb_measure */
/* A table that answers them has this hidden column: 1 for the nearest row, then 2, ... */
#define SB_RANK_COLUMN "semblance rank"

/* A vector from an argument: tagged or untyped blob, or text. */
sb_status sb_value_of(sqlite3_value *argument, sb_value *out, sb_error *error);
/* SQLite's code and words for an error; gives the code. */
int sb_sql_code(sb_status status);

#endif
