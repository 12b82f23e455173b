/* What the files of the store share. */
#ifndef SB_STORE_INTERNAL_H
#define SB_STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

struct sb_store {
  char *dir;
  sqlite3 *db;
  pthread_mutex_t lock; /* one connection, one statement at a time; held over a whole transaction */
  sb_keyring *keyring;
  int claim;            /* the server's lock file, or -1 */
  int64_t data_version; /* as sb_store_changes saw it last, with `written` at that time */
  int64_t written, seen_written, seen_sequence;
};

/* ---- statement.c: SQLite with the errors of this project */

typedef struct sb_statement {
  sb_store *store;
  sqlite3_stmt *raw;
  sb_status status; /* the first failure: what follows does nothing */
  sb_error *error;
} sb_statement;

/* The status for SQLite's last result on this connection. */
sb_status sb_store_failed(sb_store *store, int code, sb_error *error);
sb_statement sb_statement_new(sb_store *store, const char *sql, sb_error *error);
void sb_bind_int(sb_statement *s, int index, int64_t value);
void sb_bind_real(sb_statement *s, int index, double value);
void sb_bind_blob(sb_statement *s, int index, const void *bytes, size_t size); /* borrowed until the next step's end */
void sb_bind_text(sb_statement *s, int index, const char *text);
/* Seals `plain` for the place and binds it; the copy is SQLite's. */
void sb_bind_sealed(sb_statement *s, int index, const sb_place *place, const void *plain, size_t size);
bool sb_step(sb_statement *s); /* true: a row; false: done, or failed (see status) */
/* Opens a sealed column into new memory with a NUL behind it; NULL after a failure. */
char *sb_column_open(sb_statement *s, int column, const sb_place *place, size_t *size);
sb_status sb_statement_end(sb_statement *s); /* frees; gives the status */
/* A statement without rows. */
sb_status sb_store_exec(sb_store *store, const char *sql, sb_error *error);

/* BEGIN IMMEDIATE under the store's lock; sb_store_finish commits when `status` is SB_OK, else rolls back; gives what came out. */
sb_status sb_store_begin(sb_store *store, sb_error *error);
sb_status sb_store_finish(sb_store *store, sb_status status, sb_error *error);
/* Takes the lock for reading. */
void sb_store_lock(sb_store *store);
void sb_store_unlock(sb_store *store);

/* ---- schema.c */
sb_status sb_schema_prepare(sb_store *store, sb_error *error);

/* ---- changes.c: within a transaction */
sb_status sb_change_note(sb_store *store, sb_change_kind kind, int64_t collection, int64_t face, int64_t person,
                         sb_error *error);

/* ---- people.c */
#define SB_PERSON_COLUMNS                                                                                           \
  "SELECT p.id, p.external_id, p.name, p.consent, p.created, (SELECT count(*) FROM face f WHERE f.person = p.id)," \
  " a.id, a.attributes FROM person p LEFT JOIN face a ON a.id ="                                                   \
  " (SELECT min(b.id) FROM face b WHERE b.person = p.id AND b.attributes IS NOT NULL) "
/* The row of SB_PERSON_COLUMNS. Fields that could not be opened are NULL; then s->status tells. */
void sb_person_read(sb_statement *s, sb_person *person);
void sb_person_clear(sb_person *person);
/* Takes the person over, also when it fails. */
sb_status sb_people_add(sb_people *people, sb_person *person, sb_error *error);
/* The id of the person whose row is in column 0 and whose sealed id is in `column`; NULL after a failure. */
char *sb_person_id_open(sb_statement *s, int column, int64_t person);
/* Empties the write-ahead log, so that what was overwritten is nowhere. Waits for readers up to the busy time. */
sb_status sb_store_erase_log(sb_store *store, sb_error *error);

#endif
