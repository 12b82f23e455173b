/* What the files of the store share. */
#ifndef SB_STORE_INTERNAL_H
#define SB_STORE_INTERNAL_H

#include "crypto/row_set_mac.h"
#include "crypto/transform.h"
#include "store/drivers/driver.h"
#include "store/store.h"

/* A collection's transform as it was last read. */
typedef struct sb_store_protection {
  int64_t collection, version;
  uint8_t seed[SB_SEED_SIZE];
  sb_transform *transform;
} sb_store_protection;

/* How many a collection (0: all) holds, as of `written` and data_version; when that was counted, and how long it took. */
typedef struct sb_store_counted {
  int64_t collection, written, data_version;
  double at_ms, took_ms;
  size_t people, faces;
} sb_store_counted;

typedef struct sb_audit_waiting sb_audit_waiting;
typedef struct sb_store_replica sb_store_replica;

struct sb_store {
  char *dir; /* has the root key, and the database where that is a file */
  char *url; /* of a database server; NULL: none */
  const sb_driver *driver;
  void *connection; /* the driver's */
  int cancel_event; /* an event that a database server's store and its readers share: can be read after sb_store_cancel_waits; -1: none */
  bool
      single_attempt; /* the connection is tried once, and when it is lost it stays lost: a new one may lead to another server */
  sb_store_replica *replica; /* NULL: none was given */
  pthread_mutex_t lock;      /* one connection, one statement at a time; held over a whole transaction */
  sb_root *root;
  sb_keyring *keyring;
  int64_t newest_key;               /* number of the newest data key that the keyring has */
  sb_store_protection *protections; /* guarded by the lock */
  size_t protection_count;
  sb_timed_stage stage_before; /* the stage that this thread was in when it took the lock */
  int claim;                   /* the server's lock file, or -1 */
  int64_t data_version;        /* as sb_store_changes saw it last, with `written` at that time */
  int64_t written, seen_written, seen_sequence;
  sb_crypto_row_set_mac row_mac; /* what the transaction at hand adds to the one that is kept (tally.c) */
  bool row_mac_changed;          /* rows or the audit's head changed in it */
  /* Entries that wait for a transaction (audit.c), under a lock of their own. */
  pthread_mutex_t notes_lock;
  pthread_cond_t noted;
  sb_audit_waiting *notes, **notes_end;
  bool noting;
  sb_store_counted counted[2]; /* of the collection that was asked for last, and of all */
  /* What the transaction in progress changes of them; not `known`: whatever. */
  struct {
    bool known;
    int64_t collection, people, faces;
  } delta;
};

/* ---- store.c */

/* A store for looking only, on a connection of its own and without keys: nothing sealed can be opened. sb_store_close. */
sb_status sb_store_reader(const sb_store *store, sb_store **out, sb_error *error);
sb_status sb_store_reader_at(const char *dir, const char *url, sb_store **out, sb_error *error); /* url NULL: none */

/* The same at a copy of the database: tried once, and never made anew. */
sb_status sb_store_replica_at(const char *dir, const char *url, sb_store **out, sb_error *error);
bool sb_store_url_is_server(const char *url); /* postgresql://... */

/* The same as sb_store_open_at also where a migration was cut off. */
sb_status sb_store_open_target(const char *dir, const char *url, sb_store **out, sb_error *error);

/* ---- statement.c: under the lock. After a failure (status) a statement does nothing any more. */

sb_statement sb_statement_new(sb_store *store, const char *sql, sb_error *error);
void sb_statement_bind_int(sb_statement *s, int index, int64_t value);
void sb_statement_bind_real(sb_statement *s, int index, double value);
void sb_statement_bind_blob(sb_statement *s, int index, const void *bytes,
                            size_t size); /* borrowed until the next step's end */
void sb_statement_bind_text(sb_statement *s, int index, const char *text);
/* Seals `plain` for the place and binds it; the copy is the statement's. */
void sb_statement_bind_sealed(sb_statement *s, int index, const sb_seal_context *place, const void *plain, size_t size);
bool sb_statement_step(sb_statement *s); /* true: a row; false: done, or failed (see status) */
/* Of the row; valid until the next step. */
bool sb_statement_column_null(sb_statement *s, int column);
int64_t sb_statement_column_int(sb_statement *s, int column);
double sb_statement_column_real(sb_statement *s, int column);
const char *sb_statement_column_text(sb_statement *s, int column);               /* "" where it is NULL */
const void *sb_statement_column_blob(sb_statement *s, int column, size_t *size); /* NULL where it is NULL */
/* Opens a sealed column into new memory with a NUL behind it; NULL after a failure. */
char *sb_statement_column_sealed(sb_statement *s, int column, const sb_seal_context *place, size_t *size);
void sb_statement_reset(sb_statement *s);       /* to be bound and stepped anew */
sb_status sb_statement_end(sb_statement *s);    /* frees; gives the status */
int64_t sb_store_rows_written(sb_store *store); /* rows that the last statement wrote */
/* All rows of a statement, each read into an item of `size` bytes; ends the statement and gives back the lock. `*out`: free(). */
typedef void (*sb_statement_row_read)(sb_statement *s, void *item);
sb_status sb_statement_list(sb_statement *s, size_t size, sb_statement_row_read read, void **out, size_t *count);
/* How many people and faces a collection (0: all of them) holds; counted anew only where others wrote, or what was not told of.
 * Under the lock. */
sb_status sb_store_count(sb_store *store, int64_t collection, size_t *people, size_t *faces, sb_error *error);
/* Tells, within a transaction, how it changes the number of a collection's members, so that nobody has to count them anew.
 * Transactions that tell nothing may change whatever. */
void sb_store_adjust_counts(sb_store *store, int64_t collection, int64_t people, int64_t faces);
/* The first column of the first row as a number, 0 where there is none. */
sb_status sb_store_number(sb_store *store, const char *sql, int64_t *value, sb_error *error);
/* Puts a value into `meta`, in the place of the key's former one. */
sb_status sb_store_meta_set(sb_store *store, const char *key, const void *value, size_t size, sb_error *error);
/* Statements without parameters or rows. */
sb_status sb_store_exec(sb_store *store, const char *sql, sb_error *error);

/* Takes the lock and begins to write; nobody else writes until sb_store_finish, which commits when `status` is SB_OK, else
 * rolls back, and gives what came out. */
sb_status sb_store_begin(sb_store *store, sb_error *error);
sb_status sb_store_finish(sb_store *store, sb_status status, sb_error *error);
/* Under the lock: what is read from one to the other is of one moment. */
sb_status sb_store_begin_read(sb_store *store, sb_error *error);
void sb_store_end_read(sb_store *store);
void sb_store_lock(sb_store *store);
void sb_store_unlock(sb_store *store);

/* ---- template.c: templates, protected by their collection's transform; `dim` numbers */

/* Bytes that the database has of one. */
size_t sb_store_template_size(const sb_store *store, size_t dim);
/* Any thread, also without the lock as long as the keyring does not change. SB_STORE: not `dim` numbers. */
sb_status sb_store_template_open(const sb_store *store, const sb_seal_context *place, const void *bytes, size_t size,
                                 size_t dim, float *out, sb_error *error);
void sb_statement_column_template(sb_statement *s, int column, const sb_seal_context *place, size_t dim, float *out);
void sb_statement_bind_template(sb_statement *s, int index, const sb_seal_context *place, const float *values,
                                size_t dim);

/* The file of a root key that is about to take the place of semblance.key. */
#define SB_NEXT_KEY "semblance.key.next"

/* ---- schema.c */
enum { SB_SQLITE_STEPS = 5 };
extern const sb_store_schema_step sb_sqlite_steps[SB_SQLITE_STEPS];
sb_status sb_store_schema_prepare(sb_store *store, sb_error *error);

/* ---- keys.c: under the lock */

/* SB_WRONG_KEY with the sentence for it. */
sb_status sb_store_keys_wrong(sb_store *store, sb_error *error);
/* Takes in the data keys that the database has; SB_WRONG_KEY under another root key. */
sb_status sb_store_keys_load(sb_store *store, sb_error *error);
/* The same when another process has added some. Every write begins with it: nothing is sealed under a retired key. */
sb_status sb_store_keys_refresh(sb_store *store, sb_error *error);
/* Adds a data key of that purpose within a transaction. */
sb_status sb_store_keys_make(sb_store *store, sb_keyring_purpose purpose, sb_error *error);

/* ---- protection.c: under the lock */

/* Draws a new secret transform for the collection, within a transaction. */
sb_status sb_store_protection_renew(sb_store *store, int64_t collection, sb_error *error);
/* The collection's transform; borrowed until the lock is given back. */
sb_status sb_store_protection_get(sb_store *store, int64_t collection, const sb_store_protection **out,
                                  sb_error *error);
/* The same where the row's version is known: no look at the database when it is the one that was cached. */
sb_status sb_store_protection_get_version(sb_store *store, int64_t collection, int64_t version,
                                          const sb_store_protection **out, sb_error *error);
void sb_store_protections_free(sb_store *store);
/* After a transaction that renewed one was rolled back. */
void sb_store_protections_invalidate(sb_store *store);

/* ---- rewrite.c: what stands sealed is sealed anew, row by row, within a transaction */

/* Seals the row of `table` ("collection", "admin", "person" or "face") with the smallest id above `*row` under the newest data key
 * and moves `*row` there; `*done` when there is none. */
sb_status sb_store_reseal_next(sb_store *store, const char *table, int64_t *row, bool *done, sb_error *error);
/* All of schema 1, whose fields were sealed under the root key: fields, hashes, and templates into transforms. */
sb_status sb_store_reseal_legacy(sb_store *store, sb_error *error);
/* All templates of a collection from one transform into another. Gives how many. */
sb_status sb_store_reseal_templates(sb_store *store, int64_t collection, const sb_transform *from,
                                    const sb_transform *to, size_t *count, sb_error *error);

/* ---- changes.c: within a transaction */
sb_status sb_store_change_append(sb_store *store, sb_store_change_kind kind, int64_t collection, int64_t face,
                                 int64_t person, sb_error *error);

/* ---- audit.c: within a transaction; `receipt` NULL: none */
sb_status sb_audit_append(sb_store *store, const char *verb, int64_t collection, int64_t person, int64_t count,
                          sb_audit_receipt *receipt, sb_error *error);

/* The same about a person who is there, with the collection that it is in. */
sb_status sb_audit_append_person(sb_store *store, const char *verb, int64_t person, int64_t count,
                                 sb_audit_receipt *receipt, sb_error *error);

/* ---- target.c: under the lock */

/* Is it the entry of a choice? */
bool sb_store_operating_point_chosen(const sb_chain_entry *entry);
/* SB_STORE: what is kept is not what `chosen`, the newest such entry (all zero: there is none), says. */
sb_status sb_store_operating_point_check(sb_store *store, const sb_chain_entry *chosen, sb_error *error);

/* ---- sqlite.c: the connection, for tally.c */
struct sqlite3 *sb_sqlite_of(const sb_store *store);

/* ---- tally.c: under the lock */

sb_status sb_store_row_mac_open(sb_store *store, sb_error *error);    /* before anything else */
sb_status sb_store_row_mac_observe(sb_store *store, sb_error *error); /* from now on, once the schema is there */
/* Sums up what is there, within a transaction. */
sb_status sb_store_row_mac_start(sb_store *store, sb_error *error);
/* Are all rows those that were written? */
sb_status sb_store_row_mac_sound(sb_store *store, bool *sound, sb_error *error);
sb_status sb_store_row_mac_commit(sb_store *store, sb_error *error); /* before every COMMIT */
void sb_store_row_mac_reset(sb_store *store);                        /* before every BEGIN */
/* SB_STORE: the rows are not those that this program wrote. `newest`: the audit's newest entry. Reads all rows. */
sb_status sb_store_row_mac_check(sb_store *store, int64_t newest, sb_error *error);

/* ---- nearest.c */

typedef struct sb_database_search_query {
  int64_t collection;
  const float *vector; /* as the database has them, through the collection's transform */
  size_t dim, k;
  bool by_person;
} sb_database_search_query;
/* sb_database_search_run for what is protected already. */
sb_status sb_database_search_protected(sb_database_search *nearest, const sb_database_search_query *query, sb_hit *hits,
                                       size_t *found, sb_error *error);

/* ---- hnsw.c */
enum { SB_HNSW_NAME = 48 };
void sb_hnsw_name(int64_t collection, char name[SB_HNSW_NAME]); /* of the collection's index */
/* Within a transaction: what was measured in a collection holds no more. */
sb_status sb_hnsw_invalidate(sb_store *store, int64_t collection, sb_error *error);
/* Drops the indexes of collections that are there no more, and of the one that was `emptied` (0: none). What cannot be dropped now is
 * logged. Not under the lock. */
void sb_hnsw_sweep(sb_store *store, int64_t emptied);

/* ---- load.c: under the lock */

/* Visits all faces, from several threads at once. Rows are read by `reader`: the store, or a copy of its database, under its lock. */
sb_status sb_store_load_faces(sb_store *store, sb_store *reader, sb_store_change_visit visit, void *context,
                              sb_error *error);

/* ---- postgres_replica.c: a copy of the database for what may be read a moment late. Locked; a `link` is its owner's. */

void sb_store_replica_free(sb_store_replica *replica);
/* Is there a replica that has every change up to `least`? Then *link, which is made where it is NULL, leads to it. False: ask the
 * database itself. Waits for milliseconds. */
bool sb_store_replica_ready(const sb_store *store, int64_t least, sb_store **link);
/* What was read there is of use, or it failed with `error`: then *link is closed where it is good for nothing more. */
void sb_store_replica_read_done(const sb_store *store, sb_store **link, sb_status status, const sb_error *error);

/* ---- people.c */
#define SB_PERSON_FIELDS                                                                                           \
  "SELECT p.id, p.external_id, p.name, p.consent, p.created, (SELECT count(*) FROM face f WHERE f.person = p.id)," \
  " a.id, a.attributes, p.purpose, p.expires"
#define SB_PERSON_TABLES                      \
  " FROM person p LEFT JOIN face a ON a.id =" \
  " (SELECT min(b.id) FROM face b WHERE b.person = p.id AND b.attributes IS NOT NULL) "
#define SB_PERSON_COLUMNS SB_PERSON_FIELDS SB_PERSON_TABLES
/* With the first thumbnail of each behind them, for sb_store_person_thumbnail_read. */
#define SB_PERSON_PICTURED                                                             \
  SB_PERSON_FIELDS ", t.id, t.thumbnail" SB_PERSON_TABLES "LEFT JOIN face t ON t.id =" \
                   " (SELECT min(c.id) FROM face c WHERE c.person = p.id AND c.thumbnail IS NOT NULL) "
/* The row of SB_PERSON_COLUMNS. Fields that could not be opened are NULL; then s->status tells. */
void sb_store_person_read(sb_statement *s, sb_person *person);
void sb_store_person_thumbnail_read(sb_statement *s, sb_person *person);
void sb_store_person_clear(sb_person *person);
/* Takes the person over, also when it fails. */
sb_status sb_store_people_add(sb_people *people, sb_person *person, sb_error *error);
/* The id of the person whose row is in column 0 and whose sealed id is in `column`; NULL after a failure. */
char *sb_store_person_id_open(sb_statement *s, int column, int64_t person);
void sb_store_person_hash(sb_store *store, uint32_t number, int64_t collection, const char *id,
                          uint8_t digest[SB_DIGEST_SIZE]);

/* ---- erase.c */
/* Empties the write-ahead log, so that what was overwritten is nowhere. Waits for readers up to the busy time. */
sb_status sb_store_erase_log(sb_store *store, sb_error *error);

#endif
