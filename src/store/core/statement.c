/* Statements: each call goes to the driver's function of the same name, unless the statement has failed before. */
#include "store/core/statement.h"

#include "store/core/store_core.h"

#include <stdlib.h>

sb_statement sb_statement_new(sb_store *store, const char *sql, sb_error *error) {
  sb_statement s = {.store = store, .error = error};
  store->driver->prepare(&s, sql);
  return s;
}

sb_statement sb_statement_new_bulk(sb_store *store, const char *table, const char *columns, int count,
                                   sb_error *error) {
  sb_statement s = {.store = store, .error = error};
  store->driver->prepare_bulk(&s, table, columns, count);
  return s;
}

void sb_statement_bind_int(sb_statement *s, int index, int64_t value) {
  if (s->status == SB_OK) s->store->driver->bind_int(s, index, value);
}

void sb_statement_bind_real(sb_statement *s, int index, double value) {
  if (s->status == SB_OK) s->store->driver->bind_real(s, index, value);
}

void sb_statement_bind_blob(sb_statement *s, int index, const void *bytes, size_t size) {
  if (s->status == SB_OK) s->store->driver->bind_blob(s, index, bytes, size, false);
}

void sb_statement_bind_blob_copy(sb_statement *s, int index, const void *bytes, size_t size) {
  if (s->status == SB_OK) s->store->driver->bind_blob(s, index, bytes, size, true);
}

void sb_statement_bind_text(sb_statement *s, int index, const char *text) {
  if (s->status == SB_OK) s->store->driver->bind_text(s, index, text);
}

bool sb_statement_step(sb_statement *s) {
  return s->status == SB_OK && s->store->driver->step(s);
}

bool sb_statement_column_null(sb_statement *s, int column) {
  return s->store->driver->column_null(s, column);
}

int64_t sb_statement_column_int(sb_statement *s, int column) {
  return s->store->driver->column_int(s, column);
}

double sb_statement_column_real(sb_statement *s, int column) {
  return s->store->driver->column_real(s, column);
}

const void *sb_statement_column_blob(sb_statement *s, int column, size_t *size) {
  return s->store->driver->column_bytes(s, column, size);
}

const char *sb_statement_column_text(sb_statement *s, int column) {
  size_t size = 0;
  const char *text = s->store->driver->column_bytes(s, column, &size);
  return text ? text : "";
}

void sb_statement_reset(sb_statement *s) {
  if (s->raw) s->store->driver->reset(s);
}

void sb_statement_not_found(sb_statement *s, const char *message) {
  if (s->status == SB_OK) s->status = sb_fail(s->error, SB_NOT_FOUND, "%s", message);
}

sb_status sb_statement_end(sb_statement *s) {
  if (s->raw) s->store->driver->end(s);
  s->raw = NULL;
  return s->status;
}

/* ---- Shorthands */

sb_status sb_statement_list(sb_statement *s, size_t size, sb_statement_row_read read, void **out, size_t *count) {
  void *list = NULL;
  size_t used = 0;
  while (sb_statement_step(s)) {
    s->status = sb_grow(&list, used + 1, size, s->error);
    if (s->status == SB_OK) read(s, (char *)list + size * used++);
  }
  sb_status status = sb_statement_end(s);
  if (status != SB_OK) return free(list), status;
  *out = list;
  *count = used;
  return SB_OK;
}

sb_status sb_statement_run(sb_statement *s) {
  sb_statement_step(s);
  return sb_statement_end(s);
}

sb_status sb_store_exec_int(sb_store *store, const char *sql, int64_t value, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_int(&s, 1, value);
  return sb_statement_run(&s);
}

sb_status sb_store_exec(sb_store *store, const char *sql, sb_error *error) {
  return store->driver->exec(store, sql, error);
}

sb_status sb_store_number(sb_store *store, const char *sql, int64_t *value, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  *value = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  return sb_statement_end(&s);
}

int64_t sb_store_rows_written(sb_store *store) {
  return store->driver->rows_written(store);
}

/* ---- meta */

sb_status sb_store_meta_set(sb_store *store, const char *key, const void *value, size_t size, sb_error *error) {
  static const char sql[] = "INSERT INTO meta(key, value) VALUES(?, ?)"
                            " ON CONFLICT(key) DO UPDATE SET value = excluded.value";
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_text(&s, 1, key);
  sb_statement_bind_blob(&s, 2, value, size);
  s.pipelined = true;
  return sb_statement_run(&s);
}

sb_status sb_store_meta_delete(sb_store *store, const char *key, sb_error *error) {
  sb_statement s = sb_statement_new(store, "DELETE FROM meta WHERE key = ?", error);
  sb_statement_bind_text(&s, 1, key);
  return sb_statement_run(&s);
}

sb_statement sb_store_meta_select(sb_store *store, const char *key, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = ?", error);
  sb_statement_bind_text(&s, 1, key);
  return s;
}
