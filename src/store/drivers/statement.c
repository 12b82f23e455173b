/* Statements with the errors of this project, and with sealed columns, over either database. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

sb_statement sb_statement_new(sb_store *store, const char *sql, sb_error *error) {
  sb_statement s = {.store = store, .error = error};
  store->driver->prepare(&s, sql);
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

void sb_statement_bind_text(sb_statement *s, int index, const char *text) {
  if (s->status == SB_OK) s->store->driver->bind_text(s, index, text);
}

void sb_statement_bind_sealed(sb_statement *s, int index, const sb_seal_context *place, const void *plain,
                              size_t size) {
  if (s->status != SB_OK) return;
  uint8_t *sealed = sb_alloc(size + SB_SEAL_OVERHEAD, 1, s->error);
  s->status = sealed ? sb_keyring_seal(s->store->keyring, place, plain, size, sealed, s->error) : SB_NO_MEMORY;
  if (s->status == SB_OK) s->store->driver->bind_blob(s, index, sealed, size + SB_SEAL_OVERHEAD, true);
  free(sealed);
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

char *sb_statement_column_sealed(sb_statement *s, int column, const sb_seal_context *place, size_t *size) {
  if (s->status != SB_OK) return NULL;
  size_t sealed_size = 0;
  const uint8_t *sealed = sb_statement_column_blob(s, column, &sealed_size);
  if (!sealed || sealed_size < SB_SEAL_OVERHEAD) {
    s->status = sb_fail(s->error, SB_STORE, "a sealed field of the database (%s.%s) is missing; restore a backup",
                        place->table, place->column);
    return NULL;
  }
  if (sb_keyring_sealed_number(sealed, sealed_size) > s->store->newest_key)
    s->status = sb_store_keys_refresh(s->store, s->error);
  if (s->status != SB_OK) return NULL;
  char *plain = sb_alloc(sealed_size - SB_SEAL_OVERHEAD + 1, 1, s->error);
  s->status = plain ? sb_keyring_unseal(s->store->keyring, place, sealed, sealed_size, plain, s->error) : SB_NO_MEMORY;
  if (s->status == SB_OK) {
    *size = sealed_size - SB_SEAL_OVERHEAD;
    return plain;
  }
  free(plain);
  return NULL;
}

void sb_statement_reset(sb_statement *s) {
  if (s->raw) s->store->driver->reset(s);
}

sb_status sb_statement_end(sb_statement *s) {
  if (s->raw) s->store->driver->end(s);
  s->raw = NULL;
  return s->status;
}

sb_status sb_statement_list(sb_statement *s, size_t size, sb_statement_row_read read, void **out, size_t *count) {
  void *list = NULL;
  size_t used = 0;
  while (sb_statement_step(s)) {
    s->status = sb_grow(&list, used + 1, size, s->error);
    if (s->status == SB_OK) read(s, (char *)list + size * used++);
  }
  sb_status status = sb_statement_end(s);
  sb_store_unlock(s->store);
  if (status == SB_OK)
    *out = list, *count = used;
  else
    free(list);
  return status;
}

int64_t sb_store_rows_written(sb_store *store) {
  return store->driver->changes(store);
}

sb_status sb_store_number(sb_store *store, const char *sql, int64_t *value, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  *value = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  return sb_statement_end(&s);
}

sb_status sb_store_meta_set(sb_store *store, const char *key, const void *value, size_t size, sb_error *error) {
  sb_statement s = sb_statement_new(store,
                                    "INSERT INTO meta(key, value) VALUES(?, ?)"
                                    " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                                    error);
  sb_statement_bind_text(&s, 1, key);
  sb_statement_bind_blob(&s, 2, value, size);
  s.pipelined = true;
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

sb_status sb_store_exec(sb_store *store, const char *sql, sb_error *error) {
  return store->driver->exec(store, sql, error);
}

void sb_store_lock(sb_store *store) {
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_STORE);
  pthread_mutex_lock(&store->lock);
  store->stage_before = before;
}
void sb_store_unlock(sb_store *store) {
  sb_timed_stage before = store->stage_before;
  pthread_mutex_unlock(&store->lock);
  sb_stage_timer_enter(before);
}

sb_status sb_store_begin(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_store_row_mac_reset(store);
  sb_status status = store->driver->begin(store, true, error);
  if (status == SB_OK && store->newest_key) {
    status = sb_store_keys_refresh(store, error);
    if (status != SB_OK) store->driver->rollback(store);
  }
  if (status != SB_OK) sb_store_unlock(store);
  return status;
}

void sb_store_adjust_counts(sb_store *store, int64_t collection, int64_t people, int64_t faces) {
  store->delta.known = true;
  store->delta.collection = collection;
  store->delta.people = people;
  store->delta.faces = faces;
}

/* The numbers of before and what was told of this transaction give those of now. */
static void follow_members(sb_store *store) {
  for (size_t i = 0; store->delta.known && i < sizeof store->counted / sizeof *store->counted; i++) {
    sb_store_counted *c = &store->counted[i];
    if (c->written != store->written) continue;
    c->written++;
    if (c->collection && c->collection != store->delta.collection) continue;
    c->people = (size_t)((int64_t)c->people + store->delta.people);
    c->faces = (size_t)((int64_t)c->faces + store->delta.faces);
  }
}

sb_status sb_store_finish(sb_store *store, sb_status status, sb_error *error) {
  if (status == SB_OK) status = sb_store_row_mac_commit(store, error);
  if (status == SB_OK) status = store->driver->commit(store, error);
  if (status == SB_OK) follow_members(store);
  store->delta.known = false;
  if (status == SB_OK)
    store->written++;
  else
    store->driver->rollback(store);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_begin_read(sb_store *store, sb_error *error) {
  return store->driver->begin(store, false, error);
}

void sb_store_end_read(sb_store *store) {
  store->driver->rollback(store);
}
