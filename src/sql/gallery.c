#include "sql/gallery.h"

#include "sql/session.h"

#include <stdlib.h>
#include <string.h>

typedef struct module {
  sb_engine *engine;
  char *collection;
  bool write;
} module;

int sb_faces_refused(sb_faces_table *table, sb_status status, const sb_error *error) {
  if (status == SB_OK) return SQLITE_OK;
  sqlite3_free(table->base.zErrMsg);
  table->base.zErrMsg = sqlite3_mprintf("%s", error->message);
  return sb_sql_code(status);
}

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **out,
                   char **message) {
  const module *m = data;
  bool article = count > 3 && !strcmp(arguments[3], "article");
  int code = sqlite3_declare_vtab(
      db, article ? "CREATE TABLE x(SSN TEXT, Name TEXT, Age INTEGER, Gender TEXT, Ethnicity TEXT, FaceVector, "
                    "distance REAL HIDDEN, similarity REAL HIDDEN, k INTEGER HIDDEN, \"" SB_RANK_COLUMN
                    "\" INTEGER HIDDEN)"
                  : "CREATE TABLE x(id TEXT, name TEXT, age INTEGER, gender TEXT, ethnicity TEXT, vector, "
                    "distance REAL HIDDEN, similarity REAL HIDDEN, k INTEGER HIDDEN, \"" SB_RANK_COLUMN
                    "\" INTEGER HIDDEN)");
  if (code != SQLITE_OK) {
    *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return code;
  }
  sb_faces_table *table = sb_alloc(1, sizeof *table, NULL);
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
  sb_faces_table *table = (sb_faces_table *)base;
  sb_faces_done(base);
  free(table->marks);
  free(table);
  return SQLITE_OK;
}

static int begin(sqlite3_vtab *base) {
  return sb_faces_done(base);
}

static int find_function(sqlite3_vtab *base, int count, const char *name,
                         void (**function)(sqlite3_context *, int, sqlite3_value **), void **data) {
  (void)base, (void)function, (void)data;
  for (int i = 0; count == 2 && i < 3; i++)
    if (!sqlite3_stricmp(name, sb_database_search_functions[i])) return SQLITE_INDEX_CONSTRAINT_FUNCTION + i;
  return 0;
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
    .xBestIndex = sb_faces_best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = sb_faces_open,
    .xClose = sb_faces_close,
    .xFilter = sb_faces_filter,
    .xNext = sb_faces_next,
    .xEof = sb_faces_eof,
    .xColumn = sb_faces_column,
    .xRowid = sb_faces_rowid,
    .xUpdate = sb_faces_update,
    .xBegin = begin,
    .xSync = sb_faces_sync,
    .xCommit = sb_faces_done,
    .xRollback = sb_faces_done,
    .xFindFunction = find_function,
    .xRename = stay,
    .xSavepoint = sb_faces_savepoint,
    .xRelease = sb_faces_release,
    .xRollbackTo = sb_faces_rollback_to,
};

static void module_free(void *data) {
  module *m = data;
  free(m->collection);
  free(m);
}

sb_status sb_sql_attach_gallery(sqlite3 *db, sb_engine *engine, const char *collection, bool write, char model[64],
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
