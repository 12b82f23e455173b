/* Enrollment: a person and faces in one transaction.
 *
 * The collection is looked up once, for its transform; the person once, by id or by the row that the caller knows.
 * Insertions are pipelined, so that in PostgreSQL they cost one round trip together, and their failure shows at the
 * commit. Each face gets an entry of the change log, and the whole enrollment one entry of the audit log. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/gallery/counts.h"
#include "store/gallery/people.h"
#include "store/gallery/person_rows.h"
#include "store/sealing/column_encoding.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"
#include "unicode/unicode.h"

#include <stdlib.h>

/* ---- Was a photo enrolled before? */

/* A person has few faces: the digests of their photos are opened and compared. */
static sb_status has_source(sb_store *store, int64_t person, const uint8_t source[SB_DIGEST_SIZE], bool *known,
                            sb_error *error) {
  *known = false;
  sb_statement s = sb_statement_new(store, "SELECT id, source FROM face WHERE person = ?", error);
  sb_statement_bind_int(&s, 1, person);
  while (!*known && sb_statement_step(&s)) {
    size_t size = 0;
    const sb_seal_context context = {"face", "source", sb_statement_column_int(&s, 0), NULL};
    char *stored = sb_statement_column_sealed(&s, 1, &context, &size);
    *known = stored && size == SB_DIGEST_SIZE && sb_crypto_equal(stored, source, SB_DIGEST_SIZE);
    free(stored);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_face_known(sb_store *store, int64_t person, const uint8_t source[SB_DIGEST_SIZE], bool *known,
                              sb_error *error) {
  sb_store_lock(store);
  sb_status status = has_source(store, person, source, known, error);
  sb_store_unlock(store);
  return status;
}

/* ---- Writing */

/* `id` and `name` in normal form. */
static sb_status insert_person(sb_store *store, const sb_store_enrollment *e, const char *id, const char *name,
                               int64_t *row, sb_error *error) {
  uint8_t hash[SB_DIGEST_SIZE];
  sb_store_person_hash_newest(store, e->collection, id, hash);
  sb_status status = store->driver->next_row(store, "person", row, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(
      store,
      "INSERT INTO person(id, collection, external_hash, external_id, name, consent, created, purpose, expires)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
      error);
  sb_statement_bind_int(&s, 1, *row);
  sb_statement_bind_int(&s, 2, e->collection);
  sb_statement_bind_blob(&s, 3, hash, sizeof hash);
  sb_store_person_bind(&s, 4, *row, "external_id", id);
  sb_store_person_bind(&s, 5, *row, "name", name);
  sb_store_person_bind(&s, 6, *row, "consent", e->consent ? e->consent : "");
  sb_statement_bind_int(&s, 7, sb_now_ms());
  if (e->purpose && *e->purpose) sb_store_person_bind(&s, 8, *row, "purpose", e->purpose);
  if (e->expires_ms) sb_statement_bind_int(&s, 9, e->expires_ms);
  s.pipelined = true;
  return sb_statement_run(&s);
}

static sb_status add_person(sb_store *store, const sb_store_enrollment *e, int64_t *row, sb_error *error) {
  char *id = NULL, *name = NULL;
  sb_status status = sb_unicode_normalize(e->id, SB_ID_MAX, "id", &id, error);
  if (status == SB_OK) status = sb_unicode_normalize(e->name, SB_NAME_MAX, "name", &name, error);
  if (status == SB_OK) status = insert_person(store, e, id, name, row, error);
  free(id);
  free(name);
  return status;
}

/* Binds an embedding after the collection's transform. */
static void bind_embedding(sb_statement *s, int index, int64_t row, const sb_store_protection *protection,
                           const float *embedding) {
  float *protected = sb_alloc(protection->dim, sizeof *protected, s->error);
  if (!protected) {
    s->status = SB_NO_MEMORY;
    return;
  }
  sb_transform_apply(protection->transform, embedding, protected);
  sb_statement_bind_template(s, index, &(sb_seal_context){"face", "template", row, protection->model}, protected,
                             protection->dim);
  free(protected);
}

static void bind_face_field(sb_statement *s, int index, int64_t row, const char *column, const void *bytes,
                            size_t size) {
  sb_statement_bind_sealed(s, index, &(sb_seal_context){"face", column, row, NULL}, bytes, size);
}

static sb_status add_face(sb_store *store, const sb_store_protection *protection, int64_t person,
                          const sb_store_face *face, int64_t *row, sb_error *error) {
  uint8_t attributes[SB_ATTRIBUTES_SIZE];
  sb_status status = store->driver->next_row(store, "face", row, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(
      store,
      "INSERT INTO face(id, person, collection, template, attributes, quality, source, created, thumbnail, density,"
      " density_people) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      error);
  sb_statement_bind_int(&s, 1, *row);
  sb_statement_bind_int(&s, 2, person);
  sb_statement_bind_int(&s, 3, protection->collection);
  bind_embedding(&s, 4, *row, protection, face->embedding);
  if (face->attributes) {
    sb_store_attributes_write(face->attributes, attributes);
    bind_face_field(&s, 5, *row, "attributes", attributes, sizeof attributes);
  }
  sb_statement_bind_real(&s, 6, face->quality);
  bind_face_field(&s, 7, *row, "source", face->source, sizeof face->source);
  sb_statement_bind_int(&s, 8, sb_now_ms());
  if (face->thumbnail_size) bind_face_field(&s, 9, *row, "thumbnail", face->thumbnail, face->thumbnail_size);
  sb_statement_bind_density(&s, 10, &(sb_density_face){protection->collection, *row}, &face->density);
  s.pipelined = true;
  status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  return sb_store_change_append(store, SB_CHANGE_PUT, protection->collection, *row, person, error);
}

/* Is the row that the caller looked up still a person of the collection? SB_NOT_FOUND. */
static sb_status check_row(sb_store *store, const sb_store_enrollment *e, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM person WHERE id = ? AND collection = ?", error);
  sb_statement_bind_int(&s, 1, e->person);
  sb_statement_bind_int(&s, 2, e->collection);
  if (!sb_statement_step(&s)) sb_statement_not_found(&s, "there is no person with this id");
  return sb_statement_end(&s);
}

/* The person to enroll for, who is added when the enrollment allows it. */
static sb_status have_person(sb_store *store, const sb_store_enrollment *e, int64_t *person, bool *added,
                             sb_error *error) {
  *person = e->person;
  *added = false;
  sb_status status =
      e->person ? check_row(store, e, error) : sb_store_person_row(store, e->collection, e->id, person, error);
  if (status == SB_OK && !e->may_exist) return sb_fail(error, SB_EXISTS, "a person with this id is registered already");
  if (status != SB_NOT_FOUND || !e->name) return status;
  *added = true;
  return add_person(store, e, person, error);
}

static sb_status enroll(sb_store *store, const sb_store_enrollment *e, int64_t *person, int64_t *face_rows,
                        sb_error *error) {
  const sb_store_protection *protection = NULL;
  bool added = false;
  sb_status status = sb_store_protection_get(store, e->collection, &protection, error);
  if (status != SB_OK) return status;
  status = have_person(store, e, person, &added, error);
  for (size_t i = 0; status == SB_OK && i < e->face_count; i++)
    status = add_face(store, protection, *person, &e->faces[i], &face_rows[i], error);
  if (status != SB_OK) return status;
  sb_store_adjust_counts(store, e->collection, added, (int64_t)e->face_count);
  const sb_audit_event event = {"enroll", e->collection, *person, (int64_t)e->face_count};
  return sb_audit_append(store, &event, NULL, error);
}

static sb_status check_densities(const sb_store_enrollment *e, sb_error *error) {
  for (size_t i = 0; i < e->face_count; i++) {
    sb_status status = sb_density_check(&e->faces[i].density, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_store_enroll(sb_store *store, const sb_store_enrollment *e, int64_t *person_row, int64_t *face_rows,
                          sb_error *error) {
  int64_t person = 0;
  sb_status status = check_densities(e, error);
  if (status != SB_OK) return status;
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, enroll(store, e, &person, face_rows, error), error);
  if (status == SB_OK) *person_row = person;
  return status;
}
