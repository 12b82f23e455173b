/* Is a table sound? Its own tables against each other, every vector, and the index in memory. */
#include "sql/index_cache.h"

#include <math.h>

static sb_status count(sb_table *table, const char *format, sqlite3_int64 *out, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  int code = sb_table_prepare(table, &statement, format, table->schema, table->name, table->schema, table->name);
  if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
  sb_status status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  return status;
}

static sb_status check_vectors(sb_table *table, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  const uint8_t *floats;
  int code =
      sb_table_prepare(table, &statement, "SELECT id, vector FROM \"%w\".\"%w_vectors\"", table->schema, table->name);
  sb_status status = sb_table_status(table, code, error);
  while (status == SB_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    status = sb_table_vector(table, statement, 1, &floats, NULL);
    sb_value value = {.kept = SB_ELEMENT_FLOAT, .dim = table->declaration.dim, .bytes = floats};
    if (status == SB_OK) status = sb_value_check(&value, NULL);
    if (status != SB_OK)
      status = sb_fail(error, SB_STORE, "%s: the vector of row %lld is damaged", table->name,
                       sqlite3_column_int64(statement, 0));
  }
  if (status == SB_OK) status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  return status;
}

sb_status sb_table_check(sb_table *table, sb_error *error) {
  sqlite3_int64 without_vector = 0, without_row = 0;
  sb_status status =
      count(table, "SELECT count(*) FROM \"%w\".\"%w_rows\" WHERE id NOT IN (SELECT id FROM \"%w\".\"%w_vectors\")",
            &without_vector, error);
  if (status == SB_OK)
    status =
        count(table, "SELECT count(*) FROM \"%w\".\"%w_vectors\" WHERE id NOT IN (SELECT id FROM \"%w\".\"%w_rows\")",
              &without_row, error);
  if (status == SB_OK && (without_vector || without_row))
    status = sb_fail(error, SB_STORE, "%s: %lld rows have no vector, %lld vectors no row", table->name, without_vector,
                     without_row);
  if (status == SB_OK) status = check_vectors(table, error);
  return status == SB_OK ? sb_index_cache_check(table, error) : status;
}
