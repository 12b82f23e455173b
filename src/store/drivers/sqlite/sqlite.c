/* SQLite driver: the store's database as the file semblance.db of a folder.
 *
 * Write-ahead logging with synchronous=FULL: every commit is durable, and readers do not block the writer.
 * secure_delete overwrites deleted rows, and purge_log truncates the log, so that erased data is not left on the
 * disk. */
#include "store/drivers/sqlite/sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUSY_MS = 10000, APPLICATION_ID = 0x53424c43 /* "SBLC" */ };

static sqlite3 *db_of(const sb_store *store) {
  const sb_sqlite_connection *c = store->connection;
  return c ? c->db : NULL;
}

/* ---- Connections */

static char *path_of(const sb_store *store, sb_error *error) {
  return sb_path_join(store->dir, "semblance.db", error);
}

static sb_status exec(sb_store *store, const char *sql, sb_error *error) {
  int code = sqlite3_exec(db_of(store), sql, NULL, NULL, NULL);
  return code == SQLITE_OK ? SB_OK : sb_sqlite_failed(store, code, error);
}

/* A new database gets pages of 16 KB: a face of 512 numbers takes 2.2 KB, and the usual page of 4 KB would hold only
 * one. */
static const char writer_pragmas[] =
    "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON";
static const char reader_pragmas[] = "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY";

static sb_status open_path(sb_store *store, const char *path, bool reader, sb_error *error) {
  sb_sqlite_connection *c = sb_alloc(1, sizeof *c, error);
  if (!c) return SB_NO_MEMORY;
  store->connection = c;
  mode_t before = umask(0077); /* only the owner may read the database and its log */
  int code = sqlite3_open_v2(path, &c->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (reader ? 0 : SQLITE_OPEN_CREATE), NULL);
  sqlite3 *db = c->db;
  sb_status status = code == SQLITE_OK ? SB_OK : sb_sqlite_failed(store, code, error);
  if (status == SB_OK) {
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    status = exec(store, reader ? reader_pragmas : writer_pragmas, error);
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
  sb_sqlite_connection *c = store->connection;
  if (!c) return;
  while (c->idle_count) sqlite3_finalize(c->idle[--c->idle_count]);
  sqlite3_close(c->db);
  free(c);
}

/* ---- Statements */

static void check(sb_statement *s, int code) {
  if (s->status == SB_OK && code != SQLITE_OK) s->status = sb_sqlite_failed(s->store, code, s->error);
}

static sqlite3_stmt *take_idle(sb_sqlite_connection *c, const char *sql) {
  size_t i = 0;
  while (i < c->idle_count && strcmp(sqlite3_sql(c->idle[i]), sql)) i++;
  if (i == c->idle_count) return NULL;
  sqlite3_stmt *found = c->idle[i];
  c->idle_count--;
  memmove(c->idle + i, c->idle + i + 1, (c->idle_count - i) * sizeof(sqlite3_stmt *));
  return found;
}

/* Replaces the statement that was idle longest when there is no room. */
static void put_idle(sb_sqlite_connection *c, sqlite3_stmt *statement) {
  if (c->idle_count == SB_SQLITE_IDLE_MAX) sqlite3_finalize(c->idle[--c->idle_count]);
  memmove(c->idle + 1, c->idle, c->idle_count * sizeof(sqlite3_stmt *));
  c->idle[0] = statement;
  c->idle_count++;
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

static int64_t rows_written(sb_store *store) {
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

static sb_status schema_version(sb_store *store, int64_t *version, sb_error *error) {
  int64_t application = 0, tables = 0;
  sb_status status = sb_store_number(store, "PRAGMA user_version", version, error);
  if (status != SB_OK) return status;
  status = sb_store_number(store, "PRAGMA application_id", &application, error);
  if (status != SB_OK) return status;
  status = sb_store_number(store, "SELECT count(*) FROM sqlite_schema", &tables, error);
  if (status == SB_OK && tables && application != APPLICATION_ID)
    return sb_fail(error, SB_STORE,
                   "%s/semblance.db is a database of another program; choose another folder with --data", store->dir);
  return status;
}

static sb_status set_schema_version(sb_store *store, int version, sb_error *error) {
  char pragma[80];
  snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d; PRAGMA application_id = %d", version, APPLICATION_ID);
  return exec(store, pragma, error);
}

/* data_version differs when another connection has committed. */
static sb_status change_marker(sb_store *store, int64_t *marker, sb_error *error) {
  return sb_store_number(store, "PRAGMA data_version", marker, error);
}

static sb_status next_row(sb_store *store, const char *table, int64_t *row, sb_error *error) {
  sb_statement s =
      sb_statement_new(store, "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = ?", error);
  sb_statement_bind_text(&s, 1, table);
  if (sb_statement_step(&s)) *row = sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

static sb_status set_next_row(sb_store *store, const char *table, int64_t next, sb_error *error) {
  static const char *const statements[] = {
      "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1",
      /* A table that never had a row has none in sqlite_sequence, either. */
      "INSERT INTO sqlite_sequence(name, seq) SELECT ?1, ?2 WHERE NOT EXISTS(SELECT 1 FROM sqlite_sequence"
      " WHERE name = ?1)"};
  for (int i = 0; i < 2; i++) {
    sb_statement s = sb_statement_new(store, statements[i], error);
    sb_statement_bind_text(&s, 1, table);
    sb_statement_bind_int(&s, 2, next - 1);
    sb_status status = sb_statement_run(&s);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status move_faces(sb_store *store, int64_t from, int64_t into, sb_error *error) {
  sb_statement s = sb_statement_new(store, "UPDATE face SET person = ?1 WHERE person = ?2", error);
  sb_statement_bind_int(&s, 1, into);
  sb_statement_bind_int(&s, 2, from);
  return sb_statement_run(&s);
}

/* Waits briefly for readers: the store's lock is held, and what fails is tried again later. */
static sb_status purge_log(sb_store *store, sb_error *error) {
  enum { PURGE_MS = 2000 };
  sqlite3_busy_timeout(db_of(store), PURGE_MS);
  int code = sqlite3_wal_checkpoint_v2(db_of(store), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  sqlite3_busy_timeout(db_of(store), BUSY_MS);
  if (code == SQLITE_OK) return SB_OK;
  if ((code & 0xff) != SQLITE_BUSY) return sb_sqlite_failed(store, code, error);
  return sb_fail(error, SB_BUSY,
                 "another program that reads the gallery keeps what was deleted in the database's log until it ends");
}

static sb_status check_all(sb_store *store, sb_error *error) {
  sb_statement s = sb_statement_new(store, "PRAGMA integrity_check(1)", error);
  if (sb_statement_step(&s) && strcmp(sb_statement_column_text(&s, 0), "ok"))
    s.status = sb_fail(error, SB_STORE, "the database is not sound: %.200s", sb_statement_column_text(&s, 0));
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  s = sb_statement_new(store, "PRAGMA foreign_key_check", error);
  if (sb_statement_step(&s))
    s.status = sb_fail(error, SB_STORE, "the database is not sound: a row of %s refers to a missing row",
                       sb_statement_column_text(&s, 0));
  return sb_statement_end(&s);
}

static sb_status health(sb_store *store, sb_store_health *out, sb_error *error) {
  int64_t page = 0, pages = 0, unused = 0;
  sb_status status = sb_store_number(store, "PRAGMA page_size", &page, error);
  if (status != SB_OK) return status;
  status = sb_store_number(store, "PRAGMA page_count", &pages, error);
  if (status != SB_OK) return status;
  status = sb_store_number(store, "PRAGMA freelist_count", &unused, error);
  out->bytes = page * pages;
  out->free_bytes = page * unused;
  snprintf(out->server, sizeof out->server, "SQLite %s", sqlite3_libversion());
  return status;
}

/* VACUUM INTO, on a connection of its own, so that the store can be used meanwhile. */
static sb_status snapshot(sb_store *store, const char *to, sb_error *error) {
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

const sb_driver sb_driver_sqlite = {.id_list_sql = "SELECT value FROM json_each('[' || ?1 || ']')",
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
                                    .rows_written = rows_written,
                                    .exec = exec,
                                    .begin = begin,
                                    .commit = commit,
                                    .rollback = rollback,
                                    .change_marker = change_marker,
                                    .observe_rows = sb_sqlite_observe_rows,
                                    .observe_table = sb_sqlite_observe_table,
                                    .visit_table = sb_sqlite_visit_table,
                                    .schema_version = schema_version,
                                    .set_schema_version = set_schema_version,
                                    .next_row = next_row,
                                    .set_next_row = set_next_row,
                                    .move_faces = move_faces,
                                    .purge_log = purge_log,
                                    .check = check_all,
                                    .health = health,
                                    .snapshot = snapshot};
