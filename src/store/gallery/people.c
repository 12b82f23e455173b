/* People and their faces. */
#include "store/gallery/attributes.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

void sb_store_person_hash(sb_store *store, uint32_t number, int64_t collection, const char *id,
                          uint8_t digest[SB_DIGEST_SIZE]) {
  sb_keyring_hash(store->keyring, number, "person-id", collection, id, strlen(id), digest);
}

/* ---- Reading */

static char *open_person_field(sb_statement *s, int column, int64_t row, const char *name) {
  size_t size = 0;
  return sb_statement_column_sealed(s, column, &(sb_seal_context){"person", name, row, NULL}, &size);
}

char *sb_store_person_id_open(sb_statement *s, int column, int64_t person) {
  return open_person_field(s, column, person, "external_id");
}

static void read_attributes(sb_statement *s, sb_person *person) {
  if (s->status != SB_OK || sb_statement_column_null(s, 7)) return;
  size_t size = 0;
  char *bytes = sb_statement_column_sealed(
      s, 7, &(sb_seal_context){"face", "attributes", sb_statement_column_int(s, 6), NULL}, &size);
  if (bytes) person->has_attributes = sb_store_attributes_read((const uint8_t *)bytes, size, &person->attributes);
  free(bytes);
}

void sb_store_person_read(sb_statement *s, sb_person *person) {
  int64_t row = sb_statement_column_int(s, 0);
  *person = (sb_person){.created_ms = sb_statement_column_int(s, 4), .faces = (size_t)sb_statement_column_int(s, 5)};
  person->id = open_person_field(s, 1, row, "external_id");
  person->name = open_person_field(s, 2, row, "name");
  person->consent = open_person_field(s, 3, row, "consent");
  person->purpose = sb_statement_column_null(s, 8) && s->status == SB_OK ? sb_strdup("", s->error)
                                                                         : open_person_field(s, 8, row, "purpose");
  if (s->status == SB_OK && !person->purpose) s->status = SB_NO_MEMORY;
  person->expires_ms = sb_statement_column_int(s, 9);
  read_attributes(s, person);
}

void sb_store_person_thumbnail_read(sb_statement *s, sb_person *person) {
  if (s->status != SB_OK || sb_statement_column_null(s, 11)) return;
  const sb_seal_context place = {"face", "thumbnail", sb_statement_column_int(s, 10), NULL};
  person->thumbnail = (uint8_t *)sb_statement_column_sealed(s, 11, &place, &person->thumbnail_size);
}

void sb_store_person_clear(sb_person *person) {
  if (person->thumbnail) sb_wipe(person->thumbnail, person->thumbnail_size);
  free(person->thumbnail);
  free(person->id);
  free(person->name);
  free(person->consent);
  free(person->purpose);
}

void sb_people_free(sb_people *people) {
  if (!people) return;
  for (size_t i = 0; i < people->count; i++) sb_store_person_clear(&people->items[i]);
  free(people->items);
  free(people);
}

sb_status sb_store_people_add(sb_people *people, sb_person *person, sb_error *error) {
  void *items = people->items;
  sb_status status = sb_grow(&items, people->count + 1, sizeof *people->items, error);
  if (status != SB_OK) {
    sb_store_person_clear(person);
    return status;
  }
  people->items = items;
  people->items[people->count++] = *person;
  return SB_OK;
}

/* The one person of a bound statement; takes over the statement, under the store's lock. */
static sb_status read_one(sb_statement *s, sb_people **out) {
  sb_people *people = sb_alloc(1, sizeof *people, s->error);
  if (!people) s->status = SB_NO_MEMORY;
  if (sb_statement_step(s)) {
    sb_person person;
    sb_store_person_read(s, &person);
    sb_status added = sb_store_people_add(people, &person, s->error);
    if (s->status == SB_OK) s->status = added;
    people->total = 1;
  } else if (s->status == SB_OK) {
    s->status = sb_fail(s->error, SB_NOT_FOUND, "there is no person with this id");
  }
  sb_status status = sb_statement_end(s);
  if (status == SB_OK)
    *out = people;
  else
    sb_people_free(people);
  return status;
}

static sb_status get_locked(sb_store *store, int64_t row, sb_people **out, sb_error *error) {
  sb_statement s = sb_statement_new(store, SB_PERSON_COLUMNS "WHERE p.id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  return read_one(&s, out);
}

static sb_status find_locked(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_people **out,
                             sb_error *error) {
  /* While a rotation goes on a person stands under the newest key's hash or an older one's. */
  uint32_t numbers[SB_DATA_KEYS_MAX];
  uint8_t hash[SB_DIGEST_SIZE];
  sb_status status = sb_store_keys_refresh(store, error);
  size_t count = sb_keyring_numbers(store->keyring, numbers);
  if (status == SB_OK && !count) status = sb_store_keys_wrong(store, error);
  for (size_t i = 0; i < count && (status == SB_OK || status == SB_NOT_FOUND); i++) {
    sb_store_person_hash(store, numbers[i], collection, id, hash);
    sb_statement s = sb_statement_new(store, "SELECT id FROM person WHERE collection = ? AND external_hash = ?", error);
    sb_statement_bind_int(&s, 1, collection);
    sb_statement_bind_blob(&s, 2, hash, sizeof hash);
    int64_t found = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
    status = sb_statement_end(&s);
    if (status == SB_OK && !found) status = sb_fail(error, SB_NOT_FOUND, "there is no person with this id");
    if (status == SB_OK && row) *row = found;
    if (status == SB_OK && out) status = get_locked(store, found, out, error);
    if (status != SB_NOT_FOUND) break;
  }
  return status;
}

sb_status sb_store_person_find(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_people **out,
                               sb_error *error) {
  sb_store_lock(store);
  sb_status status = find_locked(store, collection, id, row, out, error);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_person_get(sb_store *store, int64_t row, sb_people **out, sb_error *error) {
  sb_store_lock(store);
  sb_status status = get_locked(store, row, out, error);
  sb_store_unlock(store);
  return status;
}

/* Selects what sb_store_person_read does, in the same columns, and leaves the rest NULL. */
sb_status sb_store_person_summary(sb_store *store, int64_t row, sb_person *out, sb_error *error) {
  sb_person person = {0};
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store,
      "SELECT p.id, p.external_id, p.name, NULL, NULL, NULL, a.id, a.attributes" SB_PERSON_TABLES "WHERE p.id = ?",
      error);
  sb_statement_bind_int(&s, 1, row);
  if (sb_statement_step(&s)) {
    person.id = open_person_field(&s, 1, row, "external_id");
    person.name = open_person_field(&s, 2, row, "name");
    read_attributes(&s, &person);
  } else if (s.status == SB_OK) {
    s.status = sb_fail(error, SB_NOT_FOUND, "there is no person with this id");
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK)
    *out = person;
  else
    sb_store_person_clear(&person);
  return status;
}

sb_status sb_store_totals(sb_store *store, size_t *people, size_t *faces, sb_error *error) {
  sb_store_lock(store);
  sb_status status = sb_store_count(store, 0, people, faces, error);
  sb_store_unlock(store);
  return status;
}

/* A person has few faces: their photos' digests are opened and compared. */
static sb_status has_source(sb_store *store, int64_t person, const uint8_t source[SB_DIGEST_SIZE], bool *known,
                            sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT id, source FROM face WHERE person = ?", error);
  sb_statement_bind_int(&s, 1, person);
  while (!*known && sb_statement_step(&s)) {
    size_t size = 0;
    char *held = sb_statement_column_sealed(
        &s, 1, &(sb_seal_context){"face", "source", sb_statement_column_int(&s, 0), NULL}, &size);
    *known = held && size == SB_DIGEST_SIZE && sb_crypto_equal(held, source, SB_DIGEST_SIZE);
    free(held);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_face_known(sb_store *store, int64_t person, const uint8_t source[SB_DIGEST_SIZE], bool *known,
                              sb_error *error) {
  *known = false;
  sb_store_lock(store);
  sb_status status = sb_store_keys_refresh(store, error);
  if (status == SB_OK) status = has_source(store, person, source, known, error);
  sb_store_unlock(store);
  return status;
}

/* ---- Writing */

static void newest_hash(sb_store *store, int64_t collection, const char *id, uint8_t digest[SB_DIGEST_SIZE]) {
  uint32_t numbers[SB_DATA_KEYS_MAX] = {0};
  sb_keyring_numbers(store->keyring, numbers);
  sb_store_person_hash(store, numbers[0], collection, id, digest);
}

static void bind_person_text(sb_statement *s, int index, int64_t row, const char *column, const char *value) {
  sb_statement_bind_sealed(s, index, &(sb_seal_context){"person", column, row, NULL}, value, strlen(value));
}

static sb_status add_person(sb_store *store, const sb_store_enrollment *e, int64_t *row, sb_error *error) {
  uint8_t hash[SB_DIGEST_SIZE];
  newest_hash(store, e->collection, e->id, hash);
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
  bind_person_text(&s, 4, *row, "external_id", e->id);
  bind_person_text(&s, 5, *row, "name", e->name);
  bind_person_text(&s, 6, *row, "consent", e->consent ? e->consent : "");
  sb_statement_bind_int(&s, 7, sb_now_ms());
  if (e->purpose && *e->purpose) bind_person_text(&s, 8, *row, "purpose", e->purpose);
  if (e->expires_ms) sb_statement_bind_int(&s, 9, e->expires_ms);
  s.pipelined = true;
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* Through the collection's transform. */
static void bind_template(sb_statement *s, int index, const sb_seal_context *place, int64_t collection,
                          const float *embedding, size_t dim) {
  const sb_store_protection *protection = NULL;
  float *protected = sb_alloc(dim, sizeof *protected, s->error);
  if (s->status == SB_OK)
    s->status = protected ? sb_store_protection_get(s->store, collection, &protection, s->error) : SB_NO_MEMORY;
  if (s->status == SB_OK) {
    sb_transform_apply(protection->transform, embedding, protected);
    sb_statement_bind_template(s, index, place, protected, dim);
  }
  free(protected);
}

static sb_status add_face(sb_store *store, const sb_store_enrollment *e, const sb_store_collection *collection,
                          int64_t person, const sb_store_face *face, int64_t *row, sb_error *error) {
  uint8_t attributes[SB_ATTRIBUTES_SIZE];
  sb_status status = store->driver->next_row(store, "face", row, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(
      store,
      "INSERT INTO face(id, person, collection, template, attributes, quality, source, created, thumbnail)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
      error);
  sb_statement_bind_int(&s, 1, *row);
  sb_statement_bind_int(&s, 2, person);
  sb_statement_bind_int(&s, 3, e->collection);
  bind_template(&s, 4, &(sb_seal_context){"face", "template", *row, collection->info.model}, e->collection,
                face->embedding, collection->info.dim);
  if (face->attributes) {
    sb_store_attributes_write(face->attributes, attributes);
    sb_statement_bind_sealed(&s, 5, &(sb_seal_context){"face", "attributes", *row, NULL}, attributes,
                             sizeof attributes);
  }
  sb_statement_bind_real(&s, 6, face->quality);
  sb_statement_bind_sealed(&s, 7, &(sb_seal_context){"face", "source", *row, NULL}, face->source, sizeof face->source);
  sb_statement_bind_int(&s, 8, sb_now_ms());
  if (face->thumbnail_size)
    sb_statement_bind_sealed(&s, 9, &(sb_seal_context){"face", "thumbnail", *row, NULL}, face->thumbnail,
                             face->thumbnail_size);
  s.pipelined = true;
  sb_statement_step(&s);
  status = sb_statement_end(&s);
  return status == SB_OK ? sb_store_change_append(store, SB_CHANGE_PUT, e->collection, *row, person, error) : status;
}

static sb_status collection_of(sb_store *store, int64_t row, sb_store_collection *out, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT model, dim FROM collection WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  if (sb_statement_step(&s)) {
    *out = (sb_store_collection){.row = row, .info.dim = (size_t)sb_statement_column_int(&s, 1)};
    strncpy(out->info.model, sb_statement_column_text(&s, 0), sizeof out->info.model - 1);
  } else if (s.status == SB_OK) {
    s.status = sb_fail(error, SB_NOT_FOUND, "the collection is gone");
  }
  return sb_statement_end(&s);
}

sb_status sb_store_enroll(sb_store *store, const sb_store_enrollment *e, int64_t *person_row, int64_t *face_rows,
                          sb_error *error) {
  sb_store_collection collection;
  int64_t person = 0, people = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = collection_of(store, e->collection, &collection, error);
  if (status == SB_OK) {
    status = find_locked(store, e->collection, e->id, &person, NULL, error);
    if (status == SB_OK && !e->may_exist)
      status = sb_fail(error, SB_EXISTS, "a person with this id is enrolled already");
    else if (status == SB_NOT_FOUND && e->name)
      status = add_person(store, e, &person, error), people = 1;
  }
  for (size_t i = 0; status == SB_OK && i < e->face_count; i++)
    status = add_face(store, e, &collection, person, &e->faces[i], &face_rows[i], error);
  if (status == SB_OK)
    status = sb_audit_append(store, "enroll", e->collection, person, (int64_t)e->face_count, NULL, error);
  sb_store_adjust_counts(store, e->collection, people, (int64_t)e->face_count);
  status = sb_store_finish(store, status, error);
  if (status == SB_OK) *person_row = person;
  return status;
}

sb_status sb_store_person_rename(sb_store *store, int64_t row, const char *name, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, "UPDATE person SET name = ? WHERE id = ?", error);
  bind_person_text(&s, 1, row, "name", name);
  sb_statement_bind_int(&s, 2, row);
  sb_statement_step(&s);
  if (s.status == SB_OK && !sb_store_rows_written(store))
    s.status = sb_fail(error, SB_NOT_FOUND, "there is no such person");
  status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_audit_append_person(store, "rename", row, 0, NULL, error);
  return sb_store_finish(store, status, error);
}

sb_status sb_store_person_set_terms(sb_store *store, int64_t row, const sb_store_terms *terms, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s =
      sb_statement_new(store,
                       "UPDATE person SET consent = coalesce(?1, consent), purpose = coalesce(?2, purpose),"
                       " expires = CASE WHEN ?3 <> 0 THEN ?4 ELSE expires END WHERE id = ?5",
                       error);
  if (terms->consent) bind_person_text(&s, 1, row, "consent", terms->consent);
  if (terms->purpose) bind_person_text(&s, 2, row, "purpose", terms->purpose);
  sb_statement_bind_int(&s, 3, terms->set_expires);
  if (terms->expires_ms) sb_statement_bind_int(&s, 4, terms->expires_ms);
  sb_statement_bind_int(&s, 5, row);
  sb_statement_step(&s);
  if (s.status == SB_OK && !sb_store_rows_written(store))
    s.status = sb_fail(error, SB_NOT_FOUND, "there is no such person");
  status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_audit_append_person(store, "terms", row, 0, NULL, error);
  return sb_store_finish(store, status, error);
}

sb_status sb_store_person_change_id(sb_store *store, int64_t row, const char *id, sb_error *error) {
  int64_t collection = 0, other = 0;
  uint8_t hash[SB_DIGEST_SIZE];
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, "SELECT collection FROM person WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  if (sb_statement_step(&s))
    collection = sb_statement_column_int(&s, 0);
  else if (s.status == SB_OK)
    s.status = sb_fail(error, SB_NOT_FOUND, "there is no such person");
  status = sb_statement_end(&s);
  if (status == SB_OK) {
    status = find_locked(store, collection, id, &other, NULL, NULL);
    if (status == SB_NOT_FOUND || (status == SB_OK && other == row))
      status = SB_OK;
    else if (status == SB_OK)
      status = sb_fail(error, SB_EXISTS, "a person with this id is enrolled already");
  }
  if (status == SB_OK) {
    newest_hash(store, collection, id, hash);
    s = sb_statement_new(store, "UPDATE person SET external_hash = ?, external_id = ? WHERE id = ?", error);
    sb_statement_bind_blob(&s, 1, hash, sizeof hash);
    bind_person_text(&s, 2, row, "external_id", id);
    sb_statement_bind_int(&s, 3, row);
    sb_statement_step(&s);
    status = sb_statement_end(&s);
  }
  if (status == SB_OK) status = sb_audit_append(store, "change-id", collection, row, 0, NULL, error);
  return sb_store_finish(store, status, error);
}
