/* Densities of stored faces (store_types.h): setting and reading them, finding those to be measured again, and
 * the constants under which they were measured.
 *
 * They are measured in the background (engine/) while others enroll and search. So a batch is one short transaction,
 * and a face that was removed since it was found is passed over. */
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/gallery/counts.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)SB_DENSITY_UPDATES_MAX <= (int)SB_CHANGE_ROWS_MAX, "a batch is appended to the change log at once");

/* Appends a number to a text as driver->id_list_sql reads it. */
static sb_status add_row(sb_buffer *rows, int64_t row, sb_error *error) {
  return sb_buffer_addf(rows, error, rows->size ? ",%lld" : "%lld", (long long)row);
}

/* ---- Setting */

/* The faces of a batch that still exist. */
typedef struct found_faces {
  struct {
    int64_t face, person;
  } items[SB_DENSITY_UPDATES_MAX];
  size_t count;
} found_faces;

static sb_status find_faces(sb_store *store, int64_t collection, const char *rows, found_faces *out, sb_error *error) {
  char sql[192];
  snprintf(sql, sizeof sql, "SELECT id, person FROM face WHERE collection = ?2 AND id IN (%s)",
           store->driver->id_list_sql);
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_text(&s, 1, rows);
  sb_statement_bind_int(&s, 2, collection);
  for (out->count = 0; out->count < SB_DENSITY_UPDATES_MAX && sb_statement_step(&s); out->count++) {
    out->items[out->count].face = sb_statement_column_int(&s, 0);
    out->items[out->count].person = sb_statement_column_int(&s, 1);
  }
  return sb_statement_end(&s);
}

/* The person says on which machine the face lies, where Citus distributes the table. */
static sb_status update_face(sb_store *store, const sb_density_face *of, int64_t person, const sb_density *density,
                             sb_error *error) {
  sb_statement s =
      sb_statement_new(store, "UPDATE face SET density = ?1, density_people = ?2 WHERE id = ?3 AND person = ?4", error);
  sb_statement_bind_density(&s, 1, of, density);
  sb_statement_bind_int(&s, 3, of->face);
  sb_statement_bind_int(&s, 4, person);
  s.pipelined = true;
  return sb_statement_run(&s);
}

static int64_t person_of(const found_faces *found, int64_t face) {
  for (size_t i = 0; i < found->count; i++)
    if (found->items[i].face == face) return found->items[i].person;
  return 0;
}

static sb_status set_found(sb_store *store, int64_t collection, const sb_density_update *updates, size_t count,
                           const found_faces *found, sb_error *error) {
  for (size_t i = 0; i < count; i++) {
    const sb_density_face of = {collection, updates[i].face};
    int64_t person = person_of(found, of.face);
    sb_status status = person ? update_face(store, &of, person, &updates[i].density, error) : SB_OK;
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status set_some(sb_store *store, int64_t collection, const sb_density_update *updates, size_t count,
                          const char *rows, sb_error *error) {
  found_faces found;
  sb_status status = find_faces(store, collection, rows, &found, error);
  if (status != SB_OK || !found.count) return status;
  status = set_found(store, collection, updates, count, &found, error);
  if (status != SB_OK) return status;
  sb_store_adjust_counts(store, collection, 0, 0);
  return sb_store_change_append_puts(store, collection, rows, error);
}

static sb_status check_updates(const sb_density_update *updates, size_t count, sb_buffer *rows, sb_error *error) {
  if (count > SB_DENSITY_UPDATES_MAX)
    return sb_fail(error, SB_INVALID, "at most %d densities are set at once", SB_DENSITY_UPDATES_MAX);
  for (size_t i = 0; i < count; i++) {
    sb_status status = sb_density_check(&updates[i].density, error);
    if (status == SB_OK) status = add_row(rows, updates[i].face, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status set_batch(sb_store *store, int64_t collection, const sb_density_update *updates, size_t count,
                           const char *rows, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, set_some(store, collection, updates, count, rows, error), error);
}

sb_status sb_store_densities_set(sb_store *store, int64_t collection, const sb_density_update *updates, size_t count,
                                 sb_error *error) {
  sb_buffer rows = {0};
  sb_status status = check_updates(updates, count, &rows, error);
  if (status == SB_OK && count) status = set_batch(store, collection, updates, count, rows.bytes, error);
  sb_buffer_free(&rows);
  return status;
}

/* ---- Finding those to be measured again */

/* Looks at `*left` faces at most. `*after` moves on to the last face that was looked at. */
static sb_status find_stale(sb_store *store, const sb_density_query *q, int64_t *after, int *left, int64_t *faces,
                            size_t *count, sb_error *error) {
  sb_statement s = sb_statement_new(
      store, "SELECT id, density_people FROM face WHERE collection = ? AND id > ? ORDER BY id LIMIT ?", error);
  sb_statement_bind_int(&s, 1, q->collection);
  sb_statement_bind_int(&s, 2, *after);
  sb_statement_bind_int(&s, 3, *left);
  while (*count < q->limit && sb_statement_step(&s)) {
    int64_t people = sb_statement_column_int(&s, 1);
    *after = sb_statement_column_int(&s, 0);
    if (people < q->least || people > q->most) faces[(*count)++] = *after;
    --*left;
  }
  return sb_statement_end(&s);
}

sb_status sb_store_densities_stale(sb_store *store, const sb_density_query *q, int64_t *faces, size_t *count,
                                   sb_error *error) {
  enum { WINDOW = 20000 };
  int64_t after = q->after;
  for (*count = 0;;) {
    int left = WINDOW;
    sb_store_lock(store);
    sb_status status = find_stale(store, q, &after, &left, faces, count, error);
    sb_store_unlock(store);
    if (status != SB_OK || left || *count == q->limit) return status; /* left: there are no more faces */
  }
}

/* ---- Reading */

/* At most SB_DENSITY_UPDATES_MAX; `rows` names them. */
static sb_status read_some(sb_store *store, int64_t collection, const int64_t *faces, size_t count, const char *rows,
                           sb_density *out, sb_error *error) {
  enum { FACE, DENSITY };
  char sql[192];
  snprintf(sql, sizeof sql, "SELECT id, density, density_people FROM face WHERE collection = ?2 AND id IN (%s)",
           store->driver->id_list_sql);
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_text(&s, 1, rows);
  sb_statement_bind_int(&s, 2, collection);
  while (sb_statement_step(&s)) {
    sb_density density;
    const sb_density_face of = {collection, sb_statement_column_int(&s, FACE)};
    sb_statement_column_density(&s, DENSITY, &of, &density);
    for (size_t i = 0; i < count; i++)
      if (faces[i] == of.face) out[i] = density;
  }
  return sb_statement_end(&s);
}

static sb_status read_batch(sb_store *store, int64_t collection, const int64_t *faces, size_t count, sb_density *out,
                            sb_error *error) {
  sb_buffer rows = {0};
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    out[i] = (sb_density){0};
    status = add_row(&rows, faces[i], error);
  }
  if (status == SB_OK) status = read_some(store, collection, faces, count, rows.bytes, out, error);
  sb_buffer_free(&rows);
  return status;
}

sb_status sb_store_densities(sb_store *store, int64_t collection, const int64_t *faces, size_t count, sb_density *out,
                             sb_error *error) {
  sb_status status = SB_OK;
  sb_store_lock(store);
  for (size_t i = 0; status == SB_OK && i < count; i += SB_DENSITY_UPDATES_MAX) {
    size_t left = count - i, some = left < SB_DENSITY_UPDATES_MAX ? left : SB_DENSITY_UPDATES_MAX;
    status = read_batch(store, collection, faces + i, some, out + i, error);
  }
  sb_store_unlock(store);
  return status;
}

/* ---- Constants under which they were measured */

enum { KEY_SIZE = 40, TEXT_SIZE = 64 };

static void write_key(int64_t collection, char key[KEY_SIZE]) {
  snprintf(key, KEY_SIZE, "density/%lld", (long long)collection);
}

static void write_text(const sb_density_constants *constants, char text[TEXT_SIZE]) {
  snprintf(text, TEXT_SIZE, "%.9g %.9g", constants->mean, constants->deviation);
}

sb_status sb_store_density_constants_are(sb_store *store, int64_t collection, const sb_density_constants *constants,
                                         bool *out, sb_error *error) {
  char key[KEY_SIZE], text[TEXT_SIZE];
  write_key(collection, key);
  write_text(constants, text);
  sb_store_lock(store);
  sb_statement s = sb_store_meta_select(store, key, error);
  *out = false;
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const char *bytes = sb_statement_column_blob(&s, 0, &size);
    *out = bytes && size == strlen(text) && !memcmp(bytes, text, size);
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_density_constants_set(sb_store *store, int64_t collection, const sb_density_constants *constants,
                                         sb_error *error) {
  char key[KEY_SIZE], text[TEXT_SIZE];
  write_key(collection, key);
  write_text(constants, text);
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, sb_store_meta_set(store, key, text, strlen(text), error), error);
}
