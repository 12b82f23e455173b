/* People one by one: finding and reading them. Changes are in people_change.c, lists in people_list.c, enrollment in
 * enrollment.c.
 *
 * The database has no id of a person as text. A person is found by a keyed hash of collection and id (external_hash,
 * with an index), which cannot be computed without the data key, and is the same whenever the same key is used. During
 * a rotation of keys some people have the hash of the old key, so each key of the keyring is tried, the newest first.
 * Callers work with the number of the row from then on. */
#include "store/gallery/people.h"

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
