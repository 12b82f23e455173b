/* Writing: INSERT, UPDATE, DELETE. Every change of a vector is noted in T_changes in the same transaction. */
#include "sql/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES_KEPT = 65536, TRIM_EVERY = 1024 };
/* Beyond, products of 4096 elements would leave float32's range. */
#define ELEMENT_MOST 1e15

static int step(sb_table *table, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  int end = sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : sb_table_failed(table, end);
}

/* A kept statement about one row. */
static int run_for(sb_table *table, sb_kept which, int64_t id) {
  sqlite3_stmt *statement = NULL;
  int code = sb_table_kept(table, which, &statement);
  if (code != SQLITE_OK) return sb_table_failed(table, code);
  sqlite3_bind_int64(statement, 1, id);
  return step(table, statement);
}

static int note_change(sb_table *table, int64_t id) {
  sqlite3_stmt *statement = NULL;
  int64_t tag;
  int code = sb_table_kept(table, SB_KEPT_CHANGE, &statement);
  if (code != SQLITE_OK) return sb_table_failed(table, code);
  sqlite3_randomness(sizeof tag, &tag);
  sqlite3_bind_int64(statement, 1, tag);
  sqlite3_bind_int64(statement, 2, id);
  code = step(table, statement);
  int64_t sequence = sqlite3_last_insert_rowid(table->db);
  if (code != SQLITE_OK || sequence % TRIM_EVERY) return code;
  return run_for(table, SB_KEPT_TRIM, sequence - CHANGES_KEPT);
}

static int delete_row(sb_table *table, int64_t id) {
  int code = run_for(table, SB_KEPT_DELETE_ROW, id);
  bool there = sqlite3_changes(table->db) > 0;
  if (code == SQLITE_OK) code = run_for(table, SB_KEPT_DELETE_VECTOR, id);
  return code == SQLITE_OK && there ? note_change(table, id) : code;
}

/* ---- The vector */

static sb_status check_elements(const sb_table *table, const sb_value *value, sb_error *error) {
  bool zero = true;
  for (size_t i = 0; i < value->dim; i++) {
    double element = sb_value_get(value, i);
    zero &= element == 0;
    if (fabs(element) > ELEMENT_MOST)
      return sb_fail(error, SB_INVALID, "vector element %zu: beyond 1e15 no distance can be computed", i + 1);
  }
  if (!zero || table->declaration.metric != SB_MEASURE_COSINE) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element: all are zero; a vector without a direction has no cosine");
}

/* The blob that is kept, released by free(). */
static sb_status read_vector(const sb_table *table, sqlite3_value *argument, uint8_t **bytes, size_t *size,
                             sb_error *error) {
  const sb_declaration *d = &table->declaration;
  sb_value value = {0};
  sb_status status = sb_value_of(argument, &value, error);
  if (status == SB_OK && value.dim != d->dim)
    status = sb_fail(error, SB_INVALID, "vector length: %s.%s holds vectors of %zu elements, this one has %zu",
                     table->name, d->names[d->vector], d->dim, value.dim);
  if (status == SB_OK) status = sb_value_convert(&value, SB_ELEMENT_FLOAT, error);
  if (status == SB_OK) status = sb_value_check(&value, error);
  if (status == SB_OK) status = check_elements(table, &value, error);
  if (status == SB_OK) status = sb_value_write(&value, bytes, size, error);
  sb_value_free(&value);
  return status;
}

/* ---- The statements */

static void bind_columns(const sb_table *table, sqlite3_stmt *statement, int from, sqlite3_value **columns) {
  for (int i = 0; i < table->declaration.columns; i++)
    if (i != table->declaration.vector) sqlite3_bind_value(statement, from++, columns[i]);
}

static int insert(sb_table *table, sqlite3_value *id, sqlite3_value **columns, sqlite3_int64 *rowid) {
  sb_error error = {0};
  sqlite3_stmt *statement = NULL;
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = read_vector(table, columns[table->declaration.vector], &bytes, &size, &error);
  if (status != SB_OK) return sb_table_refused(table, status, &error);
  int code = SQLITE_OK;
  if (sqlite3_value_type(id) != SQLITE_NULL && sqlite3_vtab_on_conflict(table->db) == SQLITE_REPLACE)
    code = delete_row(table, sqlite3_value_int64(id));
  if (code == SQLITE_OK) code = sb_table_failed(table, sb_table_kept(table, SB_KEPT_INSERT_ROW, &statement));
  if (code == SQLITE_OK) {
    sqlite3_bind_value(statement, 1, id);
    bind_columns(table, statement, 2, columns);
    code = step(table, statement);
  }
  int64_t row = sqlite3_last_insert_rowid(table->db);
  if (code == SQLITE_OK) code = sb_table_failed(table, sb_table_kept(table, SB_KEPT_INSERT_VECTOR, &statement));
  if (code == SQLITE_OK) {
    sqlite3_bind_int64(statement, 1, row);
    sqlite3_bind_blob64(statement, 2, bytes, size, SQLITE_STATIC);
    code = step(table, statement);
    sqlite3_clear_bindings(statement);
  }
  free(bytes);
  if (code == SQLITE_OK) code = note_change(table, row);
  if (code == SQLITE_OK) *rowid = row;
  return code;
}

static int update_row(sb_table *table, int64_t old, sqlite3_value *id, sqlite3_value **columns) {
  sqlite3_stmt *statement = NULL;
  int code = sb_table_failed(table, sb_table_kept(table, SB_KEPT_UPDATE_ROW, &statement));
  if (code != SQLITE_OK) return code;
  sqlite3_bind_value(statement, 1, id);
  bind_columns(table, statement, 2, columns);
  sqlite3_bind_int64(statement, table->declaration.columns + 1, old);
  return step(table, statement);
}

/* `bytes` NULL: the vector stays, under its new id. */
static int update_vector(sb_table *table, int64_t old, int64_t id, const uint8_t *bytes, size_t size) {
  sqlite3_stmt *statement = NULL;
  int code =
      sb_table_failed(table, sb_table_kept(table, bytes ? SB_KEPT_UPDATE_VECTOR : SB_KEPT_MOVE_VECTOR, &statement));
  if (code != SQLITE_OK) return code;
  int next = 1;
  sqlite3_bind_int64(statement, next++, id);
  if (bytes) sqlite3_bind_blob64(statement, next++, bytes, size, SQLITE_STATIC);
  sqlite3_bind_int64(statement, next, old);
  code = step(table, statement);
  sqlite3_clear_bindings(statement);
  if (code == SQLITE_OK && id != old) code = note_change(table, old);
  return code == SQLITE_OK ? note_change(table, id) : code;
}

static int update(sb_table *table, sqlite3_value *old_id, sqlite3_value *id, sqlite3_value **columns) {
  sb_error error = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sqlite3_value *vector = columns[table->declaration.vector];
  int64_t old = sqlite3_value_int64(old_id), new = sqlite3_value_int64(id);
  bool same_vector = sqlite3_value_nochange(vector);
  if (sqlite3_value_type(id) == SQLITE_NULL) {
    sb_fail(&error, SB_INVALID, "a rowid is a whole number");
    return sb_table_refused(table, SB_INVALID, &error);
  }
  sb_status status = same_vector ? SB_OK : read_vector(table, vector, &bytes, &size, &error);
  if (status != SB_OK) return sb_table_refused(table, status, &error);
  int code = SQLITE_OK;
  if (new != old && sqlite3_vtab_on_conflict(table->db) == SQLITE_REPLACE) code = delete_row(table, new);
  if (code == SQLITE_OK) code = update_row(table, old, id, columns);
  if (code == SQLITE_OK && (!same_vector || new != old)) code = update_vector(table, old, new, bytes, size);
  free(bytes);
  return code;
}

/* INSERT INTO t(t) VALUES('integrity-check'), for SQLite before 3.44 and for one table alone. */
static int command(sb_table *table, sqlite3_value *word) {
  sb_error error = {0};
  const char *text = (const char *)sqlite3_value_text(word);
  sb_status status = text && !strcmp(text, "integrity-check")
                         ? sb_table_check(table, &error)
                         : sb_fail(&error, SB_INVALID, "%s knows one command: 'integrity-check'", table->name);
  return sb_table_refused(table, status, &error);
}

int sb_table_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid) {
  sb_table *table = (sb_table *)base;
  if (count == 1) return delete_row(table, sqlite3_value_int64(values[0]));
  sqlite3_value **columns = values + 2, *word = columns[table->declaration.columns + SB_HIDDEN_COMMAND];
  if (sqlite3_value_type(values[0]) != SQLITE_NULL) return update(table, values[0], values[1], columns);
  if (sqlite3_value_type(word) != SQLITE_NULL) return command(table, word);
  return insert(table, values[1], columns, rowid);
}
