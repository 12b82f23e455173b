/* A sum over all rows that say who is enrolled and who may do what, kept in `meta` as "tally": one who can write the database
 * and has seen an older row can put it back, seal and all, and here it shows.
 *
 * Triggers of the connection (not of the database) take each row that is written, changed or removed into the transaction's
 * own sum; sb_store_row_mac_commit adds it to the one that is kept, which carries the number of the audit's newest entry. The only
 * file beside sqlite.c that knows of SQLite: a driver without `tallies` is left alone. */
#include "store/internal.h"

#include <sqlite3.h>
#include <string.h>

static const char *const tables[] = {"collection", "person", "face", "api_key", "admin"};
enum { TABLES = sizeof tables / sizeof *tables, PARTS_MAX = 24 };
#define TALLY_FUNCTION "sb_crypto_row_set_mac_row"

/* ---- Rows */

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

/* (1 or -1, table, column, column ...) */
static void take_row(sqlite3_context *context, int count, sqlite3_value **values) {
  sb_store *store = sqlite3_user_data(context);
  sb_crypto_row_set_mac_part parts[PARTS_MAX];
  uint8_t numbers[PARTS_MAX][8];
  sb_error error = {0};
  if (count < 3 || count > PARTS_MAX) {
    sqlite3_result_error(context, "a row of the tally has another shape", -1);
    return;
  }
  for (int i = 1; i < count; i++) parts[i] = part_of(values[i], numbers[i]);
  if (sb_crypto_row_set_mac_row(store->keyring, parts + 1, (size_t)count - 1, sqlite3_value_int(values[0]) < 0,
                                &store->row_mac, &error) != SB_OK)
    sqlite3_result_error(context, error.message, -1);
  store->row_mac_changed = true;
}

sb_status sb_store_row_mac_open(sb_store *store, sb_error *error) {
  if (!store->driver->tallies) return SB_OK;
  int code = sqlite3_create_function_v2(sb_sqlite_of(store), TALLY_FUNCTION, -1, SQLITE_UTF8, store, take_row, NULL,
                                        NULL, NULL);
  return code == SQLITE_OK ? SB_OK : sb_fail(error, SB_NO_MEMORY, "the tally's function cannot be made");
}

/* "NEW.id, NEW.name ..." of a table. */
static sb_status columns_of(sb_store *store, const char *table, const char *before, sb_buffer *out, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT name FROM pragma_table_info(?) ORDER BY cid", error);
  sb_statement_bind_text(&s, 1, table);
  while (sb_statement_step(&s))
    s.status = sb_buffer_addf(out, error, ", %s%s", before, sb_statement_column_text(&s, 0));
  return sb_statement_end(&s);
}

static sb_status follow_table(sb_store *store, const char *table, sb_error *error) {
  static const struct {
    const char *event;
    bool old, new;
  } events[] = {{"INSERT", false, true}, {"UPDATE", true, true}, {"DELETE", true, false}};
  sb_buffer sql = {0};
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < 3; i++) {
    status = sb_buffer_addf(&sql, error, "CREATE TEMP TRIGGER tally_%s_%s AFTER %s ON main.%s BEGIN ", table,
                            events[i].event, events[i].event, table);
    for (int new = 0; status == SB_OK &&new < 2; new ++) {
      if (new ? !events[i].new : !events[i].old) continue;
      status = sb_buffer_addf(&sql, error, "SELECT " TALLY_FUNCTION "(%d, '%s'", new ? 1 : -1, table);
      if (status == SB_OK) status = columns_of(store, table, new ? "NEW." : "OLD.", &sql, error);
      if (status == SB_OK) status = sb_buffer_addf(&sql, error, "); ");
    }
    if (status == SB_OK) status = sb_buffer_addf(&sql, error, "END; ");
  }
  if (status == SB_OK) status = sb_store_exec(store, sql.bytes, error);
  sb_buffer_free(&sql);
  return status;
}

sb_status sb_store_row_mac_observe(sb_store *store, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; store->driver->tallies && status == SB_OK && i < TABLES; i++)
    status = follow_table(store, tables[i], error);
  return status;
}

/* The sum over all rows as they are, into the transaction's own. */
static sb_status sum_all(sb_store *store, sb_error *error) {
  sb_status status = SB_OK;
  store->row_mac = (sb_crypto_row_set_mac){{0}};
  for (size_t i = 0; status == SB_OK && i < TABLES; i++) {
    sb_buffer sql = {0};
    status = sb_buffer_addf(&sql, error, "SELECT count(" TALLY_FUNCTION "(1, '%s'", tables[i]);
    if (status == SB_OK) status = columns_of(store, tables[i], "", &sql, error);
    if (status == SB_OK) status = sb_buffer_addf(&sql, error, ")) FROM %s", tables[i]);
    int64_t rows = 0;
    if (status == SB_OK) status = sb_store_number(store, sql.bytes, &rows, error);
    sb_buffer_free(&sql);
  }
  return status;
}

/* ---- What is kept */

static sb_status keep(sb_store *store, const sb_crypto_row_set_mac *sum, sb_error *error) {
  uint8_t bytes[SB_ROW_SET_MAC_SIZE];
  int64_t sequence = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM audit", &sequence, error);
  if (status == SB_OK) status = sb_crypto_row_set_mac_write(store->keyring, sequence, sum, bytes, error);
  if (status != SB_OK) return status;
  return sb_store_meta_set(store, "tally", bytes, sizeof bytes, error);
}

/* *sound: it is there and this gallery's. */
static sb_status held(sb_store *store, bool *sound, int64_t *sequence, sb_crypto_row_set_mac *sum, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = 'tally'", error);
  size_t size = 0;
  const void *bytes = sb_statement_step(&s) ? sb_statement_column_blob(&s, 0, &size) : NULL;
  *sound = sb_crypto_row_set_mac_read(store->keyring, bytes, size, sequence, sum);
  return sb_statement_end(&s);
}

void sb_store_row_mac_reset(sb_store *store) {
  store->row_mac = (sb_crypto_row_set_mac){{0}};
  store->row_mac_changed = false;
}

sb_status sb_store_row_mac_start(sb_store *store, sb_error *error) {
  if (!store->driver->tallies) return SB_OK;
  sb_status status = sum_all(store, error);
  if (status == SB_OK) status = keep(store, &store->row_mac, error);
  sb_store_row_mac_reset(store);
  return status;
}

sb_status sb_store_row_mac_commit(sb_store *store, sb_error *error) {
  bool sound = false;
  int64_t sequence = 0;
  sb_crypto_row_set_mac sum;
  if (!store->row_mac_changed || !store->driver->tallies) return SB_OK;
  sb_status status = held(store, &sound, &sequence, &sum, error);
  if (status != SB_OK || !sound) return status; /* what somebody broke stays broken, for the audit to tell */
  sb_crypto_row_set_mac_add(&sum, &store->row_mac);
  return keep(store, &sum, error);
}

sb_status sb_store_row_mac_sound(sb_store *store, bool *sound, sb_error *error) {
  int64_t newest = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM audit", &newest, error);
  if (status != SB_OK) return status;
  status = sb_store_row_mac_check(store, newest, error);
  *sound = status == SB_OK;
  return status == SB_STORE ? SB_OK : status;
}

sb_status sb_store_row_mac_check(sb_store *store, int64_t newest, sb_error *error) {
  bool sound = false;
  int64_t sequence = 0;
  sb_crypto_row_set_mac sum;
  if (!store->driver->tallies) return SB_OK;
  sb_status status = held(store, &sound, &sequence, &sum, error);
  if (status == SB_OK && (!sound || sequence != newest))
    status = sb_fail(error, SB_STORE,
                     "the sum over the gallery's rows is not the one that was kept with the audit's newest entry: "
                     "somebody changed the database behind this program's back");
  if (status == SB_OK) status = sum_all(store, error);
  if (status == SB_OK && memcmp(&sum, &store->row_mac, sizeof sum))
    status =
        sb_fail(error, SB_STORE,
                "the gallery's rows are not those that were written: some were put back, changed, moved or removed "
                "behind this program's back; restore a backup");
  sb_store_row_mac_reset(store);
  return status;
}
