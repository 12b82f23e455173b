/* The faces that are kept, one by one. */
#include "store/gallery/attributes.h"
#include "store/internal.h"

#include <stdlib.h>

void sb_kept_faces_free(sb_kept_faces *faces) {
  if (!faces) return;
  for (size_t i = 0; i < faces->count; i++) free(faces->items[i].id);
  free(faces->items);
  free(faces);
}

static sb_status list_locked(sb_store *store, int64_t collection, int64_t person, size_t limit, sb_kept_faces *faces,
                             sb_error *error) {
  static const char count_sql[] = "SELECT count(*) FROM face WHERE collection = ? AND (? = 0 OR person = ?)";
  static const char list_sql[] =
      "SELECT f.id, f.person, p.external_id, f.quality, f.created FROM face f JOIN person p ON p.id = f.person "
      "WHERE f.collection = ? AND (? = 0 OR f.person = ?) ORDER BY f.id LIMIT ? OFFSET ?";
  sb_statement s = sb_statement_new(store, count_sql, error);
  for (int pass = 0; pass < 2; pass++) {
    sb_statement_bind_int(&s, 1, collection);
    sb_statement_bind_int(&s, 2, person);
    sb_statement_bind_int(&s, 3, person);
    if (pass) break;
    if (sb_statement_step(&s)) faces->total = (size_t)sb_statement_column_int(&s, 0);
    sb_status status = sb_statement_end(&s);
    if (status != SB_OK) return status;
    s = sb_statement_new(store, list_sql, error);
  }
  sb_statement_bind_int(&s, 4, (int64_t)limit);
  sb_statement_bind_int(&s, 5, (int64_t)faces->offset);
  while (sb_statement_step(&s)) {
    void *items = faces->items;
    s.status = sb_grow(&items, faces->count + 1, sizeof *faces->items, error);
    if (s.status != SB_OK) break;
    faces->items = items;
    faces->items[faces->count++] = (sb_kept_face){.face = sb_statement_column_int(&s, 0),
                                                  .id = sb_store_person_id_open(&s, 2, sb_statement_column_int(&s, 1)),
                                                  .quality = (float)sb_statement_column_real(&s, 3),
                                                  .created_ms = sb_statement_column_int(&s, 4)};
  }
  return sb_statement_end(&s);
}

sb_status sb_store_faces(sb_store *store, int64_t collection, int64_t person, size_t offset, size_t limit,
                         sb_kept_faces **out, sb_error *error) {
  sb_kept_faces *faces = sb_alloc(1, sizeof *faces, error);
  if (!faces) return SB_NO_MEMORY;
  faces->offset = offset;
  sb_store_lock(store);
  sb_status status = list_locked(store, collection, person, limit, faces, error);
  sb_store_unlock(store);
  if (status == SB_OK)
    *out = faces;
  else
    sb_kept_faces_free(faces);
  return status;
}

sb_status sb_store_face_rows(sb_store *store, const sb_store_face_query *query, sb_store_face_row *out, size_t *count,
                             sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store,
      query->person ? "SELECT id, person FROM face WHERE collection = ? AND id > ? AND person = ? ORDER BY id LIMIT ?"
                    : "SELECT id, person FROM face WHERE collection = ? AND id > ? ORDER BY id LIMIT ?",
      error);
  sb_statement_bind_int(&s, 1, query->collection);
  sb_statement_bind_int(&s, 2, query->after);
  if (query->person) sb_statement_bind_int(&s, 3, query->person);
  sb_statement_bind_int(&s, query->person ? 4 : 3, (int64_t)query->limit);
  for (*count = 0; *count < query->limit && sb_statement_step(&s); ++*count)
    out[*count] = (sb_store_face_row){sb_statement_column_int(&s, 0), sb_statement_column_int(&s, 1)};
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

static sb_status not_there(sb_statement *s) {
  if (s->status == SB_OK) s->status = sb_fail(s->error, SB_NOT_FOUND, "there is no face of this number");
  return s->status;
}

sb_status sb_store_face_owner(sb_store *store, int64_t collection, int64_t face, char **id, sb_error *error) {
  char *owner = NULL;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store,
      "SELECT p.id, p.external_id FROM face f JOIN person p ON p.id = f.person WHERE f.id = ? AND f.collection = ?",
      error);
  sb_statement_bind_int(&s, 1, face);
  sb_statement_bind_int(&s, 2, collection);
  if (sb_statement_step(&s))
    owner = sb_store_person_id_open(&s, 1, sb_statement_column_int(&s, 0));
  else
    not_there(&s);
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *id = owner;
  return status;
}

sb_status sb_store_face_template(sb_store *store, int64_t face, size_t dim, float *embedding, sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, "SELECT f.template, c.model, c.id FROM face f JOIN collection c ON c.id = f.collection WHERE f.id = ?",
      error);
  sb_statement_bind_int(&s, 1, face);
  if (sb_statement_step(&s)) {
    sb_seal_context place = {"face", "template", face, sb_statement_column_text(&s, 1)};
    const sb_store_protection *protection = NULL;
    sb_statement_column_template(&s, 0, &place, dim, embedding);
    if (s.status == SB_OK)
      s.status = sb_store_protection_get(store, sb_statement_column_int(&s, 2), &protection, error);
    if (s.status == SB_OK) sb_transform_undo(protection->transform, embedding, embedding);
  } else {
    not_there(&s);
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

static sb_status note_removal(sb_store *store, int64_t face, int64_t *collection, int64_t *person, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT collection, person FROM face WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, face);
  if (sb_statement_step(&s)) {
    *collection = sb_statement_column_int(&s, 0);
    *person = sb_statement_column_int(&s, 1);
    s.status = sb_store_change_append(store, SB_CHANGE_REMOVE, *collection, face, *person, error);
  } else {
    not_there(&s);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_face_delete(sb_store *store, int64_t face, sb_error *error) {
  int64_t collection = 0, person = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = note_removal(store, face, &collection, &person, error);
  if (status == SB_OK) {
    sb_statement s = sb_statement_new(store, "DELETE FROM face WHERE id = ?", error);
    sb_statement_bind_int(&s, 1, face);
    sb_statement_step(&s);
    status = sb_statement_end(&s);
  }
  if (status == SB_OK) status = sb_audit_append(store, "erase-face", collection, person, 1, NULL, error);
  status = sb_store_finish(store, status, error);
  return status == SB_OK ? sb_store_erase_log(store, error) : status;
}

sb_status sb_store_person_set_attributes(sb_store *store, int64_t person, const sb_attributes *attributes,
                                         sb_error *error) {
  uint8_t bytes[SB_ATTRIBUTES_SIZE];
  int64_t face = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s =
      sb_statement_new(store, "SELECT id FROM face WHERE person = ? ORDER BY attributes IS NULL, id LIMIT 1", error);
  sb_statement_bind_int(&s, 1, person);
  if (sb_statement_step(&s))
    face = sb_statement_column_int(&s, 0);
  else
    not_there(&s);
  status = sb_statement_end(&s);
  if (status == SB_OK) {
    s = sb_statement_new(store, "UPDATE face SET attributes = ? WHERE id = ?", error);
    sb_store_attributes_write(attributes, bytes);
    sb_statement_bind_sealed(&s, 1, &(sb_seal_context){"face", "attributes", face, NULL}, bytes, sizeof bytes);
    sb_statement_bind_int(&s, 2, face);
    sb_statement_step(&s);
    status = sb_statement_end(&s);
  }
  if (status == SB_OK) status = sb_audit_append_person(store, "describe", person, 0, NULL, error);
  return sb_store_finish(store, status, error);
}

sb_status sb_store_thumbnail(sb_store *store, int64_t person, int64_t face, uint8_t **bytes, size_t *size,
                             sb_error *error) {
  char *picture = NULL;
  size_t length = 0;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store,
                                    "SELECT id, thumbnail FROM face WHERE person = ?1 AND thumbnail IS NOT NULL"
                                    " AND (?2 = 0 OR id = ?2) ORDER BY id LIMIT 1",
                                    error);
  sb_statement_bind_int(&s, 1, person);
  sb_statement_bind_int(&s, 2, face);
  if (sb_statement_step(&s))
    picture = sb_statement_column_sealed(
        &s, 1, &(sb_seal_context){"face", "thumbnail", sb_statement_column_int(&s, 0), NULL}, &length);
  else if (s.status == SB_OK)
    s.status = sb_fail(error, SB_NOT_FOUND, "no thumbnail is kept");
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK)
    *bytes = (uint8_t *)picture, *size = length;
  else
    free(picture);
  return status;
}

sb_status sb_store_thumbnails_erase(sb_store *store, int64_t collection, size_t *count, sb_error *error) {
  int64_t erased = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s =
      sb_statement_new(store, "UPDATE face SET thumbnail = NULL WHERE collection = ? AND thumbnail IS NOT NULL", error);
  sb_statement_bind_int(&s, 1, collection);
  sb_statement_step(&s);
  erased = sb_store_rows_written(store);
  status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_audit_append(store, "erase-thumbnails", collection, 0, erased, NULL, error);
  status = sb_store_finish(store, status, error);
  if (status == SB_OK) *count = (size_t)erased;
  return status == SB_OK ? sb_store_erase_log(store, error) : status;
}
