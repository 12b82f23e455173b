/* What every file of the folder builds on: statements over the shadow tables, and errors of both SQLite and this
 * project. */
#include "sql/table/table.h"

#include "base/sqlite_status.h"
#include "sql/error.h"

#include <stdarg.h>

/* ---- Statements on the shadow tables */

int sb_sql_table_prepare(sb_sql_table *table, sqlite3_stmt **out, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (!text) return SQLITE_NOMEM;
  int code = sqlite3_prepare_v2(table->db, text, -1, out, NULL);
  sqlite3_free(text);
  return code;
}

/* Compiles "INSERT INTO rows(id, c0, ...) VALUES(?, ?, ...)", or the UPDATE of the same columns, whose last
 * parameter is the row's old id. */
static int prepare_row(sb_sql_table *table, bool update, sqlite3_stmt **out) {
  sb_buffer names = {0}, parameters = {0};
  int code = SQLITE_NOMEM;
  sb_status status = sb_buffer_addf(&names, NULL, update ? "id = ?" : "id");
  if (status == SB_OK) status = sb_buffer_addf(&parameters, NULL, "?");
  for (int i = 0; status == SB_OK && i < table->declaration.columns; i++) {
    if (!sb_sql_table_declaration_in_rows(&table->declaration, i)) continue;
    status = sb_buffer_addf(&names, NULL, update ? ", c%d = ?" : ", c%d", i);
    if (status == SB_OK) status = sb_buffer_addf(&parameters, NULL, ", ?");
  }
  if (status != SB_OK) goto done;
  code = update ? sb_sql_table_prepare(table, out, "UPDATE \"%w\".\"%w_rows\" SET %s WHERE id = ?", table->schema,
                                       table->name, names.bytes)
                : sb_sql_table_prepare(table, out, "INSERT INTO \"%w\".\"%w_rows\"(%s) VALUES(%s)", table->schema,
                                       table->name, names.bytes, parameters.bytes);
done:
  sb_buffer_free(&names);
  sb_buffer_free(&parameters);
  return code;
}

static void reuse(sqlite3_stmt *statement) {
  if (!statement) return;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

int sb_sql_table_statement(sb_sql_table *table, sb_sql_statement_id which, sqlite3_stmt **out) {
  static const char *const texts[SB_SQL_STATEMENT_COUNT] = {
      [SB_SQL_STATEMENT_DELETE_ROW] = "DELETE FROM \"%w\".\"%w_rows\" WHERE id = ?",
      [SB_SQL_STATEMENT_ADD_CHANGE] = "INSERT INTO \"%w\".\"%w_changes\"(tag, id) VALUES(?, ?)",
      [SB_SQL_STATEMENT_TRIM_CHANGES] = "DELETE FROM \"%w\".\"%w_changes\" WHERE sequence <= ?",
      [SB_SQL_STATEMENT_LAST_CHANGE] = "SELECT sequence, tag FROM \"%w\".\"%w_changes\" ORDER BY sequence DESC LIMIT 1",
      [SB_SQL_STATEMENT_CHANGE_TAG] = "SELECT tag FROM \"%w\".\"%w_changes\" WHERE sequence = ?",
  };
  sqlite3_stmt **statement = &table->statements[which];
  bool update = which == SB_SQL_STATEMENT_UPDATE_ROW;
  int code = SQLITE_OK;
  if (!*statement)
    code = texts[which] ? sb_sql_table_prepare(table, statement, texts[which], table->schema, table->name)
                        : prepare_row(table, update, statement);
  reuse(*statement);
  *out = *statement;
  return code;
}

int sb_sql_vector_prepare(sb_sql_vector_set *set, sqlite3_stmt **out, const char *format) {
  return sb_sql_table_prepare(set->table, out, format, set->table->schema, set->table->name, set->suffix);
}

int sb_sql_vector_statement(sb_sql_vector_set *set, sb_sql_vector_statement_id which, sqlite3_stmt **out) {
  static const char *const texts[SB_SQL_VECTOR_STATEMENT_COUNT] = {
      [SB_SQL_VECTOR_INSERT] = "INSERT INTO \"%w\".\"%w_%s\"(id, vector) VALUES(?, ?)",
      [SB_SQL_VECTOR_UPDATE] = "UPDATE \"%w\".\"%w_%s\" SET id = ?, vector = ? WHERE id = ?",
      [SB_SQL_VECTOR_MOVE] = "UPDATE \"%w\".\"%w_%s\" SET id = ? WHERE id = ?",
      [SB_SQL_VECTOR_DELETE] = "DELETE FROM \"%w\".\"%w_%s\" WHERE id = ?",
      [SB_SQL_VECTOR_READ] = "SELECT vector FROM \"%w\".\"%w_%s\" WHERE id = ?",
  };
  sqlite3_stmt **statement = &set->statements[which];
  int code = *statement ? SQLITE_OK : sb_sql_vector_prepare(set, statement, texts[which]);
  reuse(*statement);
  *out = *statement;
  return code;
}

static void finalize_all(sqlite3_stmt **statements, int count) {
  for (int i = 0; i < count; i++) {
    sqlite3_finalize(statements[i]);
    statements[i] = NULL;
  }
}

void sb_sql_table_finalize(sb_sql_table *table) {
  finalize_all(table->statements, SB_SQL_STATEMENT_COUNT);
  for (int i = 0; i < table->declaration.vector_count; i++)
    finalize_all(table->sets[i].statements, SB_SQL_VECTOR_STATEMENT_COUNT);
}

sb_status sb_sql_table_step(sb_sql_table *table, sqlite3_stmt *statement, bool *row, sb_error *error) {
  int code = sqlite3_step(statement);
  *row = code == SQLITE_ROW;
  return sb_sql_table_status(table, code, error);
}

sb_status sb_sql_vector_read(sb_sql_vector_set *set, sqlite3_stmt *statement, int column, sb_sql_value *out,
                             sb_error *error) {
  const void *bytes = sqlite3_column_blob(statement, column);
  size_t size = (size_t)sqlite3_column_bytes(statement, column);
  bool null = sqlite3_column_type(statement, column) == SQLITE_BLOB && !size;
  sb_sql_table *table = set->table;
  *out = (sb_sql_value){0};
  if (!bytes && sqlite3_errcode(table->db) == SQLITE_NOMEM) return sb_sql_table_status(table, SQLITE_NOMEM, error);
  if (null && table->version >= SB_SQL_TABLE_VERSION_WITH_NULLS) return SB_OK;
  sb_status status = sb_sql_value_read_blob(bytes ? bytes : "", size, out, NULL);
  if (status == SB_OK && out->element == set->column->element && out->dim == set->column->dim) return SB_OK;
  return sb_fail(error, SB_STORE, "a vector of %s is damaged; restore a backup, or delete the row", table->name);
}

sb_status sb_sql_vector_floats(sb_sql_vector_set *set, sqlite3_stmt *statement, int column, const uint8_t **floats,
                               sb_error *error) {
  sb_sql_value value = {0};
  sb_status status = sb_sql_vector_read(set, statement, column, &value, error);
  if (status != SB_OK) return status;
  *floats = value.bytes;
  if (value.element == SB_SQL_ELEMENT_FLOAT || !value.dim) return SB_OK;
  for (size_t i = 0; i < value.dim; i++) set->scratch[i] = (float)sb_sql_value_get(&value, i);
  *floats = (const uint8_t *)set->scratch;
  return SB_OK;
}

/* ---- Errors */

sb_status sb_sql_table_status(sb_sql_table *table, int code, sb_error *error) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return SB_OK;
  const char *message = sqlite3_errmsg(table->db);
  bool damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
  table->failed = code;
  if (damaged) return sb_fail(error, SB_STORE, "the tables of %s are damaged: %s", table->name, message);
  /* In SQLite's own words, which programs look for: "database is locked", "interrupted". */
  return sb_fail(error, sb_status_of_sqlite(code, sqlite3_system_errno(table->db)), "%s", message);
}

int sb_sql_table_fail(sb_sql_table *table, sb_status status, const sb_error *error) {
  int code = table->failed;
  table->failed = SQLITE_OK;
  int own = sb_sql_vtab_error(&table->base, status, error);
  return status == SB_OK || code == SQLITE_OK ? own : code;
}

int sb_sql_table_sqlite_error(sb_sql_table *table, int code) {
  if (code == SQLITE_OK) return code;
  sqlite3_free(table->base.zErrMsg);
  table->base.zErrMsg = sqlite3_mprintf("%s", sqlite3_errmsg(table->db));
  return code;
}
