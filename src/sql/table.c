/* The module: tables made, opened, renamed and dropped; statements about their own tables. */
#include "sql/table.h"

#include "sql/index_cache.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Statements */

int sb_table_prepare(sb_table *table, sqlite3_stmt **out, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (!text) return SQLITE_NOMEM;
  int code = sqlite3_prepare_v2(table->db, text, -1, out, NULL);
  sqlite3_free(text);
  return code;
}

/* "INSERT INTO rows(id, c0, ...) VALUES(?, ?, ...)", or the UPDATE of the same, whose last value is the row's old id. */
static int prepare_row(sb_table *table, bool update, sqlite3_stmt **out) {
  sb_buffer names = {0}, places = {0};
  sb_status status = sb_buffer_addf(&names, NULL, update ? "id = ?" : "id");
  if (status == SB_OK) status = sb_buffer_addf(&places, NULL, "?");
  for (int i = 0; status == SB_OK && i < table->declaration.columns; i++) {
    if (i == table->declaration.vector) continue;
    status = sb_buffer_addf(&names, NULL, update ? ", c%d = ?" : ", c%d", i);
    if (status == SB_OK) status = sb_buffer_addf(&places, NULL, ", ?");
  }
  int code = SQLITE_NOMEM;
  if (status == SB_OK && update)
    code = sb_table_prepare(table, out, "UPDATE \"%w\".\"%w_rows\" SET %s WHERE id = ?", table->schema, table->name,
                            names.bytes);
  else if (status == SB_OK)
    code = sb_table_prepare(table, out, "INSERT INTO \"%w\".\"%w_rows\"(%s) VALUES(%s)", table->schema, table->name,
                            names.bytes, places.bytes);
  sb_buffer_free(&names);
  sb_buffer_free(&places);
  return code;
}

int sb_table_kept(sb_table *table, sb_kept which, sqlite3_stmt **out) {
  static const char *const texts[SB_KEPT_COUNT] = {
      [SB_KEPT_DELETE_ROW] = "DELETE FROM \"%w\".\"%w_rows\" WHERE id = ?",
      [SB_KEPT_INSERT_VECTOR] = "INSERT INTO \"%w\".\"%w_vectors\"(id, vector) VALUES(?, ?)",
      [SB_KEPT_UPDATE_VECTOR] = "UPDATE \"%w\".\"%w_vectors\" SET id = ?, vector = ? WHERE id = ?",
      [SB_KEPT_MOVE_VECTOR] = "UPDATE \"%w\".\"%w_vectors\" SET id = ? WHERE id = ?",
      [SB_KEPT_DELETE_VECTOR] = "DELETE FROM \"%w\".\"%w_vectors\" WHERE id = ?",
      [SB_KEPT_CHANGE] = "INSERT INTO \"%w\".\"%w_changes\"(tag, id) VALUES(?, ?)",
      [SB_KEPT_TRIM] = "DELETE FROM \"%w\".\"%w_changes\" WHERE sequence <= ?",
      [SB_KEPT_LAST] = "SELECT sequence, tag FROM \"%w\".\"%w_changes\" ORDER BY sequence DESC LIMIT 1",
      [SB_KEPT_TAG] = "SELECT tag FROM \"%w\".\"%w_changes\" WHERE sequence = ?",
      [SB_KEPT_VECTOR] = "SELECT vector FROM \"%w\".\"%w_vectors\" WHERE id = ?",
  };
  sqlite3_stmt **kept = &table->kept[which];
  int code = SQLITE_OK;
  if (!*kept) {
    code = which == SB_KEPT_INSERT_ROW || which == SB_KEPT_UPDATE_ROW
               ? prepare_row(table, which == SB_KEPT_UPDATE_ROW, kept)
               : sb_table_prepare(table, kept, texts[which], table->schema, table->name);
  }
  if (*kept) {
    sqlite3_reset(*kept);
    sqlite3_clear_bindings(*kept);
  }
  *out = *kept;
  return code;
}

void sb_table_forget(sb_table *table) {
  for (int i = 0; i < SB_KEPT_COUNT; i++) {
    sqlite3_finalize(table->kept[i]);
    table->kept[i] = NULL;
  }
}

/* ---- Messages */

static void say(sb_table *table, const char *message) {
  sqlite3_free(table->base.zErrMsg);
  table->base.zErrMsg = sqlite3_mprintf("%s", message);
}

int sb_table_failed(sb_table *table, int code) {
  if (code != SQLITE_OK) say(table, sqlite3_errmsg(table->db));
  return code;
}

int sb_table_refused(sb_table *table, sb_status status, const sb_error *error) {
  if (status == SB_OK) return SQLITE_OK;
  say(table, error->message);
  return sb_sql_code(status);
}

sb_status sb_table_status(sb_table *table, int code, sb_error *error) {
  switch (code & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE: return SB_OK;
  case SQLITE_NOMEM: return sb_fail(error, SB_NO_MEMORY, "out of memory");
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return sb_fail(error, SB_BUSY, "another program is writing to the database; try again");
  case SQLITE_FULL: return sb_fail(error, SB_DISK_FULL, "no space is left where the database is kept");
  case SQLITE_IOERR: return sb_fail(error, SB_IO, "the database's disk failed: %s", sqlite3_errmsg(table->db));
  default: return sb_fail(error, SB_STORE, "the tables of %s are damaged: %s", table->name, sqlite3_errmsg(table->db));
  }
}

sb_status sb_table_vector(const sb_table *table, sqlite3_stmt *statement, int column, const uint8_t **floats,
                          sb_error *error) {
  sb_value value = {0};
  const void *bytes = sqlite3_column_blob(statement, column);
  sb_status status =
      sb_value_read_blob(bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement, column), &value, NULL);
  if (status != SB_OK || value.element != SB_ELEMENT_FLOAT || value.dim != table->declaration.dim)
    return sb_fail(error, SB_STORE, "a vector of %s is damaged; restore a backup, or delete the row", table->name);
  *floats = value.bytes;
  return SB_OK;
}

/* ---- Making and opening */

static int run(sb_table *table, const char *format) {
  sqlite3_stmt *statement = NULL;
  int code = sb_table_prepare(table, &statement, format, table->schema, table->name);
  if (code == SQLITE_OK && sqlite3_step(statement) != SQLITE_DONE) code = SQLITE_ERROR;
  int end = sqlite3_finalize(statement);
  return end != SQLITE_OK ? end : code;
}

static int make_rows(sb_table *table) {
  sqlite3_stmt *statement = NULL;
  sb_buffer columns = {0};
  sb_status status = sb_buffer_addf(&columns, NULL, "id INTEGER PRIMARY KEY");
  for (int i = 0; status == SB_OK && i < table->declaration.columns; i++)
    if (i != table->declaration.vector)
      status = sb_buffer_addf(&columns, NULL, ", c%d %s", i, table->declaration.kinds[i]);
  int code = status != SB_OK ? SQLITE_NOMEM
                             : sb_table_prepare(table, &statement, "CREATE TABLE \"%w\".\"%w_rows\"(%s)", table->schema,
                                                table->name, columns.bytes);
  sb_buffer_free(&columns);
  if (code == SQLITE_OK) sqlite3_step(statement);
  int end = sqlite3_finalize(statement);
  return code == SQLITE_OK ? end : code;
}

static int make_tables(sb_table *table) {
  uint8_t random[(SB_IDENTITY_SIZE - 1) / 2];
  sqlite3_stmt *statement = NULL;
  int code = make_rows(table);
  if (code == SQLITE_OK)
    code = run(table, "CREATE TABLE \"%w\".\"%w_vectors\"(id INTEGER PRIMARY KEY, vector BLOB NOT NULL)");
  if (code == SQLITE_OK)
    code = run(
        table,
        "CREATE TABLE \"%w\".\"%w_changes\"(sequence INTEGER PRIMARY KEY, tag INTEGER NOT NULL, id INTEGER NOT NULL)");
  if (code == SQLITE_OK)
    code = run(table, "CREATE TABLE \"%w\".\"%w_meta\"(key TEXT PRIMARY KEY, value) WITHOUT ROWID");
  if (code != SQLITE_OK) return code;
  sqlite3_randomness(sizeof random, random);
  sb_hex(random, sizeof random, table->identity);
  code = sb_table_prepare(table, &statement, "INSERT INTO \"%w\".\"%w_meta\" VALUES('version', %d), ('identity', %Q)",
                          table->schema, table->name, SB_TABLE_VERSION, table->identity);
  if (code == SQLITE_OK) sqlite3_step(statement);
  int end = sqlite3_finalize(statement);
  return code == SQLITE_OK ? end : code;
}

static sb_status read_meta(sb_table *table, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  sqlite3_int64 version = 0;
  int code =
      sb_table_prepare(table, &statement, "SELECT key, value FROM \"%w\".\"%w_meta\"", table->schema, table->name);
  while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    const char *key = (const char *)sqlite3_column_text(statement, 0);
    if (key && !strcmp(key, "version")) version = sqlite3_column_int64(statement, 1);
    const char *value = (const char *)sqlite3_column_text(statement, 1);
    if (key && value && !strcmp(key, "identity")) snprintf(table->identity, sizeof table->identity, "%s", value);
  }
  sb_status status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  if (status == SB_OK && version > SB_TABLE_VERSION)
    status = sb_fail(error, SB_STORE,
                     "the table %s was made by a newer Semblance (version %lld, this one knows %d); upgrade",
                     table->name, version, SB_TABLE_VERSION);
  if (status == SB_OK && (version < 1 || !*table->identity))
    status = sb_fail(error, SB_STORE, "the tables of %s are damaged: %s_meta is not whole", table->name, table->name);
  return status;
}

static void free_table(sb_table *table) {
  if (!table) return;
  sb_table_forget(table);
  sb_index_cache_release(table->mirror);
  sb_declaration_free(&table->declaration);
  free(table->schema);
  free(table->name);
  free(table);
}

static sb_status new_table(sqlite3 *db, int count, const char *const *arguments, sb_table **out, sb_error *error) {
  sb_table *table = sb_alloc(1, sizeof *table, error);
  if (!table) return SB_NO_MEMORY;
  sb_buffer text = {0};
  table->db = db;
  table->schema = sb_strdup(arguments[1], error);
  table->name = sb_strdup(arguments[2], error);
  sb_status status = table->schema && table->name ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) status = sb_declaration_read(count - 3, arguments + 3, table->name, &table->declaration, error);
  if (status == SB_OK) status = sb_declaration_sql(&table->declaration, table->name, &text, error);
  if (status == SB_OK && sqlite3_declare_vtab(db, text.bytes) != SQLITE_OK)
    status = sb_fail(error, SB_INVALID, "%s", sqlite3_errmsg(db));
  sb_buffer_free(&text);
  if (status == SB_OK)
    *out = table;
  else
    free_table(table);
  return status;
}

static int open_table(sqlite3 *db, bool create, int count, const char *const *arguments, sqlite3_vtab **out,
                      char **message) {
  sb_error error = {0};
  sb_table *table = NULL;
  sb_status status = new_table(db, count, arguments, &table, &error);
  if (status == SB_OK && create) {
    int code = make_tables(table);
    if (code != SQLITE_OK) status = sb_fail(&error, SB_INVALID, "%s", sqlite3_errmsg(db));
  } else if (status == SB_OK) {
    status = read_meta(table, &error);
  }
  if (status == SB_OK) status = sb_index_cache_take(table, &table->mirror, &error);
  if (status != SB_OK) {
    free_table(table);
    *message = sqlite3_mprintf("%s", error.message);
    return sb_sql_code(status);
  }
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  *out = &table->base;
  return SQLITE_OK;
}

static int create(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                  char **message) {
  (void)data;
  return open_table(db, true, count, arguments, out, message);
}

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                   char **message) {
  (void)data;
  return open_table(db, false, count, arguments, out, message);
}

static int disconnect(sqlite3_vtab *base) {
  free_table((sb_table *)base);
  return SQLITE_OK;
}

static const char *const parts[] = {"rows", "vectors", "changes", "meta"};
enum { PARTS = sizeof parts / sizeof *parts };

static int destroy(sqlite3_vtab *base) {
  sb_table *table = (sb_table *)base;
  int code = SQLITE_OK;
  sb_table_forget(table);
  for (int i = 0; code == SQLITE_OK && i < PARTS; i++) {
    sqlite3_stmt *statement = NULL;
    code = sb_table_prepare(table, &statement, "DROP TABLE IF EXISTS \"%w\".\"%w_%s\"", table->schema, table->name,
                            parts[i]);
    if (code == SQLITE_OK) sqlite3_step(statement);
    int end = sqlite3_finalize(statement);
    if (code == SQLITE_OK) code = end;
  }
  if (code != SQLITE_OK) return sb_table_failed(table, code);
  free_table(table);
  return SQLITE_OK;
}

static int rename_table(sqlite3_vtab *base, const char *name) {
  sb_table *table = (sb_table *)base;
  int code = SQLITE_OK;
  sb_table_forget(table);
  for (int i = 0; code == SQLITE_OK && i < PARTS; i++) {
    sqlite3_stmt *statement = NULL;
    code = sb_table_prepare(table, &statement, "ALTER TABLE \"%w\".\"%w_%s\" RENAME TO \"%w_%s\"", table->schema,
                            table->name, parts[i], name, parts[i]);
    if (code == SQLITE_OK) sqlite3_step(statement);
    int end = sqlite3_finalize(statement);
    if (code == SQLITE_OK) code = end;
  }
  if (code != SQLITE_OK) return sb_table_failed(table, code);
  char *copy = sb_strdup(name, NULL);
  if (!copy) return SQLITE_NOMEM;
  free(table->name);
  table->name = copy;
  return SQLITE_OK;
}

static int is_shadow(const char *part) {
  for (int i = 0; i < PARTS; i++)
    if (!sqlite3_stricmp(part, parts[i])) return 1;
  return 0;
}

/* WHERE semblance_nearest_cosine(v, ?) reaches best_index as an operator of this number and more. */
static int find_function(sqlite3_vtab *base, int count, const char *name,
                         void (**function)(sqlite3_context *, int, sqlite3_value **), void **data) {
  (void)base, (void)function, (void)data;
  for (int i = 0; count == 2 && i < 3; i++)
    if (!sqlite3_stricmp(name, sb_database_search_functions[i])) return SQLITE_INDEX_CONSTRAINT_FUNCTION + i;
  return 0;
}

static int integrity(sqlite3_vtab *base, const char *schema, const char *name, int flags, char **message) {
  sb_error error = {0};
  (void)schema, (void)name, (void)flags;
  if (sb_table_check((sb_table *)base, &error) != SB_OK) *message = sqlite3_mprintf("%s", error.message);
  return SQLITE_OK;
}

#if SQLITE_VERSION_NUMBER >= 3044000
typedef sqlite3_module full_module;
#else
/* SQLite's headers of before 3.44 lack the last member, which newer libraries call: the same layout, by hand. */
typedef struct full_module {
  sqlite3_module base;
  int (*xIntegrity)(sqlite3_vtab *, const char *, const char *, int, char **);
} full_module;
#endif

int sb_sql_register_table(sqlite3 *db) {
  static const full_module module = {
#if SQLITE_VERSION_NUMBER < 3044000
    .base =
        {
#endif
            .iVersion = 4,
            .xCreate = create,
            .xConnect = connect,
            .xBestIndex = sb_table_best_index,
            .xDisconnect = disconnect,
            .xDestroy = destroy,
            .xOpen = sb_table_open,
            .xClose = sb_table_close,
            .xFilter = sb_table_filter,
            .xNext = sb_table_next,
            .xEof = sb_table_eof,
            .xColumn = sb_table_column,
            .xRowid = sb_table_rowid,
            .xUpdate = sb_table_update,
            .xFindFunction = find_function,
            .xRename = rename_table,
            .xShadowName = is_shadow,
#if SQLITE_VERSION_NUMBER < 3044000
        },
#endif
    .xIntegrity = integrity,
  };
  return sqlite3_create_module_v2(db, "semblance", (const sqlite3_module *)&module, NULL, NULL);
}

int sb_sql_register(sqlite3 *db) {
  if (sqlite3_libversion_number() < SB_SQLITE_LEAST) return SQLITE_ERROR;
  int code = sb_sql_register_functions(db);
  return code == SQLITE_OK ? sb_sql_register_table(db) : code;
}
