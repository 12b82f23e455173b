/* The gallery's part in a session. */
#ifndef SB_SQL_SESSION_H
#define SB_SQL_SESSION_H

#include "base/base.h"
#include "sql/sqlite.h"

/* Makes dc_facialmatching.FacialData and main.faces, both the collection's templates; without `write` they refuse changes.
 * `model` gets the name of the collection's, "" while it has none. SB_NOT_FOUND (collection). */
sb_status sb_sql_attach_gallery(sqlite3 *db, sb_engine *engine, const char *collection, bool write, char model[64],
                                sb_error *error);

#endif
