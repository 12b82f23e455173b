/* Conditions without a list go to SQLite in one statement over T_rows. Each IN list takes a statement for every
 * LIST_CHUNK of its values. The result is the intersection. */
#include "sql/table/filter.h"

#include "sql/table/plan.h"

enum { LIST_CHUNK = 500 };

static sb_status prepare(sb_sql_table *table, const char *where, sqlite3_stmt **out, sb_error *error) {
  int code = sb_sql_table_prepare(table, out, "SELECT r.id FROM \"%w\".\"%w_rows\" r WHERE %s", table->schema,
                                  table->name, where);
  return sb_sql_table_status(table, code, error);
}

static sb_status read_ids(sb_sql_table *table, sqlite3_stmt *statement, sb_sql_id_set *out, sb_error *error) {
  bool row = false;
  sb_status status;
  while ((status = sb_sql_table_step(table, statement, &row, error)) == SB_OK && row) {
    status = sb_sql_id_set_add(out, sqlite3_column_int64(statement, 0), error);
    if (status != SB_OK) return status;
  }
  sqlite3_reset(statement);
  return status;
}

/* Writes all conditions but the lists, joined by AND. Empty: there are only lists. */
static sb_status write_where(const char *conditions, sqlite3_value **values, sb_buffer *where, sb_error *error) {
  sb_sql_condition condition;
  for (int number = 0; sb_sql_plan_next_condition(&conditions, &condition); number++) {
    if (!values[number] || sb_sql_condition_is_list(&condition)) continue;
    sb_status status = where->size ? sb_buffer_addf(where, error, " AND ") : SB_OK;
    if (status == SB_OK) status = sb_sql_condition_write(&condition, 1, where, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* The rows that meet the conditions without a list. *any false: there is no such condition. */
static sb_status single_values(sb_sql_table *table, const char *conditions, sqlite3_value **values, bool *any,
                               sb_sql_id_set *out, sb_error *error) {
  sb_buffer where = {0};
  sb_sql_condition condition;
  sqlite3_stmt *statement = NULL;
  sb_status status = write_where(conditions, values, &where, error);
  *any = where.size > 0;
  if (status == SB_OK && *any) status = prepare(table, where.bytes, &statement, error);
  if (status != SB_OK || !*any) goto done;
  for (int number = 0, bound = 0; sb_sql_plan_next_condition(&conditions, &condition); number++) {
    if (!values[number] || sb_sql_condition_is_list(&condition) || !sb_sql_condition_has_value(&condition)) continue;
    status = sb_sql_table_status(table, sqlite3_bind_value(statement, ++bound, values[number]), error);
    if (status != SB_OK) goto done;
  }
  status = read_ids(table, statement, out, error);
  sb_sql_id_set_sort(out);
done:
  sqlite3_finalize(statement);
  sb_buffer_free(&where);
  return status;
}

static sb_status read_list(sb_sql_table *table, sqlite3_stmt *statement, sqlite3_value *list, sb_sql_id_set *out,
                           sb_error *error) {
  sqlite3_value *value = NULL;
  int code = sqlite3_vtab_in_first(list, &value);
  while (code == SQLITE_OK) {
    sqlite3_clear_bindings(statement); /* parameters that the last values leave over are NULL and match no row */
    for (int bound = 0; code == SQLITE_OK && bound < LIST_CHUNK; code = sqlite3_vtab_in_next(list, &value)) {
      code = sqlite3_bind_value(statement, ++bound, value);
      if (code != SQLITE_OK) return sb_sql_table_status(table, code, error);
    }
    sb_status status = read_ids(table, statement, out, error);
    if (status != SB_OK) return status;
  }
  return sb_sql_table_status(table, code, error);
}

/* The rows that meet one IN list. */
static sb_status list_values(sb_sql_table *table, const sb_sql_condition *condition, sqlite3_value *list,
                             sb_sql_id_set *out, sb_error *error) {
  sb_buffer where = {0};
  sqlite3_stmt *statement = NULL;
  sb_status status = sb_sql_condition_write(condition, LIST_CHUNK, &where, error);
  if (status == SB_OK) status = prepare(table, where.bytes, &statement, error);
  if (status == SB_OK) status = read_list(table, statement, list, out, error);
  sqlite3_finalize(statement);
  sb_buffer_free(&where);
  sb_sql_id_set_sort(out);
  return status;
}

sb_status sb_sql_filter_ids(sb_sql_table *table, const char *plan, int count, sqlite3_value **values,
                            sb_sql_id_set *out, sb_error *error) {
  const char *conditions = sb_sql_plan_conditions(plan);
  sb_sql_condition condition;
  sb_sql_id_set ids = {0};
  bool any = false; /* `ids` holds the result of a condition */
  sb_status status = single_values(table, conditions, values, &any, &ids, error);
  for (int i = 0; status == SB_OK && i < count && sb_sql_plan_next_condition(&conditions, &condition); i++) {
    if (!values[i] || !sb_sql_condition_is_list(&condition)) continue;
    sb_sql_id_set matches = {0};
    status = list_values(table, &condition, values[i], &matches, error);
    if (any) {
      sb_sql_id_set_intersect(&ids, &matches);
      sb_sql_id_set_free(&matches);
    } else {
      ids = matches;
    }
    any = true;
  }
  if (status == SB_OK)
    *out = ids;
  else
    sb_sql_id_set_free(&ids);
  return status;
}
