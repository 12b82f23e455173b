#include "sql/gallery/module.h"

#include "sql/gallery/gallery_table.h"

#include <stdlib.h>
#include <string.h>

typedef struct module {
  sb_engine *engine;
  char *collection;
  bool write;
} module;

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                   char **message) {
  const module *m = data;
  bool article = count > 3 && !strcmp(arguments[3], "article");
  int code = sqlite3_declare_vtab(
      db, article ? "CREATE TABLE x(SSN TEXT, Name TEXT, Age INTEGER, Gender TEXT, Ethnicity TEXT, FaceVector, "
                    "distance REAL HIDDEN, similarity REAL HIDDEN, k INTEGER HIDDEN, \"" SB_SQL_RANK_COLUMN
                    "\" INTEGER HIDDEN)"
                  : "CREATE TABLE x(id TEXT, name TEXT, age INTEGER, gender TEXT, ethnicity TEXT, vector, "
                    "distance REAL HIDDEN, similarity REAL HIDDEN, k INTEGER HIDDEN, \"" SB_SQL_RANK_COLUMN
                    "\" INTEGER HIDDEN)");
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
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  *out = &table->base;
  return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  sb_sql_gallery_discard(base);
  free(table->marks);
  free(table);
  return SQLITE_OK;
}

static int begin(sqlite3_vtab *base) {
  return sb_sql_gallery_discard(base);
}

static int find_function(sqlite3_vtab *base, int count, const char *name,
                         void (**function)(sqlite3_context *, int, sqlite3_value **), void **data) {
  (void)base, (void)function, (void)data;
  int metric = count == 2 ? sb_sql_nearest_metric(name) : -1;
  return metric < 0 ? 0 : SQLITE_INDEX_CONSTRAINT_FUNCTION + metric;
}

static int stay(sqlite3_vtab *base, const char *name) {
  (void)name;
  base->zErrMsg = sqlite3_mprintf("the gallery's table keeps its name");
  return SQLITE_ERROR;
}

static const sqlite3_module faces_module = {
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
    .xBegin = begin,
    .xSync = sb_sql_gallery_sync,
    .xCommit = sb_sql_gallery_discard,
    .xRollback = sb_sql_gallery_discard,
    .xFindFunction = find_function,
    .xRename = stay,
    .xSavepoint = sb_sql_gallery_savepoint,
    .xRelease = sb_sql_gallery_release,
    .xRollbackTo = sb_sql_gallery_rollback_to,
};

static void module_free(void *data) {
  module *m = data;
  free(m->collection);
  free(m);
}

sb_status sb_sql_gallery_attach(sqlite3 *db, sb_engine *engine, const char *collection, bool write, char model[64],
                                sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_engine_collection(engine, collection, false, &shelf, error);
  if (status != SB_OK) return status;
  memcpy(model, shelf.info.model, sizeof shelf.info.model);
  module *m = sb_alloc(1, sizeof *m, error);
  if (!m || !(m->collection = sb_strdup(collection ? collection : SB_DEFAULT_COLLECTION, error))) {
    free(m);
    return SB_NO_MEMORY;
  }
  m->engine = engine;
  m->write = write;
  int code =
      sqlite3_create_module_v2(db, "semblance_gallery", &faces_module, m, module_free); /* frees m, whatever comes */
  if (code == SQLITE_OK)
    code = sqlite3_exec(db,
                        "ATTACH ':memory:' AS dc_facialmatching;"
                        "CREATE VIRTUAL TABLE dc_facialmatching.FacialData USING semblance_gallery(article);"
                        "CREATE VIRTUAL TABLE main.faces USING semblance_gallery(plain)",
                        NULL, NULL, NULL);
  return code == SQLITE_OK ? SB_OK
                           : sb_fail(error, SB_INTERNAL, "the gallery's tables cannot be made: %s", sqlite3_errmsg(db));
}
