/* SELECT rowid, value FROM vec_each(vector): an eponymous virtual table whose hidden column is the vector. */
#include "sql/error.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/vec_functions.h"

#include <stdlib.h>

enum { COLUMN_VALUE, COLUMN_VECTOR };

typedef struct cursor {
  sqlite3_vtab_cursor base;
  sb_sql_value value; /* owns its elements; dim 0: there is no row */
  size_t at;
} cursor;

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                   char **message) {
  (void)data, (void)count, (void)arguments, (void)message;
  int code = sqlite3_declare_vtab(db, "CREATE TABLE x(value, vector HIDDEN)");
  if (code != SQLITE_OK) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  *out = sb_alloc(1, sizeof **out, NULL);
  return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static int disconnect(sqlite3_vtab *table) {
  free(table);
  return SQLITE_OK;
}

/* The vector must be known; a plan without it is impossible. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  bool unknown = false;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    if (c->iColumn != COLUMN_VECTOR || c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!c->usable) {
      unknown = true;
      continue;
    }
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = 10;
    info->estimatedRows = 100;
    return SQLITE_OK;
  }
  if (unknown) return SQLITE_CONSTRAINT;
  table->zErrMsg = sqlite3_mprintf("vec_each takes one vector: SELECT value FROM vec_each('[1,2,3]')");
  return SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  (void)table;
  cursor *c = sb_alloc(1, sizeof *c, NULL);
  if (!c) return SQLITE_NOMEM;
  *out = &c->base;
  return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
  sb_sql_value_free(&((cursor *)base)->value);
  free(base);
  return SQLITE_OK;
}

/* Reads the vector into elements of its own: the argument does not live as long as the rows. */
static sb_status read_vector(cursor *c, sqlite3_value *argument, sb_error *error) {
  sb_sql_value value = {0};
  sb_status status = sb_sql_value_of_argument(argument, &value, error);
  bool small = value.element == SB_SQL_ELEMENT_INT8 || value.element == SB_SQL_ELEMENT_BIT;
  if (status == SB_OK)
    status = sb_sql_value_coerce(&value, small ? value.element : SB_SQL_ELEMENT_FLOAT, value.dim, error);
  if (status == SB_OK)
    c->value = value;
  else
    sb_sql_value_free(&value);
  return status;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values) {
  cursor *c = (cursor *)base;
  sb_error error = {0};
  (void)number, (void)text;
  sb_sql_value_free(&c->value);
  c->at = 0;
  if (count < 1 || sqlite3_value_type(values[0]) == SQLITE_NULL) return SQLITE_OK;
  sb_status status = read_vector(c, values[0], &error);
  return sb_sql_vtab_error(base->pVtab, status, &error);
}

static int next(sqlite3_vtab_cursor *base) {
  ((cursor *)base)->at++;
  return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base) {
  const cursor *c = (const cursor *)base;
  return c->at >= c->value.dim;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number) {
  const cursor *c = (const cursor *)base;
  if (number != COLUMN_VALUE) return SQLITE_OK;
  double value = sb_sql_value_get(&c->value, c->at);
  if (c->value.element == SB_SQL_ELEMENT_FLOAT)
    sqlite3_result_double(context, value);
  else
    sqlite3_result_int(context, (int)value);
  return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = (sqlite3_int64)((const cursor *)base)->at;
  return SQLITE_OK;
}

int sb_sql_register_vec_each(sqlite3 *db) {
  static const sqlite3_module module = {
      .xConnect = connect,
      .xBestIndex = best_index,
      .xDisconnect = disconnect,
      .xOpen = open_cursor,
      .xClose = close_cursor,
      .xFilter = filter,
      .xNext = next,
      .xEof = eof,
      .xColumn = column,
      .xRowid = rowid,
  };
  return sqlite3_create_module_v2(db, "vec_each", &module, NULL, NULL);
}
