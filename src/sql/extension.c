/* semblance.so: what another program loads with sqlite3_load_extension. It knows nothing of galleries and their keys. */
#define SB_SQL_EXTENSION_MAIN
#include "sql/parts.h"

SQLITE_EXTENSION_INIT1

SB_API int sqlite3_semblance_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

int sqlite3_semblance_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  int code = sb_sql_register(db);
  if (code == SQLITE_OK)
    return SQLITE_OK_LOAD_PERMANENTLY; /* an index may be learning in a thread: the code must stay */
  if (sqlite3_libversion_number() < SB_SQLITE_LEAST)
    *message = sqlite3_mprintf("semblance needs SQLite 3.38 or newer, this is %s", sqlite3_libversion());
  return code;
}
