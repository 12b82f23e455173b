/* Reading people: sealed fields of the table person into sb_person.
 *
 * Id, name, consent and purpose are sealed one by one. Because equal plaintexts have different seals, an id is found by
 * a keyed hash (external_hash), never by its sealed column. Attributes and thumbnail come from the person's first face
 * that has them. */
#include "store/gallery/person_rows.h"

#include "store/sealing/column_encoding.h"
#include "store/sealing/keys.h"
#include "store/sealing/sealed_columns.h"

#include <stdlib.h>
#include <string.h>

static char *open_field(sb_statement *s, int column, int64_t row, const char *name) {
  size_t size = 0;
  return sb_statement_column_sealed(s, column, &(sb_seal_context){"person", name, row, NULL}, &size);
}

char *sb_store_person_id_open(sb_statement *s, int column, int64_t row) {
  return open_field(s, column, row, "external_id");
}

void sb_store_person_bind(sb_statement *s, int index, int64_t row, const char *column, const char *value) {
  sb_statement_bind_sealed(s, index, &(sb_seal_context){"person", column, row, NULL}, value, strlen(value));
}

/* A purpose that was never given is NULL in the database and "" here. */
static char *open_purpose(sb_statement *s, int64_t row) {
  if (s->status != SB_OK) return NULL;
  if (!sb_statement_column_null(s, SB_PERSON_COLUMN_PURPOSE))
    return open_field(s, SB_PERSON_COLUMN_PURPOSE, row, "purpose");
  char *none = sb_strdup("", s->error);
  if (!none) s->status = SB_NO_MEMORY;
  return none;
}

static void read_attributes(sb_statement *s, sb_person *person) {
  if (s->status != SB_OK || sb_statement_column_null(s, SB_PERSON_COLUMN_ATTRIBUTES)) return;
  size_t size = 0;
  int64_t face = sb_statement_column_int(s, SB_PERSON_COLUMN_DESCRIBED_FACE);
  char *bytes = sb_statement_column_sealed(s, SB_PERSON_COLUMN_ATTRIBUTES,
                                           &(sb_seal_context){"face", "attributes", face, NULL}, &size);
  if (bytes) person->has_attributes = sb_store_attributes_read((const uint8_t *)bytes, size, &person->attributes);
  free(bytes);
}

void sb_store_person_read_summary(sb_statement *s, sb_person *person) {
  int64_t row = sb_statement_column_int(s, SB_PERSON_COLUMN_ROW);
  *person = (sb_person){.id = sb_store_person_id_open(s, SB_PERSON_COLUMN_ID, row)};
  person->name = open_field(s, SB_PERSON_COLUMN_NAME, row, "name");
  person->faces = (size_t)sb_statement_column_int(s, SB_PERSON_COLUMN_FACES);
  read_attributes(s, person);
}

void sb_store_person_read(sb_statement *s, sb_person *person) {
  int64_t row = sb_statement_column_int(s, SB_PERSON_COLUMN_ROW);
  sb_store_person_read_summary(s, person);
  person->created_ms = sb_statement_column_int(s, SB_PERSON_COLUMN_CREATED);
  person->expires_ms = sb_statement_column_int(s, SB_PERSON_COLUMN_EXPIRES);
  person->consent = open_field(s, SB_PERSON_COLUMN_CONSENT, row, "consent");
  person->purpose = open_purpose(s, row);
}

void sb_store_person_thumbnail_read(sb_statement *s, sb_person *person) {
  if (s->status != SB_OK || sb_statement_column_null(s, SB_PERSON_COLUMN_THUMBNAIL)) return;
  int64_t face = sb_statement_column_int(s, SB_PERSON_COLUMN_PICTURED_FACE);
  person->thumbnail = (uint8_t *)sb_statement_column_sealed(
      s, SB_PERSON_COLUMN_THUMBNAIL, &(sb_seal_context){"face", "thumbnail", face, NULL}, &person->thumbnail_size);
}

/* ---- Lists */

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
  if (status != SB_OK) return sb_store_person_clear(person), status;
  people->items = items;
  people->items[people->count++] = *person;
  return SB_OK;
}

/* ---- Ids */

void sb_store_person_hash(sb_store *store, uint32_t number, int64_t collection, const char *id,
                          uint8_t digest[SB_DIGEST_SIZE]) {
  sb_keyring_hash(store->keys->keyring, number, "person-id", collection, id, strlen(id), digest);
}

void sb_store_person_hash_newest(sb_store *store, int64_t collection, const char *id, uint8_t digest[SB_DIGEST_SIZE]) {
  uint32_t numbers[SB_DATA_KEYS_MAX] = {0};
  sb_keyring_numbers(store->keys->keyring, numbers);
  sb_store_person_hash(store, numbers[0], collection, id, digest);
}
