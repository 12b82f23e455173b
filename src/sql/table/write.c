/* Writing a table: INSERT, UPDATE, DELETE. Every change of a vector is noted in T_changes in the same transaction,
 * which is how the indexes of all connections and processes learn of it. */
#include "sql/table/check.h"
#include "sql/table/methods.h"
#include "sql/table/table.h"
#include "sql/vectors/argument.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CHANGES_MAX = 65536, /* rows of T_changes; an index that is further behind is built again */
  TRIM_EVERY = 1024,   /* changes */
};
/* With larger elements the products of 4096 of them could leave float32's range. */
#define ELEMENT_MAX 1e15

/* ---- Running reused statements; all return SQLite's code and set the table's message */

static int get_statement(sb_sql_table *table, sb_sql_statement_id which, sqlite3_stmt **out) {
  return sb_sql_table_sqlite_error(table, sb_sql_table_statement(table, which, out));
}

static int get_vector_statement(sb_sql_vector_set *set, sb_sql_vector_statement_id which, sqlite3_stmt **out) {
  return sb_sql_table_sqlite_error(set->table, sb_sql_vector_statement(set, which, out));
}

static int run(sb_sql_table *table, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  int end = sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : sb_sql_table_sqlite_error(table, end);
}

/* A statement whose one parameter is a number. */
static int run_with(sb_sql_table *table, sb_sql_statement_id which, int64_t number) {
  sqlite3_stmt *statement = NULL;
  int code = get_statement(table, which, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, number);
  return run(table, statement);
}

static int note_change(sb_sql_table *table, int64_t id) {
  sqlite3_stmt *statement = NULL;
  int64_t tag;
  int code = get_statement(table, SB_SQL_STATEMENT_ADD_CHANGE, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_randomness(sizeof tag, &tag);
  sqlite3_bind_int64(statement, 1, tag);
  sqlite3_bind_int64(statement, 2, id);
  code = run(table, statement);
  int64_t sequence = sqlite3_last_insert_rowid(table->db);
  if (code != SQLITE_OK || sequence % TRIM_EVERY) return code;
  return run_with(table, SB_SQL_STATEMENT_TRIM_CHANGES, sequence - CHANGES_MAX);
}

/* Names the table's own columns in a message of SQLite about T_rows: "UNIQUE constraint failed: T_rows.c2" becomes
 * "UNIQUE constraint failed: T.name". */
static int constraint_error(sb_sql_table *table, int code) {
  const char *message = sqlite3_errmsg(table->db), *rows = strstr(message, "_rows.");
  const sb_sql_table_declaration *d = &table->declaration;
  int column = -1;
  sb_sql_table_sqlite_error(table, code);
  if (code == SQLITE_OK || (code & 0xff) != SQLITE_CONSTRAINT || !rows) return code;
  const char *name = rows + strlen("_rows.");
  if (strcmp(name, "id") && (sscanf(name, "c%d", &column) != 1 || column < 0 || column >= d->columns)) return code;
  const char *colon = strchr(message, ':');
  if (column < 0) column = d->key;
  char *own = sqlite3_mprintf("%.*s: %s.%s", (int)(colon ? colon - message : 0), message, table->name,
                              column < 0 ? "rowid" : d->names[column]);
  if (!own) return SQLITE_NOMEM;
  sqlite3_free(table->base.zErrMsg);
  table->base.zErrMsg = own;
  return code;
}

/* Runs an INSERT or UPDATE of T_rows. */
static int run_row(sb_sql_table *table, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement), end = sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : constraint_error(table, end);
}

static int delete_vector(sb_sql_vector_set *set, int64_t id) {
  sqlite3_stmt *statement = NULL;
  int code = get_vector_statement(set, SB_SQL_VECTOR_DELETE, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, id);
  return run(set->table, statement);
}

static int delete_row(sb_sql_table *table, int64_t id) {
  int code = run_with(table, SB_SQL_STATEMENT_DELETE_ROW, id);
  bool existed = sqlite3_changes(table->db) > 0;
  for (int i = 0; code == SQLITE_OK && i < table->declaration.vector_count; i++)
    code = delete_vector(&table->sets[i], id);
  return code == SQLITE_OK && existed ? note_change(table, id) : code;
}

/* ---- Vectors */

static sb_status check_elements(const sb_sql_vector_column *column, const sb_sql_value *value, sb_error *error) {
  for (size_t i = 0; i < value->dim; i++)
    if (fabs(sb_sql_value_get(value, i)) > ELEMENT_MAX)
      return sb_fail(error, SB_INVALID, "vector element %zu: it is too large; a table's elements go up to 1e15", i + 1);
  if (column->metric != SB_SQL_METRIC_COSINE || !sb_sql_value_is_zero(value)) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element: all elements are zero; cosine needs a direction");
}

/* A vector that a statement sets. */
typedef struct vector_blob {
  bool set;       /* false: an UPDATE leaves it as it is */
  uint8_t *bytes; /* tagged; owned. NULL: the vector is NULL. */
  size_t size;
} vector_blob;

typedef struct vector_blobs {
  vector_blob items[SB_SQL_TABLE_VECTORS_MAX];
} vector_blobs;

static void free_vectors(vector_blobs *vectors) {
  for (int i = 0; i < SB_SQL_TABLE_VECTORS_MAX; i++) free(vectors->items[i].bytes);
}

static sb_status check_null(const sb_sql_vector_set *set, sb_error *error) {
  const sb_sql_table *table = set->table;
  const char *name = table->declaration.names[set->column->column];
  if (set->column->not_null) return sb_fail(error, SB_INVALID, "NOT NULL constraint failed: %s.%s", table->name, name);
  if (table->version >= SB_SQL_TABLE_VERSION_WITH_NULLS) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "%s.%s: an older Semblance made this table, without NULL vectors; copy its rows into a new table",
                 table->name, name);
}

static sb_status read_vector(const sb_sql_vector_set *set, sqlite3_value *argument, vector_blob *out, sb_error *error) {
  const sb_sql_vector_column *column = set->column;
  const char *table = set->table->name, *name = set->table->declaration.names[column->column];
  sb_sql_value value = {0};
  out->set = true;
  if (sqlite3_value_type(argument) == SQLITE_NULL) return check_null(set, error);
  sb_status status = sb_sql_value_for_column(argument, column->element, column->dim, &value, error);
  if (status == SB_OK) status = sb_sql_value_check(&value, error);
  if (status == SB_OK) status = sb_sql_check_length(table, name, column->dim, value.dim, error);
  if (status == SB_OK) status = sb_sql_value_convert(&value, column->element, error);
  if (status == SB_OK) status = check_elements(column, &value, error);
  if (status == SB_OK) status = sb_sql_value_write_blob(&value, &out->bytes, &out->size, error);
  sb_sql_value_free(&value);
  return status;
}

/* Reads the vectors of an INSERT, or those that an UPDATE sets. */
static sb_status read_vectors(const sb_sql_table *table, sqlite3_value **columns, vector_blobs *out, sb_error *error) {
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < table->declaration.vector_count; i++) {
    sqlite3_value *argument = columns[table->declaration.vectors[i].column];
    if (!sqlite3_value_nochange(argument)) status = read_vector(&table->sets[i], argument, &out->items[i], error);
  }
  return status;
}

/* ---- Rows and vectors */

/* Binds the id and the ordinary columns. Binding copies, so it can run out of memory. */
static int bind_row(sb_sql_table *table, sqlite3_stmt *statement, sqlite3_value *id, sqlite3_value **columns) {
  int next = 1, code = sqlite3_bind_value(statement, next++, id);
  for (int i = 0; code == SQLITE_OK && i < table->declaration.columns; i++)
    if (sb_sql_table_declaration_in_rows(&table->declaration, i))
      code = sqlite3_bind_value(statement, next++, columns[i]);
  return sb_sql_table_sqlite_error(table, code);
}

static int insert_row(sb_sql_table *table, sqlite3_value *id, sqlite3_value **columns) {
  sqlite3_stmt *statement = NULL;
  int code = get_statement(table, SB_SQL_STATEMENT_INSERT_ROW, &statement);
  if (code != SQLITE_OK) return code;
  code = bind_row(table, statement, id, columns);
  return code == SQLITE_OK ? run_row(table, statement) : code;
}

/* An empty blob stands for NULL. */
static void bind_vector(sqlite3_stmt *statement, int number, const vector_blob *vector) {
  if (vector->bytes)
    sqlite3_bind_blob64(statement, number, vector->bytes, vector->size, SQLITE_STATIC);
  else
    sqlite3_bind_zeroblob(statement, number, 0);
}

static int insert_vector(sb_sql_vector_set *set, int64_t id, const vector_blob *vector) {
  sqlite3_stmt *statement = NULL;
  int code = get_vector_statement(set, SB_SQL_VECTOR_INSERT, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, id);
  bind_vector(statement, 2, vector);
  code = run(set->table, statement);
  sqlite3_clear_bindings(statement); /* the blob is the caller's */
  return code;
}

/* ---- OR REPLACE */

/* Deletes the row whose UNIQUE column `column` has this value; the row `keep` stays. */
static int delete_equal(sb_sql_table *table, int column, sqlite3_value *value, const int64_t *keep) {
  sqlite3_stmt *statement = NULL;
  int64_t id = 0;
  int code = sb_sql_table_prepare(table, &statement, "SELECT id FROM \"%w\".\"%w_rows\" WHERE c%d = ?", table->schema,
                                  table->name, column);
  if (code == SQLITE_OK) code = sqlite3_bind_value(statement, 1, value);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  bool found = code == SQLITE_ROW;
  if (found) id = sqlite3_column_int64(statement, 0);
  if (!found && code != SQLITE_DONE) sb_sql_table_sqlite_error(table, code);
  sqlite3_finalize(statement);
  if (!found) return code == SQLITE_DONE ? SQLITE_OK : code;
  return keep && id == *keep ? SQLITE_OK : delete_row(table, id);
}

/* Deletes the rows with which a new row conflicts: by its id, or by a UNIQUE column. `keep`: the row that an UPDATE
 * changes, or NULL. */
static int delete_conflicting(sb_sql_table *table, sqlite3_value *id, sqlite3_value **columns, const int64_t *keep) {
  int64_t row = sqlite3_value_int64(id);
  bool given = sqlite3_value_type(id) != SQLITE_NULL && !(keep && row == *keep);
  int code = given ? delete_row(table, row) : SQLITE_OK;
  for (int i = 0; code == SQLITE_OK && i < table->declaration.columns; i++)
    if (sb_sql_table_declaration_is_unique(&table->declaration, i)) code = delete_equal(table, i, columns[i], keep);
  return code;
}

/* Whether `code`, of an INSERT or UPDATE of T_rows, is to be answered by deleting the rows in the way. They are only
 * deleted then, as NOT NULL is checked before uniqueness: a statement that fails must not have deleted anything. */
static bool is_replaceable(const sb_sql_table *table, int code) {
  if ((code & 0xff) != SQLITE_CONSTRAINT || sqlite3_vtab_on_conflict(table->db) != SQLITE_REPLACE) return false;
  int extended = sqlite3_extended_errcode(table->db);
  return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
         extended == SQLITE_CONSTRAINT_ROWID;
}

/* ---- INSERT */

/* The id of a new row, or the new id of the row `old`: the INTEGER PRIMARY KEY where the statement gives or changes
 * it, else the rowid. */
static sqlite3_value *new_id(const sb_sql_table *table, sqlite3_value *rowid, sqlite3_value **columns,
                             const int64_t *old) {
  int key = table->declaration.key;
  if (key < 0 || (!old && sqlite3_value_type(columns[key]) == SQLITE_NULL)) return rowid;
  bool same = old && sqlite3_value_type(columns[key]) == SQLITE_INTEGER && sqlite3_value_int64(columns[key]) == *old;
  return same ? rowid : columns[key];
}

/* `id` NULL: SQLite chooses one. */
static int insert(sb_sql_table *table, sqlite3_value *id, sqlite3_value **columns, sqlite3_int64 *rowid) {
  sb_error error = {0};
  vector_blobs vectors = {0};
  sb_status status = read_vectors(table, columns, &vectors, &error);
  if (status != SB_OK) return free_vectors(&vectors), sb_sql_table_fail(table, status, &error);
  int code = insert_row(table, id, columns);
  if (is_replaceable(table, code)) {
    code = delete_conflicting(table, id, columns, NULL);
    if (code == SQLITE_OK) code = insert_row(table, id, columns);
  }
  int64_t row = sqlite3_last_insert_rowid(table->db);
  for (int i = 0; code == SQLITE_OK && i < table->declaration.vector_count; i++)
    code = insert_vector(&table->sets[i], row, &vectors.items[i]);
  if (code == SQLITE_OK) code = note_change(table, row);
  if (code == SQLITE_OK) *rowid = row;
  free_vectors(&vectors);
  return code;
}

/* ---- UPDATE */

static int update_row(sb_sql_table *table, int64_t old, sqlite3_value *id, sqlite3_value **columns) {
  sqlite3_stmt *statement = NULL;
  int code = get_statement(table, SB_SQL_STATEMENT_UPDATE_ROW, &statement);
  if (code != SQLITE_OK) return code;
  code = sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), old);
  if (code == SQLITE_OK) code = bind_row(table, statement, id, columns);
  return code == SQLITE_OK ? run_row(table, statement) : code;
}

/* Sets the vector, or moves the old one to another id. */
static int update_vector(sb_sql_vector_set *set, int64_t old, int64_t id, const vector_blob *vector) {
  sqlite3_stmt *statement = NULL;
  int next = 1;
  if (!vector->set && id == old) return SQLITE_OK;
  int code = get_vector_statement(set, vector->set ? SB_SQL_VECTOR_UPDATE : SB_SQL_VECTOR_MOVE, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, next++, id);
  if (vector->set) bind_vector(statement, next++, vector);
  sqlite3_bind_int64(statement, next, old);
  code = run(set->table, statement);
  sqlite3_clear_bindings(statement); /* the blob is the caller's */
  return code;
}

/* Writes the row's vectors, and notes the change of both ids. */
static int update_vectors(sb_sql_table *table, int64_t old, int64_t id, const vector_blobs *vectors) {
  bool changed = id != old;
  int code = SQLITE_OK;
  for (int i = 0; code == SQLITE_OK && i < table->declaration.vector_count; i++) {
    changed |= vectors->items[i].set;
    code = update_vector(&table->sets[i], old, id, &vectors->items[i]);
  }
  if (code == SQLITE_OK && id != old) code = note_change(table, old);
  return code == SQLITE_OK && changed ? note_change(table, id) : code;
}

static int update(sb_sql_table *table, int64_t old, sqlite3_value *new, sqlite3_value **columns) {
  sb_error error = {0};
  vector_blobs vectors = {0};
  int64_t id = 0;
  sb_status status = sb_sql_whole_number(new, &id)
                         ? read_vectors(table, columns, &vectors, &error)
                         : sb_fail(&error, SB_INVALID, "%s: a row's id is a whole number", table->name);
  if (status != SB_OK) return free_vectors(&vectors), sb_sql_table_fail(table, status, &error);
  int code = update_row(table, old, new, columns);
  if (is_replaceable(table, code)) {
    code = delete_conflicting(table, new, columns, &old);
    if (code == SQLITE_OK) code = update_row(table, old, new, columns);
  }
  if (code == SQLITE_OK) code = update_vectors(table, old, id, &vectors);
  free_vectors(&vectors);
  return code;
}

/* ---- xUpdate */

/* INSERT INTO t(t) VALUES('integrity-check'): the check for SQLite before 3.44, which has no xIntegrity, and for one
 * table. */
static int run_command(sb_sql_table *table, sqlite3_value *word) {
  sb_error error = {0};
  const char *text = (const char *)sqlite3_value_text(word);
  sb_status status = text && !strcmp(text, "integrity-check")
                         ? sb_sql_table_check(table, &error)
                         : sb_fail(&error, SB_INVALID, "%s has one command, 'integrity-check'", table->name);
  return sb_sql_table_fail(table, status, &error);
}

/* One value: DELETE. Else the old rowid (NULL: INSERT), the new rowid, and the columns. */
int sb_sql_table_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid) {
  sb_sql_table *table = (sb_sql_table *)base;
  if (count == 1) return delete_row(table, sqlite3_value_int64(values[0]));
  sqlite3_value **columns = values + 2, *word = columns[table->declaration.columns + SB_SQL_HIDDEN_COMMAND];
  if (sqlite3_value_type(values[0]) != SQLITE_NULL) {
    int64_t old = sqlite3_value_int64(values[0]);
    return update(table, old, new_id(table, values[1], columns, &old), columns);
  }
  if (sqlite3_value_type(word) != SQLITE_NULL) return run_command(table, word);
  return insert(table, new_id(table, values[1], columns, NULL), columns, rowid);
}
