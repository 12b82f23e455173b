/* The entry point of semblance.so, which other programs load with sqlite3_load_extension().
 *
 * The extension has the vector functions and the table kind `semblance`. It links neither the engine nor the store,
 * so it can open no gallery and holds no key. */
#include "sql/register.h"

SB_API int sqlite3_semblance_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

int sqlite3_semblance_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  int code = sb_sql_register(db);
  /* The library must stay loaded: a thread may still be training the quantizer of an index. */
  if (code == SQLITE_OK) return SQLITE_OK_LOAD_PERMANENTLY;
  if (sqlite3_libversion_number() < SB_SQL_SQLITE_MIN)
    *message = sqlite3_mprintf("semblance needs SQLite 3.38 or newer; this is SQLite %s", sqlite3_libversion());
  return code;
}
