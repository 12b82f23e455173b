/* Observing rows in SQLite: temporary triggers of the connection (not stored in the database) hand each row that it
 * inserts, changes or deletes to an SQL function, which calls the observer. An update reports the old row as removed,
 * then the new one. An error of the observer fails the statement that wrote the row. */
#include "store/drivers/sqlite/sqlite.h"

#include <sqlite3.h>
#include <string.h>

enum { VALUES_MAX = 24 };
#define FUNCTION "sb_store_observe_row" /* (1 written or -1 removed, table, column, column ...) */

/* A value with its SQLite type; numbers as eight bytes, little-endian, in `number`. */
static sb_crypto_row_set_mac_part part_of(sqlite3_value *value, uint8_t number[8]) {
  int kind = sqlite3_value_type(value);
  uint64_t bits = 0;
  double real = 0;
  switch (kind) {
  case SQLITE_INTEGER: bits = (uint64_t)sqlite3_value_int64(value); break;
  case SQLITE_FLOAT:
    real = sqlite3_value_double(value);
    memcpy(&bits, &real, sizeof bits);
    break;
  case SQLITE_NULL: return (sb_crypto_row_set_mac_part){(uint8_t)kind, NULL, 0};
  default:
    return (sb_crypto_row_set_mac_part){(uint8_t)kind, sqlite3_value_blob(value), (size_t)sqlite3_value_bytes(value)};
  }
  for (int i = 0; i < 8; i++) number[i] = (uint8_t)(bits >> (8 * i));
  return (sb_crypto_row_set_mac_part){(uint8_t)kind, number, 8};
}

static void report_row(sqlite3_context *context, int count, sqlite3_value **values) {
  const sb_sqlite_connection *c = sqlite3_user_data(context);
  sb_crypto_row_set_mac_part parts[VALUES_MAX];
  uint8_t numbers[VALUES_MAX][8];
  sb_error error = {0};
  if (count < 3 || count > VALUES_MAX) {
    sqlite3_result_error(context, "an observed row has the wrong number of columns", -1);
    return;
  }
  for (int i = 1; i < count; i++) parts[i] = part_of(values[i], numbers[i]);
  bool removed = sqlite3_value_int(values[0]) < 0;
  if (c->observer(c->observer_context, parts + 1, (size_t)count - 1, removed, &error) != SB_OK)
    sqlite3_result_error(context, error.message, -1);
}

sb_status sb_sqlite_observe_rows(sb_store *store, sb_driver_row_observer observer, void *context, sb_error *error) {
  sb_sqlite_connection *c = store->connection;
  c->observer = observer;
  c->observer_context = context;
  int code = sqlite3_create_function_v2(c->db, FUNCTION, -1, SQLITE_UTF8, c, report_row, NULL, NULL, NULL);
  return code == SQLITE_OK ? SB_OK : sb_sqlite_failed(store, code, error);
}

/* Appends ", NEW.id, NEW.name ..." for the columns of a table. */
static sb_status add_columns(sb_store *store, const char *table, const char *before, sb_buffer *out, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT name FROM pragma_table_info(?) ORDER BY cid", error);
  sb_statement_bind_text(&s, 1, table);
  while (sb_statement_step(&s))
    s.status = sb_buffer_addf(out, error, ", %s%s", before, sb_statement_column_text(&s, 0));
  return sb_statement_end(&s);
}

/* Appends the function's call with the columns of OLD, NEW or, with "", of the row itself. */
static sb_status add_call(sb_store *store, const char *table, const char *row, sb_buffer *out, sb_error *error) {
  int sign = strcmp(row, "OLD.") ? 1 : -1;
  sb_status status = sb_buffer_addf(out, error, FUNCTION "(%d, '%s'", sign, table);
  if (status != SB_OK) return status;
  status = add_columns(store, table, row, out, error);
  return status == SB_OK ? sb_buffer_addf(out, error, ")") : status;
}

static sb_status add_select(sb_store *store, const char *table, const char *row, sb_buffer *out, sb_error *error) {
  sb_status status = sb_buffer_addf(out, error, "SELECT ");
  if (status != SB_OK) return status;
  status = add_call(store, table, row, out, error);
  return status == SB_OK ? sb_buffer_addf(out, error, "; ") : status;
}

static sb_status add_trigger(sb_store *store, const char *table, const char *event, sb_buffer *out, sb_error *error) {
  static const char *const rows[] = {"OLD.", "NEW."};
  sb_status status = sb_buffer_addf(out, error, "CREATE TEMP TRIGGER observe_%s_%s AFTER %s ON main.%s BEGIN ", table,
                                    event, event, table);
  for (int i = 0; i < 2 && status == SB_OK; i++) {
    if (!strcmp(event, i ? "DELETE" : "INSERT")) continue; /* it has no such row */
    status = add_select(store, table, rows[i], out, error);
  }
  return status == SB_OK ? sb_buffer_addf(out, error, "END; ") : status;
}

sb_status sb_sqlite_observe_table(sb_store *store, const char *table, sb_error *error) {
  static const char *const events[] = {"INSERT", "UPDATE", "DELETE"};
  sb_buffer sql = {0};
  sb_status status = SB_OK;
  for (int i = 0; i < 3 && status == SB_OK; i++) status = add_trigger(store, table, events[i], &sql, error);
  if (status == SB_OK) status = sb_store_exec(store, sql.bytes, error);
  sb_buffer_free(&sql);
  return status;
}

/* A database that is being upgraded lacks the tables of later schemas. */
static sb_status table_exists(sb_store *store, const char *table, bool *exists, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM pragma_table_info(?) LIMIT 1", error);
  sb_statement_bind_text(&s, 1, table);
  *exists = sb_statement_step(&s);
  return sb_statement_end(&s);
}

sb_status sb_sqlite_visit_table(sb_store *store, const char *table, sb_error *error) {
  sb_buffer sql = {0};
  int64_t rows = 0;
  bool exists = false;
  sb_status status = table_exists(store, table, &exists, error);
  if (status != SB_OK || !exists) return status;
  status = sb_buffer_addf(&sql, error, "SELECT count(");
  if (status != SB_OK) goto done;
  status = add_call(store, table, "", &sql, error);
  if (status != SB_OK) goto done;
  status = sb_buffer_addf(&sql, error, ") FROM %s", table);
  if (status != SB_OK) goto done;
  status = sb_store_number(store, sql.bytes, &rows, error);
done:
  sb_buffer_free(&sql);
  return status;
}
