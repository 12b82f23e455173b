/* Rows of the table person: the columns that lists and look-ups select, and how they are read. Under the lock. */
#ifndef SB_STORE_GALLERY_PERSON_ROWS_H
#define SB_STORE_GALLERY_PERSON_ROWS_H

#include "store/core/store_core.h"

/* Columns of SB_PERSON_SELECT and its relatives, to be followed by a WHERE clause. */
enum {
  SB_PERSON_COLUMN_ROW,
  SB_PERSON_COLUMN_ID,
  SB_PERSON_COLUMN_NAME,
  SB_PERSON_COLUMN_CONSENT,
  SB_PERSON_COLUMN_CREATED,
  SB_PERSON_COLUMN_FACES,
  SB_PERSON_COLUMN_DESCRIBED_FACE, /* the first face that has attributes */
  SB_PERSON_COLUMN_ATTRIBUTES,
  SB_PERSON_COLUMN_PURPOSE,
  SB_PERSON_COLUMN_EXPIRES,
  SB_PERSON_COLUMN_PICTURED_FACE, /* the first face that has a thumbnail; with SB_PERSON_SELECT_PICTURED only */
  SB_PERSON_COLUMN_THUMBNAIL
};
/* Sub-selects by person, and no outer join: Citus runs them where the person is. */
#define SB_PERSON_FACE_COUNT "(SELECT count(*) FROM face f WHERE f.person = p.id)"
#define SB_PERSON_FIRST_FACE(column) "(SELECT min(f.id) FROM face f WHERE f.person = p.id AND f." column " IS NOT NULL)"
#define SB_PERSON_OF_FIRST_FACE(column) \
  "(SELECT g." column " FROM face g WHERE g.person = p.id AND g.id = " SB_PERSON_FIRST_FACE(column) ")"
#define SB_PERSON_COLUMNS                                                    \
  "p.id, p.external_id, p.name, p.consent, p.created, " SB_PERSON_FACE_COUNT \
  ", " SB_PERSON_FIRST_FACE("attributes") ", " SB_PERSON_OF_FIRST_FACE("attributes") ", p.purpose, p.expires"
#define SB_PERSON_SELECT "SELECT " SB_PERSON_COLUMNS " FROM person p "
#define SB_PERSON_SELECT_PICTURED \
  "SELECT " SB_PERSON_COLUMNS     \
  ", " SB_PERSON_FIRST_FACE("thumbnail") ", " SB_PERSON_OF_FIRST_FACE("thumbnail") " FROM person p "

/* Reads the current row. A field that could not be opened is NULL, and s->status says why. */
void sb_store_person_read(sb_statement *s, sb_person *person);
/* The same, but id, name, attributes and the number of faces only; the rest is NULL or 0. */
void sb_store_person_read_summary(sb_statement *s, sb_person *person);
/* The thumbnail of the current row, of SB_PERSON_SELECT_PICTURED. */
void sb_store_person_thumbnail_read(sb_statement *s, sb_person *person);
/* Opens the sealed id in `column` of person `row`; NULL after a failure. */
char *sb_store_person_id_open(sb_statement *s, int column, int64_t row);
/* Binds a text field of person `row`, sealed. */
void sb_store_person_bind(sb_statement *s, int index, int64_t row, const char *column, const char *value);

void sb_store_person_clear(sb_person *person);
/* Appends to a list; takes the person over, also on failure. */
sb_status sb_store_people_add(sb_people *people, sb_person *person, sb_error *error);

/* The keyed hash by which an id is looked up, under the data key `number`, or the newest one. */
void sb_store_person_hash(sb_store *store, uint32_t number, int64_t collection, const char *id,
                          uint8_t digest[SB_DIGEST_SIZE]);
void sb_store_person_hash_newest(sb_store *store, int64_t collection, const char *id, uint8_t digest[SB_DIGEST_SIZE]);

#endif
