/* L2: people, faces and collections in a database, sealed: SQLite in a folder, or PostgreSQL. Truth is here; an index is rebuilt from it. */
#ifndef SB_STORE_H
#define SB_STORE_H

#include "base/base.h"
#include "crypto/chain.h"
#include "crypto/crypto.h"
#include "crypto/transform.h"
#include "store/store_types.h"
#include "vector/vector.h"

/* Locked: any thread. Several processes may open one folder; each sees the others' changes by sb_store_changes. */
typedef struct sb_store sb_store;

/* Opens <dir>/semblance.db, making folder, key and schema when absent and migrating an older schema. `server` claims the
 * folder (flock on serve.lock): SB_BUSY when another server has it. SB_WRONG_KEY before anything is written.
 * SB_STORE for a damaged file or a newer schema, SB_READ_ONLY, SB_DISK_FULL, SB_IO. */
sb_status sb_store_open(const char *dir, bool server, sb_store **out, sb_error *error);
/* The same in a database server, which `url` names (libpq's connection string, "postgresql://..."); NULL or "": in the folder.
 * The folder then has the root key; any number of servers may work on the gallery, with the same key. Beside the above SB_BUSY
 * and SB_IO: it cannot be reached, now. */
sb_status sb_store_open_at(const char *dir, const char *url, bool server, sb_store **out, sb_error *error);
/* The TCP ports that a connection string leads to; how many, at most `room`. 0: it cannot be read. */
size_t sb_store_ports(const char *url, uint16_t *ports, size_t room);
/* From now on what may be read a moment late is read from a standby of the database, where it has all changes that were there when
 * it was asked for: searches by sb_database_search, and the first reading of all faces. Whatever fails there is done by the database
 * itself. `look`: connect now. SB_INVALID: it is no copy of this database, or the gallery is a file; to be away is no failure.
 * To be called before others use the store. */
sb_status sb_store_use_replica(sb_store *store, const char *url, bool look, sb_error *error);
void sb_store_replica_status_get(const sb_store *store, sb_store_replica_status *out);
/* The same with this root key (copied) in place of the folder's own. */
sb_status sb_store_open_with(const char *dir, const sb_root *root, sb_store **out, sb_error *error);
void sb_store_close(sb_store *store);
/* From now on nobody waits for a database server that cannot be reached until it is back: it is tried once. Any thread; for the end
 * of a process, which so comes soon. */
void sb_store_cancel_waits(sb_store *store);

/* By name; SB_NOT_FOUND. */
sb_status sb_store_collection_find(sb_store *store, const char *name, sb_store_collection *out, sb_error *error);
sb_status sb_store_collection_add(sb_store *store, const char *name, const char *model, size_t dim, int64_t *row,
                                  sb_error *error); /* SB_EXISTS */
sb_status sb_store_collections(sb_store *store, sb_store_collection **out, size_t *count, sb_error *error); /* free() */
/* Removes its people, faces, HNSW index and (with `and_itself`) the collection. Erases as sb_store_person_delete does. */
sb_status sb_store_collection_delete(sb_store *store, int64_t row, bool and_itself, sb_error *error);

/* A face as it is to be written. */
typedef struct sb_store_face {
  const float *embedding;          /* dim of the collection; unit length */
  const sb_attributes *attributes; /* NULL: none */
  float quality;
  uint8_t source[SB_DIGEST_SIZE]; /* SHA-256 of the photo; kept sealed */
  const uint8_t *thumbnail;       /* a JPEG, kept sealed */
  size_t thumbnail_size;          /* 0: none is kept */
} sb_store_face;

typedef struct sb_store_enrollment {
  int64_t collection;
  const char *id, *name, *consent; /* name NULL: only with may_exist, keeps the name; consent NULL: none */
  const char *purpose;             /* NULL: none */
  int64_t expires_ms;              /* 0: never */
  bool may_exist;
  const sb_store_face *faces;
  size_t face_count;
} sb_store_enrollment;
/* In one durable transaction. `face_rows` has room for face_count. SB_EXISTS, SB_NOT_FOUND (name NULL and no such
 * person), SB_DISK_FULL, SB_READ_ONLY, SB_STORE: then nothing changed. */
sb_status sb_store_enroll(sb_store *store, const sb_store_enrollment *enrollment, int64_t *person_row,
                          int64_t *face_rows, sb_error *error);

/* Was a photo of this digest enrolled for this person? */
sb_status sb_store_face_known(sb_store *store, int64_t person, const uint8_t source[SB_DIGEST_SIZE], bool *known,
                              sb_error *error);

/* One person as an sb_people of one; SB_NOT_FOUND. */
sb_status sb_store_person_find(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_people **out,
                               sb_error *error); /* row, out: NULL allowed */
sb_status sb_store_person_get(sb_store *store, int64_t row, sb_people **out, sb_error *error);
/* Id, name and attributes only: nothing else is opened. The id and the name are released by free(). SB_NOT_FOUND. */
sb_status sb_store_person_summary(sb_store *store, int64_t row, sb_person *out, sb_error *error);
typedef struct sb_store_listing {
  int64_t collection;
  const char *query; /* NULL: all */
  size_t offset, limit;
  sb_order order;
  int64_t after; /* see sb_list_request */
  bool thumbnails;
} sb_store_listing;
sb_status sb_store_people(sb_store *store, const sb_store_listing *listing, sb_people **out, sb_error *error);
sb_status sb_store_person_rename(sb_store *store, int64_t row, const char *name, sb_error *error);
sb_status sb_store_person_change_id(sb_store *store, int64_t row, const char *id, sb_error *error); /* SB_EXISTS */
/* Moves the faces, then erases the person `from` as sb_store_person_delete does. */
sb_status sb_store_person_merge(sb_store *store, int64_t into, int64_t from, size_t *faces, sb_error *error);
/* Rows are overwritten (secure_delete) and the write-ahead log is emptied before it returns. `faces` NULL allowed. */
sb_status sb_store_person_delete(sb_store *store, int64_t row, size_t *faces, sb_audit_receipt *receipt,
                                 sb_error *error); /* receipt NULL allowed, too */
/* A person whose time is over, the one that is longest; row 0: none. */
sb_status sb_store_person_expired(sb_store *store, int64_t now_ms, int64_t *row, sb_error *error);
sb_status sb_store_person_set_terms(sb_store *store, int64_t row, const sb_store_terms *terms, sb_error *error);

/* ---- faces.c: the faces that are kept, one by one. `person` 0: the whole collection. */
sb_status sb_store_faces(sb_store *store, int64_t collection, int64_t person, size_t offset, size_t limit,
                         sb_kept_faces **out, sb_error *error);
/* The rows alone, without unsealing anything. `out` has room for `query->limit`. */
sb_status sb_store_face_rows(sb_store *store, const sb_store_face_query *query, sb_store_face_row *out, size_t *count,
                             sb_error *error);
/* Whose face it is; SB_NOT_FOUND. `id` is released by free(). */
sb_status sb_store_face_owner(sb_store *store, int64_t collection, int64_t face, char **id, sb_error *error);
/* Without its protection, as the model made it. `embedding` has room for `dim` numbers; SB_STORE when the collection has another length. */
sb_status sb_store_face_template(sb_store *store, int64_t face, size_t dim, float *embedding, sb_error *error);
sb_status sb_store_face_delete(sb_store *store, int64_t face, sb_error *error); /* erases as above */
/* The thumbnail of a person's face, or with `face` 0 of the first of them that has one, to be released by free().
 * SB_NOT_FOUND: there is none. */
sb_status sb_store_thumbnail(sb_store *store, int64_t person, int64_t face, uint8_t **bytes, size_t *size,
                             sb_error *error);
/* Takes the thumbnails of a collection away, as the erasure of a person does; the faces stay. */
sb_status sb_store_thumbnails_erase(sb_store *store, int64_t collection, size_t *count, sb_error *error);

/* A person's attributes stand with the first of its faces that has any; without one, with its first face. SB_NOT_FOUND: the
 * person has no face. */
sb_status sb_store_person_set_attributes(sb_store *store, int64_t person, const sb_attributes *attributes,
                                         sb_error *error);

sb_status sb_store_totals(sb_store *store, size_t *people, size_t *faces, sb_error *error);

/* A collection's transform, to be released by sb_transform_free: what is compared with its templates goes through it. */
sb_status sb_store_transform(sb_store *store, int64_t collection, sb_transform **out, sb_error *error);

/* What an index needs to be in step, in order: all faces (`since` 0), later only what changed, by this or any other
 * process. `*next` is what to pass as `since` the next time; nothing is lost or doubled between two calls. When too much
 * changed to tell, `visit` first gets one SB_CHANGE_RESET, then all faces. Cheap when nothing changed. */
typedef enum sb_store_change_kind {
  SB_CHANGE_RESET,
  SB_CHANGE_PUT,
  SB_CHANGE_REMOVE,
  SB_CHANGE_DROP /* a collection */
} sb_store_change_kind;
typedef struct sb_store_change {
  sb_store_change_kind kind;
  int64_t collection, face, person;
  size_t dim;
  /* SB_CHANGE_PUT, valid during the visit: the template, protected by the collection's transform, which the seed gives
   * (crypto/transform.h). A collection has one transform between two SB_CHANGE_RESET. */
  const float *embedding;
  const uint8_t *seed;
} sb_store_change;
/* When all faces are given (`since` 0, or after a reset), puts come from several threads at once; all else from the
 * caller's. */
typedef sb_status (*sb_store_change_visit)(void *context, const sb_store_change *change, sb_error *error);
sb_status sb_store_changes(sb_store *store, int64_t since, int64_t *next, sb_store_change_visit visit, void *context,
                           sb_error *error);

/* The number of the newest change: what sb_store_changes would give as `*next`. */
sb_status sb_store_changes_last(sb_store *store, int64_t *sequence, sb_error *error);

/* ---- postgres_watch.c: to be woken when others change the gallery. One thread. */

typedef struct sb_store_watch sb_store_watch;
/* `*out` NULL: the gallery is a file, which calls nobody. To be freed before the store is closed. */
sb_status sb_store_watch_new(sb_store *store, sb_store_watch **out, sb_error *error);
void sb_store_watch_free(sb_store_watch *watch);
/* Returns when there may be changes, or after `ms`; SB_STOPPING, without a message, once there is cancel_event (sb_store_cancel_waits). Another
 * failure: calls cannot be heard, now; what there is to know is known by sb_store_changes all the same. */
sb_status sb_store_watch_wait(sb_store_watch *watch, int ms, sb_error *error);

/* ---- audit.c: what was done, in a signed chain. All that changes the gallery is noted in its own transaction. */

/* Notes what changes nothing, such as a search, in a transaction of its own. The actor is this thread's caller. */
sb_status sb_audit_record(sb_store *store, const sb_audit_event *notes, size_t count, sb_error *error);
/* The entries after number `after`, oldest first, at most `limit`. `visit` must not call the store. */
sb_status sb_audit_read(sb_store *store, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                        sb_error *error);
/* The newest entry's number; 0: nothing was noted yet. */
sb_status sb_audit_last(sb_store *store, int64_t *sequence, sb_error *error);
/* SB_STORE names the entry where the chain is broken. `anchor` (NULL: none): a head that was kept elsewhere, from which
 * the chain must go on. */
sb_status sb_audit_verify(sb_store *store, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error);

/* ---- target.c: how sure a match must be, where an admin chose it at run time */

/* All zero: nobody did. SB_STORE: what is kept was not written by this program, or under another key. */
sb_status sb_store_operating_point(sb_store *store, sb_target *out, sb_error *error);
/* In one transaction with its entry in the audit; wakes who watches (sb_store_watch). All zero: back to what the settings say. */
sb_status sb_store_operating_point_set(sb_store *store, const sb_target *target, sb_error *error);

/* ---- backup.c */

/* An encrypted backup of this moment, also while others work on the gallery; replaces a file that is there. */
sb_status sb_store_backup(sb_store *store, const char *path, sb_error *error);
/* Opens a backup whole, with the folder's root key, and looks at everything in it; needs room for it in the folder.
 * SB_INVALID: no backup, damaged. SB_WRONG_KEY. SB_STORE: what is in it is not sound. */
sb_status sb_store_backup_verify(const char *dir, const char *path, sb_error *error);
/* Verifies and puts it into a folder that has no gallery yet; SB_EXISTS. The root key must be there, or given. */
sb_status sb_store_restore(const char *dir, const char *path, sb_error *error);

/* ---- nearest.c: search by the database itself. Locked; as many searches at once as there are cores. */

typedef struct sb_database_search sb_database_search;
/* `ef`: collections that have an index are searched by it with a list of so many candidates; 0: exactly. SB_INVALID: the store is a
 * file. */
sb_status sb_database_search_new(sb_store *store, int ef, sb_database_search **out, sb_error *error);
void sb_database_search_free(sb_database_search *nearest); /* before the store is closed */
/* The k best faces of a collection, or the best face of each of the k best people, best first; exact up to the rounding of
 * templates to half precision, or (`ef`) with what the index missed left out. Always full: where an index has too few, all rows are compared. `query`: as the model made it. `hits` has room for k. SB_BUSY. */
sb_status sb_database_search_run(sb_database_search *nearest, int64_t collection, const float *query, size_t k,
                                 bool by_person, sb_hit *hits, size_t *found, sb_error *error);

/* ---- hnsw.c: pgvector's index for searches by the database, one a collection; nobody makes it unasked */

/* Of all collections; `*out`: free(). */
sb_status sb_hnsw_states(sb_store *store, sb_hnsw_state **out, size_t *count, sb_error *error);
/* Builds a collection's index (m 16, ef_construction 64) beside those who read and write; minutes, for many faces. One that was cut
 * off is made anew. SB_EXISTS, SB_BUSY (another program builds one), SB_INVALID (the store is a file; vectors of more than
 * SB_HNSW_DIM_MOST numbers). */
sb_status sb_hnsw_build(sb_store *store, const sb_store_collection *collection, sb_error *error);
sb_status sb_hnsw_drop(sb_store *store, int64_t collection, sb_error *error); /* SB_NOT_FOUND */

/* How good a collection's index is: made-up probes are searched by it and by comparing all rows. A probe is a kept template, disturbed
 * by others of the collection until its score with what it was is .6, as of two poor photos of one person. */
/* For each of `out`, whose `ef` is set; kept in the database for sb_hnsw_recall_get. SB_NOT_FOUND: no index; SB_INVALID: it has too
 * few faces to tell. */
sb_status sb_hnsw_measure(sb_store *store, const sb_store_collection *collection, size_t probes, sb_hnsw_recall *out,
                          size_t count, sb_error *error);
/* What was measured last for out->ef. */
sb_status sb_hnsw_recall_get(sb_store *store, int64_t collection, sb_hnsw_recall *out, sb_error *error);
/* Over all collections: how many there are, how many are searched by an index, and the least that was measured for one of these with
 * this `ef` (-1: one was not measured, or there is none). */
sb_status sb_hnsw_summarize(sb_store *store, int ef, sb_hnsw_summary *out, sb_error *error);

/* ---- migrate.c */

/* Copies the gallery of a folder into the empty database that `url` names, or with `back` the other way round (the folder then
 * has the root key, and no gallery yet), and compares both row by row. Goes on where it was cut off; until it is done nobody
 * opens the target. Others should not write to the source meanwhile. `rows`: how many were copied. `report` as below. */
sb_status sb_store_migrate(const char *dir, const char *url, bool back, sb_store_progress report, void *context,
                           size_t *rows, sb_error *error);

/* ---- rotate.c */

sb_status sb_store_keys_status(sb_store *store, sb_store_key_status *out, sb_error *error);
/* Seals everything under a new data key and deletes the older ones; goes on with a rotation that was cut off. Others may
 * work on the gallery meanwhile. `report` (NULL allowed) is told of progress; false stops, to be gone on with later. */
sb_status sb_store_rotate(sb_store *store, sb_store_progress report, void *context, sb_error *error);
/* Wraps the data keys under another root key, in one transaction. */
sb_status sb_store_change_root(sb_store *store, const sb_root *root, sb_error *error);
/* The same with a new key in the folder's key file. SB_INVALID where the root key comes from elsewhere. A crash at any
 * moment leaves a key that opens the gallery. Other processes that have it open read the new file when they need it (where a
 * passphrase locks it, they need SEMBLANCE_PASSPHRASE, or to be started again). */
sb_status sb_store_renew_root(sb_store *store, sb_error *error);
/* Draws a new transform for a collection and puts every template through it, in one transaction: what leaked before fits
 * nothing any more. Other writers wait. */
sb_status sb_store_revoke(sb_store *store, int64_t collection, size_t *templates, sb_error *error);

/* ---- health.c: what can be told of a database without opening the gallery: nothing is made, migrated or unlocked. */

/* SB_NOT_FOUND: the folder has no database yet. Else the errors of sb_store_open_at. */
sb_status sb_store_health_get(const char *dir, const char *url, sb_store_health *out, sb_error *error);

/* SB_STORE with SQLite's words when the file is not sound (PRAGMA integrity_check and foreign_key_check). */
sb_status sb_store_check(sb_store *store, sb_error *error);

#endif
