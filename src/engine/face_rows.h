/* Verbs for the SQL table over a gallery (src/sql/gallery): stored faces and their people by their rows in the
 * database.
 *
 * A caller gets a collection's row from sb_engine_collection, which checks that this thread's actor may use it. Any
 * thread. SB_STOPPING once sb_engine_free has begun. */
#ifndef SB_ENGINE_FACE_ROWS_H
#define SB_ENGINE_FACE_ROWS_H

#include "base/base.h"
#include "store/store_types.h"

/* Faces in ascending order, without unsealing anything. `out` has room for `query->limit`. */
sb_status sb_engine_face_rows(sb_engine *engine, const sb_store_face_query *query, sb_store_face_row *out,
                              size_t *count, sb_error *error);
/* A face's template as the model made it, of unit length; `out` has room for `dim` floats, which the caller wipes.
 * SB_NOT_FOUND. SB_STORE: it is damaged, or the collection has another dimension. */
sb_status sb_engine_face_template(sb_engine *engine, int64_t face, size_t dim, float *out, sb_error *error);
/* The id of the person whose face it is, released by free(). SB_NOT_FOUND. */
sb_status sb_engine_face_owner(sb_engine *engine, int64_t collection, int64_t face, char **id, sb_error *error);
/* A person as an sb_people of one. SB_NOT_FOUND. */
sb_status sb_engine_person_by_row(sb_engine *engine, int64_t person, sb_people **out, sb_error *error);
/* A person's row by id. SB_NOT_FOUND. */
sb_status sb_engine_person_row(sb_engine *engine, int64_t collection, const char *id, int64_t *row, sb_error *error);

#endif
