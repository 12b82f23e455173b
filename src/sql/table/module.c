/* The sqlite3_module of the table kind `semblance`: creating, opening, renaming and dropping tables. This file is
 * the top of the folder. The other methods are in plan.c, cursor.c and write.c; those files know table.h and what
 * lies below it, not this one. */
#include "sql/table/module.h"

#include "sql/table/check.h"
#include "sql/table/index_cache.h"
#include "sql/table/methods.h"
#include "sql/table/shadow_tables.h"
#include "sql/vectors/functions.h"

#include <stdlib.h>

/* ---- Creating and opening */

static void free_table(sb_sql_table *table) {
  if (!table) return;
  sb_sql_table_finalize(table);
  for (int i = 0; i < table->declaration.vector_count; i++) {
    sb_sql_index_cache_release(table->sets[i].cache);
    free(table->sets[i].scratch);
  }
  sb_sql_table_declaration_free(&table->declaration);
  free(table->schema);
  free(table->name);
  free(table);
}

/* Reads the declaration and tells SQLite the columns. */
static sb_status declare(sb_sql_table *table, int count, const char *const *arguments, sb_error *error) {
  sb_buffer text = {0};
  sb_status status = sb_sql_table_declaration_read(count, arguments, table->name, &table->declaration, error);
  if (status != SB_OK) return status;
  status = sb_sql_table_declaration_sql(&table->declaration, table->name, &text, error);
  if (status == SB_OK && sqlite3_declare_vtab(table->db, text.bytes) != SQLITE_OK)
    status = sb_fail(error, SB_INVALID, "%s", sqlite3_errmsg(table->db));
  sb_buffer_free(&text);
  return status;
}

static sb_status open_sets(sb_sql_table *table, sb_error *error) {
  for (int i = 0; i < table->declaration.vector_count; i++) {
    sb_sql_vector_set *set = &table->sets[i];
    set->table = table;
    set->column = &table->declaration.vectors[i];
    set->number = i;
    sb_sql_shadow_tables_suffix(i, set->suffix);
    set->scratch = sb_alloc(set->column->dim, sizeof *set->scratch, error);
    if (!set->scratch) return SB_NO_MEMORY;
  }
  return SB_OK;
}

static sb_status acquire_indexes(sb_sql_table *table, sb_error *error) {
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < table->declaration.vector_count; i++)
    status = sb_sql_index_cache_acquire(&table->sets[i], &table->sets[i].cache, error);
  return status;
}

static sb_status prepare_shadow_tables(sb_sql_table *table, bool create, sb_error *error) {
  if (!create) return sb_sql_shadow_tables_open(table, error);
  return sb_sql_table_status(table, sb_sql_shadow_tables_create(table), error);
}

/* SQLite's arguments: the module's name, the schema, the table, then what stands between the parentheses. */
static sb_status open_table(sb_sql_table *table, bool create, int count, const char *const *arguments,
                            sb_error *error) {
  table->schema = sb_strdup(arguments[1], error);
  table->name = sb_strdup(arguments[2], error);
  if (!table->schema || !table->name) return SB_NO_MEMORY;
  sb_status status = declare(table, count - 3, arguments + 3, error);
  if (status == SB_OK) status = open_sets(table, error);
  if (status == SB_OK) status = prepare_shadow_tables(table, create, error);
  return status == SB_OK ? acquire_indexes(table, error) : status;
}

static int open_or_create(sqlite3 *db, bool create, int count, const char *const *arguments, sqlite3_vtab **out,
                          char **message) {
  sb_error error = {0};
  sb_sql_table *table = sb_alloc(1, sizeof *table, NULL);
  if (!table) return SQLITE_NOMEM;
  table->db = db;
  sb_status status = open_table(table, create, count, arguments, &error);
  if (status != SB_OK) {
    int code = sb_sql_table_fail(table, status, &error);
    *message = table->base.zErrMsg;
    free_table(table);
    return code;
  }
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  *out = &table->base;
  return SQLITE_OK;
}

static int create(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                  char **message) {
  (void)data;
  return open_or_create(db, true, count, arguments, out, message);
}

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                   char **message) {
  (void)data;
  return open_or_create(db, false, count, arguments, out, message);
}

/* ---- Closing, dropping, renaming */

static int disconnect(sqlite3_vtab *base) {
  free_table((sb_sql_table *)base);
  return SQLITE_OK;
}

static int destroy(sqlite3_vtab *base) {
  sb_sql_table *table = (sb_sql_table *)base;
  sb_sql_table_finalize(table); /* an open statement would keep its table from being dropped */
  int code = sb_sql_shadow_tables_drop(table);
  if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table, code);
  free_table(table);
  return SQLITE_OK;
}

static int rename_table(sqlite3_vtab *base, const char *name) {
  sb_sql_table *table = (sb_sql_table *)base;
  sb_sql_table_finalize(table); /* the statements have the old name */
  int code = sb_sql_shadow_tables_rename(table, name);
  if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table, code);
  char *copy = sb_strdup(name, NULL);
  if (!copy) return SQLITE_NOMEM;
  free(table->name);
  table->name = copy;
  return SQLITE_OK;
}

static int shadow_name(const char *suffix) {
  return sb_sql_shadow_tables_has(suffix);
}

/* ---- The rest */

static int integrity(sqlite3_vtab *base, const char *schema, const char *name, int flags, char **message) {
  sb_sql_table *table = (sb_sql_table *)base;
  sb_error error = {0};
  (void)schema, (void)name, (void)flags;
  sb_status status = sb_sql_table_check(table, &error);
  /* Only damage is a finding; a lock or an interrupt is an error of the check itself. */
  if (status != SB_STORE || (table->failed != SQLITE_OK && (table->failed & 0xff) != SQLITE_CORRUPT))
    return sb_sql_table_fail(table, status, &error);
  table->failed = SQLITE_OK;
  *message = sqlite3_mprintf("%s", error.message);
  return SQLITE_OK;
}

#if SQLITE_VERSION_NUMBER >= 3044000
typedef sqlite3_module full_module;
#else
/* The headers of SQLite before 3.44 lack the last member, xIntegrity, which newer libraries call. This has the same
 * layout. */
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
            .xBestIndex = sb_sql_table_best_index,
            .xDisconnect = disconnect,
            .xDestroy = destroy,
            .xOpen = sb_sql_table_open,
            .xClose = sb_sql_table_close,
            .xFilter = sb_sql_table_filter,
            .xNext = sb_sql_table_next,
            .xEof = sb_sql_table_eof,
            .xColumn = sb_sql_table_column,
            .xRowid = sb_sql_table_rowid,
            .xUpdate = sb_sql_table_update,
            .xFindFunction = sb_sql_find_function,
            .xRename = rename_table,
            .xShadowName = shadow_name,
#if SQLITE_VERSION_NUMBER < 3044000
        },
#endif
    .xIntegrity = integrity,
  };
  return sqlite3_create_module_v2(db, "semblance", (const sqlite3_module *)&module, NULL, NULL);
}
