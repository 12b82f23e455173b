/* Changing what is stored about a person: one transaction for all that a call changes, with an entry in the audit for
 * each kind of change. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/people.h"
#include "store/gallery/person_rows.h"
#include "store/sealing/column_encoding.h"
#include "store/sealing/keys.h"
#include "store/sealing/sealed_columns.h"
#include "unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

/* ---- Name, id and terms */

/* Runs an UPDATE of one person's row. SB_NOT_FOUND. */
static sb_status run_update(sb_statement *s) {
  sb_statement_step(s);
  if (s->status == SB_OK && !sb_store_rows_written(s->store)) sb_statement_not_found(s, "there is no such person");
  return sb_statement_end(s);
}

static sb_status rename_person(sb_store *store, int64_t row, const char *text, sb_error *error) {
  char *name = NULL;
  sb_status normal = sb_unicode_normalize(text, SB_NAME_MAX, "name", &name, error);
  if (normal != SB_OK) return normal;
  sb_statement s = sb_statement_new(store, "UPDATE person SET name = ? WHERE id = ?", error);
  sb_store_person_bind(&s, 1, row, "name", name);
  free(name);
  sb_statement_bind_int(&s, 2, row);
  sb_status status = run_update(&s);
  if (status != SB_OK) return status;
  return sb_audit_append_person(store, &(sb_audit_event){"rename", 0, row, 0}, NULL, error);
}

static sb_status set_terms(sb_store *store, int64_t row, const sb_store_terms *terms, sb_error *error) {
  static const char sql[] = "UPDATE person SET consent = coalesce(?1, consent), purpose = coalesce(?2, purpose),"
                            " expires = CASE WHEN ?3 <> 0 THEN ?4 ELSE expires END WHERE id = ?5";
  sb_statement s = sb_statement_new(store, sql, error);
  if (terms->consent) sb_store_person_bind(&s, 1, row, "consent", terms->consent);
  if (terms->purpose) sb_store_person_bind(&s, 2, row, "purpose", terms->purpose);
  sb_statement_bind_int(&s, 3, terms->set_expires);
  if (terms->expires_ms) sb_statement_bind_int(&s, 4, terms->expires_ms);
  sb_statement_bind_int(&s, 5, row);
  sb_status status = run_update(&s);
  if (status != SB_OK) return status;
  return sb_audit_append_person(store, &(sb_audit_event){"terms", 0, row, 0}, NULL, error);
}

static sb_status collection_of(sb_store *store, int64_t row, int64_t *collection, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT collection FROM person WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  if (sb_statement_step(&s))
    *collection = sb_statement_column_int(&s, 0);
  else
    sb_statement_not_found(&s, "there is no such person");
  return sb_statement_end(&s);
}

/* SB_EXISTS: another person has the id. */
static sb_status check_id_free(sb_store *store, int64_t collection, const char *id, int64_t row, sb_error *error) {
  int64_t other = 0;
  sb_status status = sb_store_person_row(store, collection, id, &other, NULL);
  if (status == SB_NOT_FOUND || (status == SB_OK && other == row)) return SB_OK;
  return status == SB_OK ? sb_fail(error, SB_EXISTS, "a person with this id is registered already") : status;
}

/* `id`: in normal form. */
static sb_status set_id(sb_store *store, int64_t row, const char *id, sb_error *error) {
  int64_t collection = 0;
  uint8_t hash[SB_DIGEST_SIZE];
  sb_status status = collection_of(store, row, &collection, error);
  if (status != SB_OK) return status;
  status = check_id_free(store, collection, id, row, error);
  if (status != SB_OK) return status;
  sb_store_person_hash_newest(store, collection, id, hash);
  sb_statement s = sb_statement_new(store, "UPDATE person SET external_hash = ?, external_id = ? WHERE id = ?", error);
  sb_statement_bind_blob(&s, 1, hash, sizeof hash);
  sb_store_person_bind(&s, 2, row, "external_id", id);
  sb_statement_bind_int(&s, 3, row);
  status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"change-id", collection, row, 0}, NULL, error);
}

static sb_status change_id(sb_store *store, int64_t row, const char *id, sb_error *error) {
  char *normal = NULL;
  sb_status status = sb_unicode_normalize(id, SB_ID_MAX, "id", &normal, error);
  if (status == SB_OK) status = set_id(store, row, normal, error);
  free(normal);
  return status;
}

/* ---- Attributes: age, gender and ethnicity */

static const sb_attributes unknown = {.age = -1, .man = -1, .woman = -1, .ethnicity = {-1, -1, -1, -1, -1, -1, -1}};
_Static_assert(SB_ETHNICITIES <= 7, "`unknown` has a number for each ethnicity");

static void replace_some(sb_attributes *stored, unsigned which, const sb_attributes *given) {
  if (which & SB_DESCRIBE_AGE) stored->age = given->age;
  if (which & SB_DESCRIBE_GENDER) stored->man = given->man, stored->woman = given->woman;
  if (which & SB_DESCRIBE_ETHNICITY) {
    memcpy(stored->ethnicity, given->ethnicity, sizeof stored->ethnicity);
    stored->ethnicity_dominant = given->ethnicity_dominant;
  }
}

static bool is_unknown(const sb_attributes *a) {
  for (int i = 0; i < SB_ETHNICITIES; i++)
    if (a->ethnicity[i] >= 0) return false;
  return a->age < 0 && a->man < 0 && a->woman < 0;
}

/* Without any attribute the column is empty. */
static sb_status write_attributes(sb_store *store, int64_t person, int64_t face, const sb_attributes *attributes,
                                  sb_error *error) {
  uint8_t bytes[SB_ATTRIBUTES_SIZE];
  sb_statement s = sb_statement_new(store, "UPDATE face SET attributes = ? WHERE id = ? AND person = ?", error);
  sb_store_attributes_write(attributes, bytes);
  if (!is_unknown(attributes))
    sb_statement_bind_sealed(&s, 1, &(sb_seal_context){"face", "attributes", face, NULL}, bytes, sizeof bytes);
  sb_statement_bind_int(&s, 2, face);
  sb_statement_bind_int(&s, 3, person);
  return sb_statement_run(&s);
}

static sb_status column_attributes(sb_statement *s, int column, int64_t face, sb_attributes *out) {
  size_t size = 0;
  *out = unknown;
  if (sb_statement_column_null(s, column)) return SB_OK;
  char *bytes = sb_statement_column_sealed(s, column, &(sb_seal_context){"face", "attributes", face, NULL}, &size);
  if (!bytes) return s->status;
  bool read = sb_store_attributes_read((const uint8_t *)bytes, size, out);
  free(bytes);
  return read ? SB_OK : sb_fail(s->error, SB_STORE, "the attributes of face %lld are damaged", (long long)face);
}

/* The person's first face that has attributes; without one, the first face. SB_NOT_FOUND. */
static sb_status described_face(sb_store *store, int64_t person, int64_t *face, sb_attributes *out, sb_error *error) {
  sb_statement s = sb_statement_new(
      store, "SELECT id, attributes FROM face WHERE person = ? ORDER BY attributes IS NULL, id LIMIT 1", error);
  sb_statement_bind_int(&s, 1, person);
  if (sb_statement_step(&s)) {
    *face = sb_statement_column_int(&s, 0);
    s.status = column_attributes(&s, 1, *face, out);
  } else {
    sb_statement_not_found(&s, "there is no face to describe: the person has none");
  }
  return sb_statement_end(&s);
}

static sb_status describe(sb_store *store, int64_t person, unsigned which, const sb_attributes *given,
                          sb_error *error) {
  sb_attributes stored;
  int64_t face = 0;
  sb_status status = described_face(store, person, &face, &stored, error);
  if (status != SB_OK) return status;
  replace_some(&stored, which, given);
  status = write_attributes(store, person, face, &stored, error);
  if (status != SB_OK) return status;
  return sb_audit_append_person(store, &(sb_audit_event){"describe", 0, person, 0}, NULL, error);
}

/* The next face with attributes after `*face`; 0: there is none. */
static sb_status next_described(sb_store *store, int64_t person, int64_t *face, sb_attributes *out, sb_error *error) {
  sb_statement s = sb_statement_new(store,
                                    "SELECT id, attributes FROM face WHERE person = ? AND id > ?"
                                    " AND attributes IS NOT NULL ORDER BY id LIMIT 1",
                                    error);
  sb_statement_bind_int(&s, 1, person);
  sb_statement_bind_int(&s, 2, *face);
  *face = 0;
  if (sb_statement_step(&s)) {
    *face = sb_statement_column_int(&s, 0);
    s.status = column_attributes(&s, 1, *face, out);
  }
  return sb_statement_end(&s);
}

/* Each face of the person may hold estimates of its own: all of them are erased. */
static sb_status forget(sb_store *store, int64_t person, unsigned which, sb_error *error) {
  sb_attributes stored;
  int64_t face = 0;
  sb_status status = next_described(store, person, &face, &stored, error);
  while (status == SB_OK && face) {
    replace_some(&stored, which, &unknown);
    status = write_attributes(store, person, face, &stored, error);
    if (status == SB_OK) status = next_described(store, person, &face, &stored, error);
  }
  if (status != SB_OK) return status;
  return sb_audit_append_person(store, &(sb_audit_event){"forget", 0, person, 0}, NULL, error);
}

/* ---- All of a change */

static sb_status change_person(sb_store *store, int64_t row, const sb_store_person_edit *change, sb_error *error) {
  const sb_store_terms *terms = &change->terms;
  sb_status status = change->new_id ? change_id(store, row, change->new_id, error) : SB_OK;
  if (status == SB_OK && change->name) status = rename_person(store, row, change->name, error);
  if (status == SB_OK && (terms->consent || terms->purpose || terms->set_expires))
    status = set_terms(store, row, terms, error);
  if (status == SB_OK && change->describe) status = describe(store, row, change->describe, change->attributes, error);
  if (status == SB_OK && change->forget) status = forget(store, row, change->forget, error);
  return status;
}

sb_status sb_store_person_change(sb_store *store, int64_t row, const sb_store_person_edit *change, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, change_person(store, row, change, error), error);
  if (status == SB_OK && change->forget) sb_store_purge_deleted(store);
  return status;
}
