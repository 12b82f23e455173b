/* The gallery's tables in a session. */
#ifndef SB_SQL_GALLERY_MODULE_H
#define SB_SQL_GALLERY_MODULE_H

#include "base/base.h"
#include "sql/sqlite.h"

#define SB_SQL_GALLERY_SCHEMA "dc_facialmatching"

/* Creates dc_facialmatching.FacialData and main.faces over the faces of a collection (NULL: default). Without `write`
 * both refuse changes. `model` gets the name of the model that the collection was made with, "" while it has none.
 * `engine` is borrowed until the connection is closed. SB_NOT_FOUND: there is no such collection. */
sb_status sb_sql_gallery_attach(sqlite3 *db, sb_engine *engine, const char *collection, bool write, char model[64],
                                sb_error *error);

#endif
