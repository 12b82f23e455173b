/* EMBEDDING() makes vectors of photos. IRIS's function of that name makes them of texts, by a model of texts, which
 * this program does not have. */
#include "sql/session_functions.h"

#include "sql/error.h"
#include "sql/session_casts.h"
#include "sql/vectors/aggregates.h"
#include "sql/vectors/value.h"

#include <stdlib.h>
#include <time.h>

/* The one face's embedding as a tagged blob. */
static sb_status blob_of_face(const sb_faces *faces, uint8_t **blob, size_t *size, sb_error *error) {
  if (!faces->count) return sb_engine_fail_no_face(NULL, error);
  if (faces->count > 1)
    return sb_fail(error, SB_SEVERAL_FACES, "%zu faces are in the photo; use one with a single person", faces->count);
  *blob = sb_sql_value_blob_of_floats(faces->items[0].embedding, faces->dim, size, error);
  return *blob ? SB_OK : SB_NO_MEMORY;
}

sb_status sb_sql_embed_photo(sb_engine *engine, sb_photo photo, const char *model, uint8_t **blob, size_t *size,
                             sb_error *error) {
  sb_faces *faces = NULL;
  sb_find_request request = {.struct_size = sizeof request,
                             .photo = photo,
                             .want = SB_WANT_EMBEDDING,
                             .model = model && *model ? model : NULL};
  sb_status status = sb_engine_find_faces(engine, &request, &faces, error);
  if (status == SB_OK) status = blob_of_face(faces, blob, size, error);
  sb_faces_free(faces);
  return status;
}

/* ---- EMBEDDING(photo [, model]) */

static sb_status embed(const sb_sql_embedder *embedder, int count, sqlite3_value **arguments, uint8_t **blob,
                       size_t *size, sb_error *error) {
  if (sqlite3_value_type(arguments[0]) != SQLITE_BLOB)
    return sb_fail(
        error, SB_INVALID,
        "EMBEDDING makes a vector of a photo of a face: give the photo's bytes, or --param NAME=@FILE; there "
        "is no model for texts");
  if (!embedder->engine)
    return sb_fail(error, SB_INVALID, "EMBEDDING needs the models of a gallery; this session was opened without one");
  const char *model = count > 1 ? (const char *)sqlite3_value_text(arguments[1]) : embedder->model;
  sb_photo photo = {sqlite3_value_blob(arguments[0]), (size_t)sqlite3_value_bytes(arguments[0])};
  return sb_sql_embed_photo(embedder->engine, photo, model, blob, size, error);
}

/* Whether it is a vector already, as --param NAME=@FILE gives it. */
static bool is_vector(sqlite3_value *argument) {
  sb_sql_value value = {0};
  const void *bytes = sqlite3_value_blob(argument);
  size_t size = (size_t)sqlite3_value_bytes(argument);
  return sqlite3_value_type(argument) == SQLITE_BLOB && bytes &&
         sb_sql_value_read_blob(bytes, size, &value, NULL) == SB_OK && value.element != SB_SQL_ELEMENT_NONE;
}

static void embedding(sqlite3_context *context, int count, sqlite3_value **arguments) {
  uint8_t *blob = NULL;
  size_t size = 0;
  sb_error error = {0};
  if (count < 1 || count > 2) {
    sqlite3_result_error(context, "EMBEDDING takes one or two arguments: EMBEDDING(photo [, model])", -1);
    return;
  }
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  if (is_vector(arguments[0])) {
    sqlite3_result_value(context, arguments[0]);
    return;
  }
  sb_status status = embed(sqlite3_user_data(context), count, arguments, &blob, &size, &error);
  if (status == SB_OK)
    sqlite3_result_blob64(context, blob, size, free);
  else
    sb_sql_function_error(context, status, &error);
}

/* ---- NOW() */

static void now(sqlite3_context *context, int count, sqlite3_value **arguments) {
  char text[32];
  struct tm local;
  time_t seconds = time(NULL);
  (void)count, (void)arguments;
  if (localtime_r(&seconds, &local) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local))
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

int sb_sql_register_session_functions(sqlite3 *db, sb_sql_embedder *embedder) {
  int code = sqlite3_create_function_v2(db, "embedding", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                        embedder, embedding, NULL, NULL, NULL);
  if (code == SQLITE_OK) code = sb_sql_register_casts(db);
  if (code == SQLITE_OK) code = sb_sql_replace_sum(db);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_function_v2(db, "now", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, NULL, now, NULL, NULL, NULL);
}
