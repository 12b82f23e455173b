/* The sqlite3_module of the gallery's tables. This file is the top of the folder: plan.c, cursor.c and write.c know
 * gallery_table.h, not this one. */
#include "sql/gallery/module.h"

#include "sql/error.h"
#include "sql/gallery/gallery_table.h"
#include "sql/gallery/methods.h"
#include "sql/vectors/functions.h"
#include "sql/vectors/metric.h"

#include <stdlib.h>
#include <string.h>

/* What both tables share; SQLite frees it with the connection. */
typedef struct module {
  sb_engine *engine;
  char *collection;
  bool write;
} module;

static void free_module(void *data) {
  module *m = data;
  free(m->collection);
  free(m);
}

/* ---- Connecting */

#define HIDDEN_COLUMNS \
  ", distance REAL HIDDEN, similarity REAL HIDDEN, k INTEGER HIDDEN, \"" SB_SQL_RANK_COLUMN "\" INTEGER HIDDEN)"

/* The two tables differ only in their names and those of their columns. */
static const struct {
  const char *name, *vector_name, *declaration;
} article = {"FacialData", "FaceVector",
             "CREATE TABLE x(SSN TEXT, Name TEXT, Age INTEGER, Gender TEXT, Ethnicity TEXT, FaceVector" HIDDEN_COLUMNS},
  plain = {"faces", "vector",
           "CREATE TABLE x(id TEXT, name TEXT, age INTEGER, gender TEXT, ethnicity TEXT, vector" HIDDEN_COLUMNS};

/* arguments[3] is "article" or "plain", as sb_sql_gallery_attach writes it. */
static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                   char **message) {
  const module *m = data;
  bool is_article = count > 3 && !strcmp(arguments[3], "article");
  int code = sqlite3_declare_vtab(db, is_article ? article.declaration : plain.declaration);
  if (code != SQLITE_OK) {
    *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return code;
  }
  sb_sql_gallery_table *table = sb_alloc(1, sizeof *table, NULL);
  if (!table) return SQLITE_NOMEM;
  table->db = db;
  table->engine = m->engine;
  table->collection = m->collection;
  table->write = m->write;
  table->name = is_article ? article.name : plain.name;
  table->vector_name = is_article ? article.vector_name : plain.vector_name;
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  *out = &table->base;
  return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  sb_sql_pending_clear(&table->pending);
  free(table);
  return SQLITE_OK;
}

static int rename_table(sqlite3_vtab *base, const char *name) {
  (void)name;
  base->zErrMsg = sqlite3_mprintf("the gallery's tables cannot be renamed");
  return SQLITE_ERROR;
}

/* ---- Transactions */

/* xBegin, xCommit and xRollback: nothing is pending before the first change, nor after the end. */
static int clear_pending(sqlite3_vtab *base) {
  sb_sql_pending_clear(&((sb_sql_gallery_table *)base)->pending);
  return SQLITE_OK;
}

static int savepoint(sqlite3_vtab *base, int number) {
  sb_error error = {0};
  sb_status status = sb_sql_pending_mark(&((sb_sql_gallery_table *)base)->pending, number, &error);
  return sb_sql_vtab_error(base, status, &error);
}

static int release(sqlite3_vtab *base, int number) {
  sb_sql_pending_release(&((sb_sql_gallery_table *)base)->pending, number);
  return SQLITE_OK;
}

static int rollback_to(sqlite3_vtab *base, int number) {
  sb_sql_pending_rollback(&((sb_sql_gallery_table *)base)->pending, number);
  return SQLITE_OK;
}

/* ---- The module */

static const sqlite3_module gallery_module = {
    .iVersion = 2,
    .xCreate = connect,
    .xConnect = connect,
    .xBestIndex = sb_sql_gallery_best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = sb_sql_gallery_open,
    .xClose = sb_sql_gallery_close,
    .xFilter = sb_sql_gallery_filter,
    .xNext = sb_sql_gallery_next,
    .xEof = sb_sql_gallery_eof,
    .xColumn = sb_sql_gallery_column,
    .xRowid = sb_sql_gallery_rowid,
    .xUpdate = sb_sql_gallery_update,
    .xBegin = clear_pending,
    .xSync = sb_sql_gallery_sync,
    .xCommit = clear_pending,
    .xRollback = clear_pending,
    .xFindFunction = sb_sql_find_function,
    .xRename = rename_table,
    .xSavepoint = savepoint,
    .xRelease = release,
    .xRollbackTo = rollback_to,
};

static module *new_module(sb_engine *engine, const char *collection, bool write, sb_error *error) {
  module *m = sb_alloc(1, sizeof *m, error);
  if (!m) return NULL;
  m->engine = engine;
  m->write = write;
  m->collection = sb_strdup(collection ? collection : SB_DEFAULT_COLLECTION, error);
  if (m->collection) return m;
  free(m);
  return NULL;
}

sb_status sb_sql_gallery_attach(sqlite3 *db, sb_engine *engine, const char *collection, bool write, char model[64],
                                sb_error *error) {
  static const char create[] =
      "ATTACH ':memory:' AS " SB_SQL_GALLERY_SCHEMA ";"
      "CREATE VIRTUAL TABLE " SB_SQL_GALLERY_SCHEMA ".FacialData USING semblance_gallery(article);"
      "CREATE VIRTUAL TABLE main.faces USING semblance_gallery(plain)";
  sb_store_collection found;
  sb_status status = sb_engine_collection(engine, collection, false, &found, error);
  if (status != SB_OK) return status;
  memcpy(model, found.info.model, sizeof found.info.model);
  module *m = new_module(engine, collection, write, error);
  if (!m) return SB_NO_MEMORY;
  /* SQLite frees `m` even when this fails. */
  int code = sqlite3_create_module_v2(db, "semblance_gallery", &gallery_module, m, free_module);
  if (code == SQLITE_OK) code = sqlite3_exec(db, create, NULL, NULL, NULL);
  if (code == SQLITE_OK) return SB_OK;
  return sb_fail(error, SB_INTERNAL, "the gallery's tables cannot be created: %s", sqlite3_errmsg(db));
}
