/* The one place that knows both halves of the extension: vectors/functions.c and table/module.c. */
#include "sql/register.h"

#include "sql/table/module.h"
#include "sql/vectors/aggregates.h"
#include "sql/vectors/functions.h"
#include "sql/vectors/pgvector_functions.h"
#include "sql/vectors/vec_functions.h"

int sb_sql_register(sqlite3 *db) {
  if (sqlite3_libversion_number() < SB_SQL_SQLITE_MIN) return SQLITE_ERROR;
  int code = sb_sql_register_functions(db);
  if (code == SQLITE_OK) code = sb_sql_register_vec_functions(db);
  if (code == SQLITE_OK) code = sb_sql_register_pgvector_functions(db);
  if (code == SQLITE_OK) code = sb_sql_register_aggregates(db);
  return code == SQLITE_OK ? sb_sql_register_table(db) : code;
}
