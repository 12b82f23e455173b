/* The store's database as a file: SQLite, WAL, durable at every commit. */
#include "base/sqlite_status.h"
#include "store/internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUSY_MS = 10000, APPLICATION_ID = 0x53424c43 /* "SBLC" */ };
enum { IDLE_MAX = 48 }; /* what a search, an enrolment and a deletion use, and room */

/* The connection with its idle statements, the last one used first: to parse one costs more than to run it. */
typedef struct sqlite_link {
  sqlite3 *db;
  sqlite3_stmt *idle[IDLE_MAX];
  size_t idle_count;
} sqlite_link;

static sqlite3 *db_of(const sb_store *store) {
  const sqlite_link *l = store->connection;
  return l ? l->db : NULL;
}

sqlite3 *sb_sqlite_of(const sb_store *store) {
  return db_of(store);
}

/* ---- Errors */

static sb_status failed(sb_store *store, int code, sb_error *error) {
  sqlite3 *db = db_of(store);
  int primary = code & 0xff;
  int system_error = errno; /* SQLite keeps no system error of a COMMIT that failed: then errno still has it */
  if (db && sqlite3_system_errno(db)) system_error = sqlite3_system_errno(db);
  sb_status status = sb_status_of_sqlite(code, system_error);
  if (status == SB_READ_ONLY || primary == SQLITE_CANTOPEN)
    return sb_fail(error, SB_READ_ONLY,
                   "the gallery in %s cannot be opened or written: permission is denied, or the folder is read-only",
                   store->dir);
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT)
    return sb_fail(error, SB_STORE, "the database %s/semblance.db is damaged (%s); restore a backup", store->dir,
                   sqlite3_errstr(primary));
  return sb_fail_sqlite(error, status, "the gallery", sqlite3_errmsg(db));
}

/* ---- Connections */

static char *path_of(const sb_store *store, sb_error *error) {
  return sb_path_join(store->dir, "semblance.db", error);
}

static sb_status exec(sb_store *store, const char *sql, sb_error *error) {
  int code = sqlite3_exec(db_of(store), sql, NULL, NULL, NULL);
  return code == SQLITE_OK ? SB_OK : failed(store, code, error);
}

/* Pages of a new database are of 16 KB: a face of 512 numbers takes 2.2 KB, and a page of the usual 4 KB would hold one. */
static sb_status open_path(sb_store *store, const char *path, bool reader, sb_error *error) {
  sqlite_link *l = sb_alloc(1, sizeof *l, error);
  if (!l) return SB_NO_MEMORY;
  store->connection = l;
  mode_t before = umask(0077); /* the database and its log are the owner's only */
  int code = sqlite3_open_v2(path, &l->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (reader ? 0 : SQLITE_OPEN_CREATE), NULL);
  sqlite3 *db = l->db;
  sb_status status = code == SQLITE_OK ? SB_OK : failed(store, code, error);
  if (status == SB_OK) {
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    status = exec(
        store,
        reader
            ? "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY"
            : "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
              "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON",
        error);
  }
  umask(before);
  return status;
}

static sb_status connect_file(sb_store *store, bool reader, sb_error *error) {
  char *path = path_of(store, error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = open_path(store, path, reader, error);
  free(path);
  return status;
}

static void disconnect(sb_store *store) {
  sqlite_link *l = store->connection;
  if (!l) return;
  while (l->idle_count) sqlite3_finalize(l->idle[--l->idle_count]);
  sqlite3_close(l->db);
  free(l);
}

/* ---- Statements */

static void check(sb_statement *s, int code) {
  if (s->status == SB_OK && code != SQLITE_OK) s->status = failed(s->store, code, s->error);
}

static sqlite3_stmt *take_idle(sqlite_link *l, const char *sql) {
  size_t i = 0;
  while (i < l->idle_count && strcmp(sqlite3_sql(l->idle[i]), sql)) i++;
  if (i == l->idle_count) return NULL;
  sqlite3_stmt *found = l->idle[i];
  l->idle_count--;
  memmove(l->idle + i, l->idle + i + 1, (l->idle_count - i) * sizeof(sqlite3_stmt *));
  return found;
}

/* The one that was idle longest makes room. */
static void put_idle(sqlite_link *l, sqlite3_stmt *statement) {
  if (l->idle_count == IDLE_MAX) sqlite3_finalize(l->idle[--l->idle_count]);
  memmove(l->idle + 1, l->idle, l->idle_count * sizeof(sqlite3_stmt *));
  l->idle[0] = statement;
  l->idle_count++;
}

static void prepare(sb_statement *s, const char *sql) {
  sqlite3_stmt *raw = take_idle(s->store->connection, sql);
  if (!raw) check(s, sqlite3_prepare_v3(db_of(s->store), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, NULL));
  s->raw = raw;
}

static void prepare_bulk(sb_statement *s, const char *table, const char *columns, int count) {
  char sql[512];
  int used = snprintf(sql, sizeof sql, "INSERT INTO %s(%s) VALUES(?", table, columns);
  for (int i = 1; i < count; i++) used += snprintf(sql + used, sizeof sql - (size_t)used, ", ?");
  snprintf(sql + used, sizeof sql - (size_t)used, ")");
  prepare(s, sql);
}

static void bind_int(sb_statement *s, int index, int64_t value) {
  check(s, sqlite3_bind_int64(s->raw, index, value));
}

static void bind_real(sb_statement *s, int index, double value) {
  check(s, sqlite3_bind_double(s->raw, index, value));
}

static void bind_text(sb_statement *s, int index, const char *text) {
  check(s, sqlite3_bind_text(s->raw, index, text, -1, SQLITE_STATIC));
}

static void bind_blob(sb_statement *s, int index, const void *bytes, size_t size, bool copied) {
  check(s, sqlite3_bind_blob64(s->raw, index, bytes, size, copied ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

static bool step(sb_statement *s) {
  int code = sqlite3_step(s->raw);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) check(s, code);
  return false;
}

static bool column_null(sb_statement *s, int column) {
  return sqlite3_column_type(s->raw, column) == SQLITE_NULL;
}

static int64_t column_int(sb_statement *s, int column) {
  return sqlite3_column_int64(s->raw, column);
}

static double column_real(sb_statement *s, int column) {
  return sqlite3_column_double(s->raw, column);
}

static const void *column_bytes(sb_statement *s, int column, size_t *size) {
  const void *bytes = sqlite3_column_type(s->raw, column) == SQLITE_BLOB ? sqlite3_column_blob(s->raw, column)
                                                                         : sqlite3_column_text(s->raw, column);
  *size = (size_t)sqlite3_column_bytes(s->raw, column);
  return bytes;
}

static void reset(sb_statement *s) {
  sqlite3_reset(s->raw);
  sqlite3_clear_bindings(s->raw);
}

static void end(sb_statement *s) {
  if (!s->raw) return;
  reset(s);
  put_idle(s->store->connection, s->raw);
}

static int64_t changes(sb_store *store) {
  return sqlite3_changes64(db_of(store));
}

/* ---- Transactions */

static sb_status begin(sb_store *store, bool writes, sb_error *error) {
  return exec(store, writes ? "BEGIN IMMEDIATE" : "BEGIN", error);
}

static sb_status commit(sb_store *store, sb_error *error) {
  return exec(store, "COMMIT", error);
}

static void rollback(sb_store *store) {
  if (!sqlite3_get_autocommit(db_of(store))) sqlite3_exec(db_of(store), "ROLLBACK", NULL, NULL, NULL);
}

/* ---- What this database does in its own way */

static sb_status schema(sb_store *store, int64_t *version, sb_error *error) {
  int64_t application = 0, tables = 0;
  sb_status status = sb_store_number(store, "PRAGMA user_version", version, error);
  if (status == SB_OK) status = sb_store_number(store, "PRAGMA application_id", &application, error);
  if (status == SB_OK) status = sb_store_number(store, "SELECT count(*) FROM sqlite_schema", &tables, error);
  if (status == SB_OK && tables && application != APPLICATION_ID)
    return sb_fail(error, SB_STORE, "%s/semblance.db is a database of another program; choose another folder",
                   store->dir);
  return status;
}

static sb_status schema_done(sb_store *store, sb_error *error) {
  char pragma[80];
  snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d; PRAGMA application_id = %d", store->driver->step_count,
           APPLICATION_ID);
  return exec(store, pragma, error);
}

/* It moves when another connection commits. */
static sb_status version(sb_store *store, int64_t *number, sb_error *error) {
  return sb_store_number(store, "PRAGMA data_version", number, error);
}

static sb_status next_row(sb_store *store, const char *table, int64_t *row, sb_error *error) {
  sb_statement s =
      sb_statement_new(store, "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = ?", error);
  sb_statement_bind_text(&s, 1, table);
  if (sb_statement_step(&s)) *row = sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

static sb_status start_rows(sb_store *store, const char *table, int64_t next, sb_error *error) {
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < 2; i++) { /* a table that nothing was put into has no row there */
    sb_statement s =
        sb_statement_new(store,
                         i ? "INSERT INTO sqlite_sequence(name, seq) SELECT ?1, ?2 WHERE NOT EXISTS(SELECT 1 FROM"
                             " sqlite_sequence WHERE name = ?1)"
                           : "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1",
                         error);
    sb_statement_bind_text(&s, 1, table);
    sb_statement_bind_int(&s, 2, next - 1);
    sb_statement_step(&s);
    status = sb_statement_end(&s);
  }
  return status;
}

static sb_status move_faces(sb_store *store, int64_t from, int64_t into, sb_error *error) {
  sb_statement s = sb_statement_new(store, "UPDATE face SET person = ?1 WHERE person = ?2", error);
  sb_statement_bind_int(&s, 1, into);
  sb_statement_bind_int(&s, 2, from);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

static sb_status erase(sb_store *store, sb_error *error) {
  int code = sqlite3_wal_checkpoint_v2(db_of(store), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  if (code == SQLITE_OK) return SB_OK;
  if ((code & 0xff) != SQLITE_BUSY) return failed(store, code, error);
  return sb_fail(error, SB_BUSY,
                 "it was deleted, but a program that reads the gallery keeps traces in the log; they go when it ends");
}

static sb_status check_all(sb_store *store, sb_error *error) {
  sb_statement s = sb_statement_new(store, "PRAGMA integrity_check(1)", error);
  if (sb_statement_step(&s) && strcmp(sb_statement_column_text(&s, 0), "ok"))
    s.status = sb_fail(error, SB_STORE, "the database is not sound: %.200s", sb_statement_column_text(&s, 0));
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  s = sb_statement_new(store, "PRAGMA foreign_key_check", error);
  if (sb_statement_step(&s))
    s.status = sb_fail(error, SB_STORE, "the database is not sound: a row of %s points nowhere",
                       sb_statement_column_text(&s, 0));
  return sb_statement_end(&s);
}

static sb_status health(sb_store *store, sb_store_health *out, sb_error *error) {
  int64_t page = 0, pages = 0, unused = 0;
  sb_status status = sb_store_number(store, "PRAGMA page_size", &page, error);
  if (status == SB_OK) status = sb_store_number(store, "PRAGMA page_count", &pages, error);
  if (status == SB_OK) status = sb_store_number(store, "PRAGMA freelist_count", &unused, error);
  out->bytes = page * pages;
  out->free_bytes = page * unused;
  snprintf(out->server, sizeof out->server, "SQLite %s", sqlite3_libversion());
  return status;
}

/* On a connection of its own: others go on beside it. */
static sb_status copy(sb_store *store, const char *to, sb_error *error) {
  sqlite3 *reader = NULL;
  sqlite3_stmt *statement = NULL;
  char *path = path_of(store, error);
  if (!path) return SB_NO_MEMORY;
  mode_t before = umask(0077);
  bool done = sqlite3_open_v2(path, &reader, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
              sqlite3_busy_timeout(reader, BUSY_MS) == SQLITE_OK &&
              sqlite3_prepare_v2(reader, "VACUUM INTO ?", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_DONE;
  umask(before);
  sb_status status = SB_OK;
  if (!done) {
    bool full = reader && (sqlite3_errcode(reader) & 0xff) == SQLITE_FULL;
    status = sb_fail(error, full ? SB_DISK_FULL : SB_STORE, "the database could not be copied: %s",
                     reader ? sqlite3_errmsg(reader) : "out of memory");
  }
  sqlite3_finalize(statement);
  sqlite3_close(reader);
  free(path);
  return status;
}

const sb_driver sb_driver_sqlite = {.steps = sb_sqlite_steps,
                                    .step_count = SB_SQLITE_STEPS,
                                    .numbers = "SELECT value FROM json_each('[' || ?1 || ']')",
                                    .tallies = true,
                                    .seals_templates = true,
                                    .connect = connect_file,
                                    .disconnect = disconnect,
                                    .prepare = prepare,
                                    .prepare_bulk = prepare_bulk,
                                    .bind_int = bind_int,
                                    .bind_real = bind_real,
                                    .bind_text = bind_text,
                                    .bind_blob = bind_blob,
                                    .step = step,
                                    .column_null = column_null,
                                    .column_int = column_int,
                                    .column_real = column_real,
                                    .column_bytes = column_bytes,
                                    .reset = reset,
                                    .end = end,
                                    .changes = changes,
                                    .exec = exec,
                                    .begin = begin,
                                    .commit = commit,
                                    .rollback = rollback,
                                    .schema = schema,
                                    .schema_done = schema_done,
                                    .version = version,
                                    .next_row = next_row,
                                    .start_rows = start_rows,
                                    .move_faces = move_faces,
                                    .erase = erase,
                                    .check = check_all,
                                    .health = health,
                                    .copy = copy};
