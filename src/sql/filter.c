/* The ids of the rows that meet the conditions of a search, before the search: so that k rows are found wherever k are. */
#include "sql/table.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_AT_ONCE = 500 };

static const char *conditions_of(const char *plan) {
  const char *colon = strchr(plan, ':');
  return colon ? colon + 1 : plan + strlen(plan);
}

static sb_status read_ids(sb_table *table, sqlite3_stmt *statement, sb_ids *out, sb_error *error) {
  sb_status status = SB_OK;
  int code;
  while (status == SB_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
    status = sb_ids_add(out, sqlite3_column_int64(statement, 0), error);
  return status == SB_OK ? sb_table_status(table, sqlite3_reset(statement), error) : status;
}

static sb_status prepare(sb_table *table, const char *where, sqlite3_stmt **out, sb_error *error) {
  return sb_table_status(
      table,
      sb_table_prepare(table, out, "SELECT r.id FROM \"%w\".\"%w_rows\" r WHERE %s", table->schema, table->name, where),
      error);
}

/* All conditions but IN lists, in one statement. */
static sb_status plain_ids(sb_table *table, const char *plan, sqlite3_value **values, bool *any, sb_ids *out,
                           sb_error *error) {
  sb_buffer where = {0};
  sb_condition condition;
  sqlite3_stmt *statement = NULL;
  sb_status status = SB_OK;
  for (const char *text = plan; status == SB_OK && sb_plan_next(&text, &condition);) {
    if (!strcmp(condition.operator, "in")) continue;
    if (where.size) status = sb_buffer_addf(&where, error, " AND ");
    if (status == SB_OK) status = sb_condition_sql(&condition, 1, &where, error);
  }
  *any = where.size > 0;
  if (status == SB_OK && *any) status = prepare(table, where.bytes, &statement, error);
  int number = 0, bound = 0;
  for (const char *text = plan; status == SB_OK && *any && sb_plan_next(&text, &condition); number++) {
    bool has_value = !strstr(condition.operator, "null");
    if (strcmp(condition.operator, "in") && has_value) sqlite3_bind_value(statement, ++bound, values[number]);
  }
  if (status == SB_OK && *any) status = read_ids(table, statement, out, error);
  sqlite3_finalize(statement);
  sb_buffer_free(&where);
  return status;
}

/* One statement for each VALUES_AT_ONCE values of the list. */
static sb_status listed_ids(sb_table *table, const sb_condition *condition, sqlite3_value *list, sb_ids *out,
                            sb_error *error) {
  sb_buffer where = {0};
  sqlite3_stmt *statement = NULL;
  sqlite3_value *value = NULL;
  sb_status status = sb_condition_sql(condition, VALUES_AT_ONCE, &where, error);
  if (status == SB_OK) status = prepare(table, where.bytes, &statement, error);
  int code = status == SB_OK ? sqlite3_vtab_in_first(list, &value) : SQLITE_DONE;
  while (status == SB_OK && code == SQLITE_OK) {
    int bound = 0;
    sqlite3_clear_bindings(statement); /* what is left over is NULL, which no row is equal to */
    for (; code == SQLITE_OK && bound < VALUES_AT_ONCE; code = sqlite3_vtab_in_next(list, &value))
      sqlite3_bind_value(statement, ++bound, value);
    status = read_ids(table, statement, out, error);
  }
  if (status == SB_OK && code != SQLITE_DONE && code != SQLITE_OK) status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  sb_buffer_free(&where);
  sb_ids_sort(out);
  return status;
}

sb_status sb_filter_ids(sb_table *table, const char *plan, int count, sqlite3_value **values, sb_ids *out,
                        sb_error *error) {
  const char *conditions = conditions_of(plan);
  sb_condition condition;
  sb_ids ids = {0};
  bool any = false;
  sb_status status = plain_ids(table, conditions, values, &any, &ids, error);
  sb_ids_sort(&ids);
  int number = 0;
  for (const char *text = conditions; status == SB_OK && number < count && sb_plan_next(&text, &condition); number++) {
    if (strcmp(condition.operator, "in")) continue;
    sb_ids listed = {0};
    status = listed_ids(table, &condition, values[number], &listed, error);
    if (any) {
      sb_ids_intersect(&ids, &listed);
      sb_ids_free(&listed);
    } else {
      sb_ids_free(&ids);
      ids = listed;
    }
    any = true;
  }
  if (status == SB_OK)
    *out = ids;
  else
    sb_ids_free(&ids);
  return status;
}
