/* The check goes from the truth to what is derived from it: that T_rows and T_vectors have the same ids, that every
 * vector can be read, then that the index in memory has the same ids. */
#include "sql/table/check.h"

#include "sql/table/index_cache.h"

/* Counts the rows that one of T_rows and a table of vectors has, and the other has not. */
static sb_status count(sb_sql_vector_set *set, const char *from, const char *in, sqlite3_int64 *out, sb_error *error) {
  sb_sql_table *table = set->table;
  sqlite3_stmt *statement = NULL;
  bool row = false;
  int code = sb_sql_table_prepare(table, &statement,
                                  "SELECT count(*) FROM \"%w\".\"%w_%s\" WHERE id NOT IN"
                                  " (SELECT id FROM \"%w\".\"%w_%s\")",
                                  table->schema, table->name, from, table->schema, table->name, in);
  sb_status status = sb_sql_table_status(table, code, error);
  if (status == SB_OK) status = sb_sql_table_step(table, statement, &row, error);
  if (row) *out = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return status;
}

static sb_status check_rows(sb_sql_vector_set *set, sb_error *error) {
  sqlite3_int64 without_vector = 0, without_row = 0;
  sb_status status = count(set, "rows", set->suffix, &without_vector, error);
  if (status == SB_OK) status = count(set, set->suffix, "rows", &without_row, error);
  if (status != SB_OK || (!without_vector && !without_row)) return status;
  return sb_fail(error, SB_STORE, "%s: %lld rows have no vector, and %lld vectors have no row; restore a backup",
                 set->table->name, without_vector, without_row);
}

static sb_status check_vector(sb_sql_vector_set *set, sqlite3_stmt *statement, sb_error *error) {
  sb_sql_value value = {0};
  sb_status status = sb_sql_vector_read(set, statement, 1, &value, error);
  if (status == SB_NO_MEMORY) return status;
  if (status == SB_OK) status = sb_sql_value_check(&value, NULL);
  if (status == SB_OK) return SB_OK;
  return sb_fail(error, SB_STORE, "%s: the vector of row %lld is damaged; restore a backup, or delete the row",
                 set->table->name, sqlite3_column_int64(statement, 0));
}

static sb_status check_vectors(sb_sql_vector_set *set, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  bool row = false;
  int code = sb_sql_vector_prepare(set, &statement, "SELECT id, vector FROM \"%w\".\"%w_%s\"");
  sb_status status = sb_sql_table_status(set->table, code, error);
  while (status == SB_OK && (status = sb_sql_table_step(set->table, statement, &row, error)) == SB_OK && row)
    status = check_vector(set, statement, error);
  sqlite3_finalize(statement);
  return status;
}

/* Compares the ids in the index with those in T_vectors. The index shows the state that the connection sees. */
static sb_status compare_index(sb_sql_vector_set *set, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  bool row = false;
  size_t rows = 0;
  int code = sb_sql_vector_prepare(set, &statement,
                                   "SELECT id FROM \"%w\".\"%w_%s\" WHERE length(vector)"); /* NULL is empty */
  sb_status status = sb_sql_table_status(set->table, code, error);
  while (status == SB_OK && (status = sb_sql_table_step(set->table, statement, &row, error)) == SB_OK && row) {
    sqlite3_int64 id = sqlite3_column_int64(statement, 0);
    rows++;
    if (!sb_sql_index_cache_contains(set->cache, id))
      status = sb_fail(error, SB_STORE, "%s: row %lld is not in the index; close all connections to rebuild it",
                       set->table->name, id);
  }
  if (status == SB_OK && sb_sql_index_cache_count(set->cache) != rows)
    status = sb_fail(error, SB_STORE,
                     "%s: the index holds rows that the table does not; close all connections to rebuild it",
                     set->table->name);
  sqlite3_finalize(statement);
  return status;
}

static sb_status check_set(sb_sql_vector_set *set, sb_error *error) {
  sb_sql_id_set touched = {0};
  bool usable = false;
  sb_status status = check_rows(set, error);
  if (status == SB_OK) status = check_vectors(set, error);
  if (status == SB_OK && sb_sql_metric_has_index(set->column->metric))
    status = sb_sql_index_cache_begin_read(set, &touched, &usable, error);
  if (status == SB_OK && usable && !touched.count) status = compare_index(set, error);
  if (usable) sb_sql_index_cache_end_read(set->cache);
  sb_sql_id_set_free(&touched);
  return status;
}

sb_status sb_sql_table_check(sb_sql_table *table, sb_error *error) {
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < table->declaration.vector_count; i++)
    status = check_set(&table->sets[i], error);
  return status;
}
