/* SQL functions that only a session has: NOW(), EMBEDDING(), casts, and sum and avg of vectors. */
#ifndef SB_SQL_SESSION_FUNCTIONS_H
#define SB_SQL_SESSION_FUNCTIONS_H

#include "engine/engine.h"
#include "sql/sqlite.h"

/* What EMBEDDING() needs; borrowed until the connection is closed. */
typedef struct sb_sql_embedder {
  sb_engine *engine; /* NULL: EMBEDDING() is refused */
  const char *model; /* of the collection; "": the engine's own */
} sb_sql_embedder;

/* Returns SQLite's code. */
int sb_sql_register_session_functions(sqlite3 *db, sb_sql_embedder *embedder);
/* The vector of the one face in a photo, as a tagged blob that the caller frees with free(). `model` NULL or "": the
 * engine's own. SB_NO_FACE, SB_SEVERAL_FACES, the photo errors, SB_NOT_FOUND (no such model), SB_MODEL, SB_BUSY. */
sb_status sb_sql_embed_photo(sb_engine *engine, sb_photo photo, const char *model, uint8_t **blob, size_t *size,
                             sb_error *error);

#endif
