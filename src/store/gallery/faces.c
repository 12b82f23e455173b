/* Stored faces, one by one: lists, owners, templates, thumbnails, erasure.
 *
 * A face's row has the template (protected, then sealed), attributes, the digest of its photo and a thumbnail (each
 * sealed), and its quality, which is not secret. Erasing a face also erases it from the log (sb_store_purge_log);
 * erasing people is in sealing/erasure.c. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/gallery/person_rows.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"

#include <stdlib.h>

/* ---- Lists */

void sb_kept_faces_free(sb_kept_faces *faces) {
  if (!faces) return;
  for (size_t i = 0; i < faces->count; i++) free(faces->items[i].id);
  free(faces->items);
  free(faces);
}

#define OF_COLLECTION_OR_PERSON "WHERE f.collection = ?1 AND (?2 = 0 OR f.person = ?2)"
#define FACE_COLUMNS "f.id, f.person, p.external_id, f.quality, f.created"
enum { FACE_ROW, FACE_PERSON, FACE_PERSON_ID, FACE_QUALITY, FACE_CREATED };

/* A page of faces; `person` 0: of the whole collection. */
typedef struct page {
  int64_t collection, person;
  size_t offset, limit;
} page;

static sb_status count_faces(sb_store *store, const page *l, size_t *total, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT count(*) FROM face f " OF_COLLECTION_OR_PERSON, error);
  sb_statement_bind_int(&s, 1, l->collection);
  sb_statement_bind_int(&s, 2, l->person);
  if (sb_statement_step(&s)) *total = (size_t)sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

static sb_status list_faces(sb_store *store, const page *l, sb_kept_faces *faces, sb_error *error) {
  sb_status status = count_faces(store, l, &faces->total, error);
  if (status != SB_OK) return status;
  sb_statement s =
      sb_statement_new(store,
                       "SELECT " FACE_COLUMNS " FROM face f JOIN person p ON p.id = f.person " OF_COLLECTION_OR_PERSON
                       " ORDER BY f.id LIMIT ?3 OFFSET ?4",
                       error);
  sb_statement_bind_int(&s, 1, l->collection);
  sb_statement_bind_int(&s, 2, l->person);
  sb_statement_bind_int(&s, 3, (int64_t)l->limit);
  sb_statement_bind_int(&s, 4, (int64_t)l->offset);
  while (sb_statement_step(&s)) {
    void *items = faces->items;
    s.status = sb_grow(&items, faces->count + 1, sizeof *faces->items, error);
    if (s.status != SB_OK) break;
    faces->items = items;
    int64_t person = sb_statement_column_int(&s, FACE_PERSON);
    faces->items[faces->count++] = (sb_kept_face){.face = sb_statement_column_int(&s, FACE_ROW),
                                                  .id = sb_store_person_id_open(&s, FACE_PERSON_ID, person),
                                                  .quality = (float)sb_statement_column_real(&s, FACE_QUALITY),
                                                  .created_ms = sb_statement_column_int(&s, FACE_CREATED)};
  }
  return sb_statement_end(&s);
}

sb_status sb_store_faces(sb_store *store, int64_t collection, int64_t person, size_t offset, size_t limit,
                         sb_kept_faces **out, sb_error *error) {
  const page wanted = {collection, person, offset, limit};
  sb_kept_faces *faces = sb_alloc(1, sizeof *faces, error);
  if (!faces) return SB_NO_MEMORY;
  faces->offset = offset;
  sb_store_lock(store);
  sb_status status = list_faces(store, &wanted, faces, error);
  sb_store_unlock(store);
  if (status == SB_OK)
    *out = faces;
  else
    sb_kept_faces_free(faces);
  return status;
}

sb_status sb_store_face_rows(sb_store *store, const sb_store_face_query *q, sb_store_face_row *out, size_t *count,
                             sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store,
      q->person ? "SELECT id, person FROM face WHERE collection = ? AND id > ? AND person = ? ORDER BY id LIMIT ?"
                : "SELECT id, person FROM face WHERE collection = ? AND id > ? ORDER BY id LIMIT ?",
      error);
  sb_statement_bind_int(&s, 1, q->collection);
  sb_statement_bind_int(&s, 2, q->after);
  if (q->person) sb_statement_bind_int(&s, 3, q->person);
  sb_statement_bind_int(&s, q->person ? 4 : 3, (int64_t)q->limit);
  for (*count = 0; *count < q->limit && sb_statement_step(&s); ++*count)
    out[*count] = (sb_store_face_row){sb_statement_column_int(&s, 0), sb_statement_column_int(&s, 1)};
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

/* ---- One face */

static const char no_face[] = "there is no face of this number";

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
    sb_statement_not_found(&s, no_face);
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *id = owner;
  return status;
}

sb_status sb_store_face_template(sb_store *store, int64_t face, size_t dim, float *embedding, sb_error *error) {
  enum { TEMPLATE, MODEL, COLLECTION };
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, "SELECT f.template, c.model, c.id FROM face f JOIN collection c ON c.id = f.collection WHERE f.id = ?",
      error);
  sb_statement_bind_int(&s, 1, face);
  if (sb_statement_step(&s)) {
    const sb_seal_context context = {"face", "template", face, sb_statement_column_text(&s, MODEL)};
    const sb_store_protection *protection = NULL;
    int64_t collection = sb_statement_column_int(&s, COLLECTION);
    sb_statement_column_template(&s, TEMPLATE, &context, dim, embedding);
    if (s.status == SB_OK) s.status = sb_store_protection_get(store, collection, &protection, error);
    if (s.status == SB_OK) sb_transform_undo(protection->transform, embedding, embedding);
  } else {
    sb_statement_not_found(&s, no_face);
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

static sb_status find_owner(sb_store *store, int64_t face, int64_t *collection, int64_t *person, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT collection, person FROM face WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, face);
  if (sb_statement_step(&s)) {
    *collection = sb_statement_column_int(&s, 0);
    *person = sb_statement_column_int(&s, 1);
  } else {
    sb_statement_not_found(&s, no_face);
  }
  return sb_statement_end(&s);
}

static sb_status delete_face(sb_store *store, int64_t face, sb_error *error) {
  int64_t collection = 0, person = 0;
  sb_status status = find_owner(store, face, &collection, &person, error);
  if (status != SB_OK) return status;
  status = sb_store_change_append(store, SB_CHANGE_REMOVE, collection, face, person, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, "DELETE FROM face WHERE id = ? AND person = ?", error);
  sb_statement_bind_int(&s, 1, face);
  sb_statement_bind_int(&s, 2, person);
  status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"erase-face", collection, person, 1}, NULL, error);
}

sb_status sb_store_face_delete(sb_store *store, int64_t face, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, delete_face(store, face, error), error);
  if (status == SB_OK) sb_store_purge_deleted(store);
  return status;
}

/* ---- Thumbnails */

sb_status sb_store_thumbnail(sb_store *store, int64_t person, int64_t face, uint8_t **bytes, size_t *size,
                             sb_error *error) {
  char *thumbnail = NULL;
  size_t length = 0;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store,
                                    "SELECT id, thumbnail FROM face WHERE person = ?1 AND thumbnail IS NOT NULL"
                                    " AND (?2 = 0 OR id = ?2) ORDER BY id LIMIT 1",
                                    error);
  sb_statement_bind_int(&s, 1, person);
  sb_statement_bind_int(&s, 2, face);
  if (sb_statement_step(&s)) {
    const sb_seal_context context = {"face", "thumbnail", sb_statement_column_int(&s, 0), NULL};
    thumbnail = sb_statement_column_sealed(&s, 1, &context, &length);
  } else {
    sb_statement_not_found(&s, "no thumbnail is stored");
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status != SB_OK) return free(thumbnail), status;
  *bytes = (uint8_t *)thumbnail;
  *size = length;
  return SB_OK;
}

static sb_status erase_thumbnails(sb_store *store, int64_t collection, int64_t *erased, sb_error *error) {
  sb_status status = sb_store_exec_int(
      store, "UPDATE face SET thumbnail = NULL WHERE collection = ? AND thumbnail IS NOT NULL", collection, error);
  if (status != SB_OK) return status;
  *erased = sb_store_rows_written(store);
  return sb_audit_append(store, &(sb_audit_event){"erase-thumbnails", collection, 0, *erased}, NULL, error);
}

sb_status sb_store_thumbnails_erase(sb_store *store, int64_t collection, size_t *count, sb_error *error) {
  int64_t erased = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, erase_thumbnails(store, collection, &erased, error), error);
  if (status != SB_OK) return status;
  *count = (size_t)erased;
  sb_store_purge_deleted(store);
  return SB_OK;
}
