#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_store_failed(sb_store *store, int code, sb_error *error) {
  int system_error = errno; /* SQLite keeps no system error of a COMMIT that failed: then errno still has it */
  if (store->db && sqlite3_system_errno(store->db)) system_error = sqlite3_system_errno(store->db);
  switch (code & 0xff) {
  case SQLITE_NOMEM: return sb_fail(error, SB_NO_MEMORY, "memory is out");
  case SQLITE_FULL:
    return sb_fail(error, SB_DISK_FULL, "no space is left where the gallery is kept; nothing was changed");
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return sb_fail(error, SB_BUSY, "another program is writing to the gallery; try again");
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_CANTOPEN:
    return sb_fail(error, SB_READ_ONLY,
                   "the gallery in %s cannot be opened or written: permission is denied, or the folder is read-only",
                   store->dir);
  case SQLITE_IOERR:
    if (system_error == ENOSPC || system_error == EFBIG || system_error == EDQUOT)
      return sb_fail(error, SB_DISK_FULL, "no space is left where the gallery is kept; nothing was changed");
    return sb_fail(error, SB_IO, "the gallery's disk failed: %s", sqlite3_errmsg(store->db));
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT:
    return sb_fail(error, SB_STORE, "the database %s/semblance.db is damaged (%s); restore a backup", store->dir,
                   sqlite3_errstr(code & 0xff));
  default: return sb_fail(error, SB_STORE, "the database refused an operation: %s", sqlite3_errmsg(store->db));
  }
}

static void check(sb_statement *s, int code) {
  if (s->status == SB_OK && code != SQLITE_OK) s->status = sb_store_failed(s->store, code, s->error);
}

sb_statement sb_statement_new(sb_store *store, const char *sql, sb_error *error) {
  sb_statement s = {.store = store, .error = error};
  check(&s, sqlite3_prepare_v2(store->db, sql, -1, &s.raw, NULL));
  return s;
}

void sb_bind_int(sb_statement *s, int index, int64_t value) {
  if (s->status == SB_OK) check(s, sqlite3_bind_int64(s->raw, index, value));
}

void sb_bind_real(sb_statement *s, int index, double value) {
  if (s->status == SB_OK) check(s, sqlite3_bind_double(s->raw, index, value));
}

void sb_bind_blob(sb_statement *s, int index, const void *bytes, size_t size) {
  if (s->status == SB_OK) check(s, sqlite3_bind_blob64(s->raw, index, bytes, size, SQLITE_STATIC));
}

void sb_bind_text(sb_statement *s, int index, const char *text) {
  if (s->status == SB_OK) check(s, sqlite3_bind_text(s->raw, index, text, -1, SQLITE_STATIC));
}

void sb_bind_sealed(sb_statement *s, int index, const sb_place *place, const void *plain, size_t size) {
  if (s->status != SB_OK) return;
  uint8_t *sealed = sb_alloc(size + SB_SEAL_OVERHEAD, 1, s->error);
  s->status = sealed ? sb_seal(s->store->keyring, place, plain, size, sealed, s->error) : SB_NO_MEMORY;
  if (s->status == SB_OK)
    check(s, sqlite3_bind_blob64(s->raw, index, sealed, size + SB_SEAL_OVERHEAD, SQLITE_TRANSIENT));
  free(sealed);
}

bool sb_step(sb_statement *s) {
  if (s->status != SB_OK) return false;
  int code = sqlite3_step(s->raw);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) check(s, code);
  return false;
}

char *sb_column_open(sb_statement *s, int column, const sb_place *place, size_t *size) {
  if (s->status != SB_OK) return NULL;
  const uint8_t *sealed = sqlite3_column_blob(s->raw, column);
  size_t sealed_size = (size_t)sqlite3_column_bytes(s->raw, column);
  if (!sealed || sealed_size < SB_SEAL_OVERHEAD) {
    s->status = sb_fail(s->error, SB_STORE, "a sealed field of the database (%s.%s) is missing; restore a backup",
                        place->table, place->column);
    return NULL;
  }
  if (sb_sealed_number(sealed, sealed_size) > s->store->newest_key) s->status = sb_keys_refresh(s->store, s->error);
  if (s->status != SB_OK) return NULL;
  char *plain = sb_alloc(sealed_size - SB_SEAL_OVERHEAD + 1, 1, s->error);
  s->status = plain ? sb_unseal(s->store->keyring, place, sealed, sealed_size, plain, s->error) : SB_NO_MEMORY;
  if (s->status == SB_OK) {
    *size = sealed_size - SB_SEAL_OVERHEAD;
    return plain;
  }
  free(plain);
  return NULL;
}

void sb_statement_again(sb_statement *s) {
  sqlite3_reset(s->raw);
  sqlite3_clear_bindings(s->raw);
}

sb_status sb_statement_end(sb_statement *s) {
  sqlite3_finalize(s->raw);
  s->raw = NULL;
  return s->status;
}

sb_status sb_store_number(sb_store *store, const char *sql, int64_t *value, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  *value = sb_step(&s) ? sqlite3_column_int64(s.raw, 0) : 0;
  return sb_statement_end(&s);
}

sb_status sb_store_exec(sb_store *store, const char *sql, sb_error *error) {
  int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
  return code == SQLITE_OK ? SB_OK : sb_store_failed(store, code, error);
}

void sb_store_lock(sb_store *store) {
  pthread_mutex_lock(&store->lock);
}
void sb_store_unlock(sb_store *store) {
  pthread_mutex_unlock(&store->lock);
}

sb_status sb_store_begin(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_status status = sb_store_exec(store, "BEGIN IMMEDIATE", error);
  if (status == SB_OK && store->newest_key) {
    status = sb_keys_refresh(store, error);
    if (status != SB_OK) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  }
  if (status != SB_OK) sb_store_unlock(store);
  return status;
}

sb_status sb_store_finish(sb_store *store, sb_status status, sb_error *error) {
  if (status == SB_OK) status = sb_store_exec(store, "COMMIT", error);
  if (status == SB_OK)
    store->written++;
  else if (!sqlite3_get_autocommit(store->db))
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  sb_store_unlock(store);
  return status;
}
