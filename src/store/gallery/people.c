/* People one by one: finding, reading and changing them. Lists are in people_list.c, enrollment in enrollment.c.
 *
 * The database has no id of a person as text. A person is found by a keyed hash of collection and id (external_hash,
 * with an index), which cannot be computed without the data key, and is the same whenever the same key is used. During
 * a rotation of keys some people have the hash of the old key, so each key of the keyring is tried, the newest first.
 * Callers work with the number of the row from then on. */
#include "store/gallery/people.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"
#include "store/gallery/person_rows.h"
#include "store/sealing/keys.h"
#include "unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

/* ---- Finding */

static sb_status row_by_hash(sb_store *store, int64_t collection, const uint8_t hash[SB_DIGEST_SIZE], int64_t *row,
                             sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT id FROM person WHERE collection = ? AND external_hash = ?", error);
  sb_statement_bind_int(&s, 1, collection);
  sb_statement_bind_blob(&s, 2, hash, SB_DIGEST_SIZE);
  if (sb_statement_step(&s))
    *row = sb_statement_column_int(&s, 0);
  else
    sb_statement_not_found(&s, "there is no person with this id");
  return sb_statement_end(&s);
}

/* During a rotation of keys, a person is stored under the hash of the newest key or of an older one. */
static sb_status row_by_id(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_error *error) {
  uint32_t numbers[SB_DATA_KEYS_MAX];
  uint8_t hash[SB_DIGEST_SIZE];
  size_t count = sb_keyring_numbers(store->keys->keyring, numbers);
  if (!count) return sb_store_keys_wrong(store, error);
  sb_status status = SB_NOT_FOUND;
  for (size_t i = 0; i < count && status == SB_NOT_FOUND; i++) {
    sb_store_person_hash(store, numbers[i], collection, id, hash);
    status = row_by_hash(store, collection, hash, row, error);
  }
  return status;
}

/* Ids are stored in normal form (unicode.h), and an id in another form means the same person. Versions 0.1
 * stored ids as they came, so an id is tried first as it is, and last in the form of macOS. */
sb_status sb_store_person_row(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_error *error) {
  char *normal = NULL, *decomposed = NULL;
  sb_status status = sb_store_keys_refresh(store, error);
  if (status != SB_OK) return status;
  if ((status = row_by_id(store, collection, id, row, error)) != SB_NOT_FOUND) return status;
  sb_status made = sb_unicode_normalize(id, SB_ID_MAX, "id", &normal, NULL);
  if (made == SB_INVALID) return status; /* nothing has such an id */
  if (made == SB_OK) made = sb_unicode_decompose(id, &decomposed, error);
  if (made != SB_OK) {
    free(normal);
    return made == SB_NO_MEMORY ? sb_fail(error, made, "out of memory") : made;
  }
  if (strcmp(normal, id) != 0) status = row_by_id(store, collection, normal, row, error);
  if (status == SB_NOT_FOUND && strcmp(decomposed, normal) != 0)
    status = row_by_id(store, collection, decomposed, row, error);
  free(normal);
  free(decomposed);
  return status;
}

static const char no_person[] = "there is no person with this id";

static sb_status read_person(sb_store *store, int64_t row, sb_people *people, sb_error *error) {
  sb_statement s = sb_statement_new(store, SB_PERSON_SELECT "WHERE p.id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  if (sb_statement_step(&s)) {
    sb_person person;
    sb_store_person_read(&s, &person);
    sb_status added = sb_store_people_add(people, &person, error);
    if (s.status == SB_OK) s.status = added;
    people->total = 1;
  } else {
    sb_statement_not_found(&s, no_person);
  }
  return sb_statement_end(&s);
}

static sb_status get_locked(sb_store *store, int64_t row, sb_people **out, sb_error *error) {
  sb_people *people = sb_alloc(1, sizeof *people, error);
  if (!people) return SB_NO_MEMORY;
  sb_status status = read_person(store, row, people, error);
  if (status == SB_OK)
    *out = people;
  else
    sb_people_free(people);
  return status;
}

sb_status sb_store_person_find(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_people **out,
                               sb_error *error) {
  int64_t found = 0;
  sb_store_lock(store);
  sb_status status = sb_store_person_row(store, collection, id, &found, error);
  if (status == SB_OK && out) status = get_locked(store, found, out, error);
  sb_store_unlock(store);
  if (status == SB_OK && row) *row = found;
  return status;
}

sb_status sb_store_person_get(sb_store *store, int64_t row, sb_people **out, sb_error *error) {
  sb_store_lock(store);
  sb_status status = get_locked(store, row, out, error);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_person_summary(sb_store *store, int64_t row, sb_person *out, sb_error *error) {
  sb_person person = {0};
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, SB_PERSON_SELECT "WHERE p.id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  if (sb_statement_step(&s))
    sb_store_person_read_summary(&s, &person);
  else
    sb_statement_not_found(&s, no_person);
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status != SB_OK) return sb_store_person_clear(&person), status;
  *out = person;
  return SB_OK;
}

sb_status sb_store_totals(sb_store *store, size_t *people, size_t *faces, sb_error *error) {
  sb_store_lock(store);
  sb_status status = sb_store_count(store, 0, people, faces, error);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_person_expired(sb_store *store, int64_t now_ms, int64_t *row, sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, "SELECT id FROM person WHERE expires IS NOT NULL AND expires <= ? ORDER BY expires LIMIT 1", error);
  sb_statement_bind_int(&s, 1, now_ms);
  *row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

/* ---- Changing */

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

sb_status sb_store_person_rename(sb_store *store, int64_t row, const char *name, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  return status == SB_OK ? sb_store_finish(store, rename_person(store, row, name, error), error) : status;
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

sb_status sb_store_person_set_terms(sb_store *store, int64_t row, const sb_store_terms *terms, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  return status == SB_OK ? sb_store_finish(store, set_terms(store, row, terms, error), error) : status;
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

static sb_status change_id(sb_store *store, int64_t row, const char *id, sb_error *error) {
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

sb_status sb_store_person_change_id(sb_store *store, int64_t row, const char *id, sb_error *error) {
  char *normal = NULL;
  sb_status status = sb_unicode_normalize(id, SB_ID_MAX, "id", &normal, error);
  if (status != SB_OK) return status;
  status = sb_store_begin(store, error);
  if (status == SB_OK) status = sb_store_finish(store, change_id(store, row, normal, error), error);
  free(normal);
  return status;
}
