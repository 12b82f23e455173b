/* L2: people, faces and collections in a database, encrypted: SQLite in a folder, or PostgreSQL. The database is the
 * truth; an index in memory is rebuilt from it.
 *
 * Any thread may call any function of a store: it has a lock. Several processes may open one gallery; each sees the
 * others' changes by sb_store_changes. A `row` is the number of a row of the database, never used twice. */
#ifndef SB_STORE_H
#define SB_STORE_H

#include "base/base.h"
#include "crypto/chain.h"
#include "crypto/crypto.h"
#include "crypto/transform.h"
#include "store/store_types.h"
#include "vector/vector.h"

typedef struct sb_store sb_store;

/* ---- Opening (store.c) */

/* Opens <dir>/semblance.db; makes folder, key and schema when they are missing, and upgrades an older schema. `server`
 * claims the folder (flock on serve.lock): SB_BUSY when another server has it. SB_WRONG_KEY, before anything is
 * written; SB_STORE for a damaged file or a newer schema; SB_READ_ONLY, SB_DISK_FULL, SB_IO. */
sb_status sb_store_open(const char *dir, bool server, sb_store **out, sb_error *error);
/* The same in a database server, which `url` names (libpq's connection string, "postgresql://..."); NULL or "": in the
 * folder. The folder then has the root key; any number of servers may work on the gallery with the same key. Also
 * SB_BUSY and SB_IO: the server cannot be reached now. */
sb_status sb_store_open_at(const char *dir, const char *url, bool server, sb_store **out, sb_error *error);
/* sb_store_open with this root key (copied) in place of the folder's own. */
sb_status sb_store_open_with(const char *dir, const sb_root *root, sb_store **out, sb_error *error);
void sb_store_close(sb_store *store);
/* From now on no call waits until an unreachable database server is back: it is tried once. Any thread; for the end of
 * a process. */
void sb_store_cancel_waits(sb_store *store);
/* The TCP ports that a connection string leads to; returns how many, at most `room`. 0: it cannot be parsed. */
size_t sb_store_ports(const char *url, uint16_t *ports, size_t room);
/* SB_STORE with the database's own words when it is damaged (SQLite: PRAGMA integrity_check and foreign_key_check). */
sb_status sb_store_check(sb_store *store, sb_error *error);
/* Reads what can be known of a database without opening the gallery: nothing is made, upgraded or unlocked (health.c).
 * SB_NOT_FOUND: the folder has no database yet. Otherwise the errors of sb_store_open_at. */
sb_status sb_store_health_get(const char *dir, const char *url, sb_store_health *out, sb_error *error);

/* From now on reads from a standby of the database what may be read there: searches by sb_database_search, and the
 * first reading of all faces. The standby must have every change that existed when the read was requested. What fails
 * there is done by the primary. `connect`: connect now. SB_INVALID: it is not a copy of this database, or the gallery
 * is a file; being unreachable is not an error. Call it before other threads use the store (gallery/replica.c). */
sb_status sb_store_use_replica(sb_store *store, const char *url, bool connect, sb_error *error);
void sb_store_replica_status_get(const sb_store *store, sb_store_replica_status *out);

/* ---- Collections (gallery/collections.c) */

sb_status sb_store_collection_find(sb_store *store, const char *name, sb_store_collection *out,
                                   sb_error *error); /* SB_NOT_FOUND */
sb_status sb_store_collection_add(sb_store *store, const char *name, const char *model, size_t dim, int64_t *row,
                                  sb_error *error); /* SB_EXISTS */
/* `*out`: released by free(). */
sb_status sb_store_collections(sb_store *store, sb_store_collection **out, size_t *count, sb_error *error);
/* Deletes its people, faces and HNSW index and, with `and_itself`, the collection. Erases as sb_store_person_delete
 * does. */
sb_status sb_store_collection_delete(sb_store *store, int64_t row, bool and_itself, sb_error *error);
/* Gives the collection `row` a name that another one has, which gets `spare`. In one transaction with its audit entry.
 * SB_NOT_FOUND: no collection has `name`; SB_EXISTS: `spare` is taken. */
sb_status sb_store_collection_exchange(sb_store *store, int64_t row, const char *name, const char *spare,
                                       sb_error *error);
/* A collection's transform, released by sb_transform_free: whatever is compared with its templates goes through it. */
sb_status sb_store_transform(sb_store *store, int64_t collection, sb_transform **out, sb_error *error);

/* ---- Enrollment (gallery/enrollment.c) */

/* A face to store. */
typedef struct sb_store_face {
  const float *embedding;          /* dim numbers of the collection; unit length */
  const sb_attributes *attributes; /* NULL: none */
  float quality;
  uint8_t source[SB_DIGEST_SIZE]; /* SHA-256 of the photo; stored sealed */
  const uint8_t *thumbnail;       /* a JPEG; stored sealed */
  size_t thumbnail_size;          /* 0: none */
  sb_density density;             /* stored sealed; all zero: not measured */
} sb_store_face;

typedef struct sb_store_enrollment {
  int64_t collection;
  int64_t person;                  /* row, when the caller has looked the person up already; 0: looks it up by `id` */
  const char *id, *name, *consent; /* name NULL: only with may_exist, keeps the name; consent NULL: none */
  const char *purpose;             /* NULL: none */
  int64_t expires_ms;              /* 0: never */
  bool may_exist;
  const sb_store_face *faces;
  size_t face_count;
} sb_store_enrollment;
/* In one durable transaction. `face_rows` has room for face_count. SB_EXISTS; SB_NOT_FOUND (name NULL and no such
 * person, or the collection was deleted); SB_DISK_FULL, SB_READ_ONLY, SB_STORE: then nothing changed. */
sb_status sb_store_enroll(sb_store *store, const sb_store_enrollment *enrollment, int64_t *person_row,
                          int64_t *face_rows, sb_error *error);
/* Was a photo with this digest enrolled for the person? `person`: row. */
sb_status sb_store_face_known(sb_store *store, int64_t person, const uint8_t source[SB_DIGEST_SIZE], bool *known,
                              sb_error *error);

/* ---- People (gallery/people.c, gallery/people_list.c) */

/* Finds a person by id. SB_NOT_FOUND. `row` and `out` (all fields of one person) may be NULL. */
sb_status sb_store_person_find(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_people **out,
                               sb_error *error);
/* Reads one person by row. SB_NOT_FOUND. */
sb_status sb_store_person_get(sb_store *store, int64_t row, sb_people **out, sb_error *error);
/* Reads id, name, attributes and the number of faces only: nothing else is opened. Id and name are released by free().
 * SB_NOT_FOUND. */
sb_status sb_store_person_summary(sb_store *store, int64_t row, sb_person *out, sb_error *error);

typedef struct sb_store_listing {
  int64_t collection;
  const char *query; /* NULL: all */
  size_t offset, limit;
  sb_order order;
  int64_t after;          /* see sb_list_request */
  const char *after_name; /* of a list by name, where `after` is not 0 */
  bool thumbnails;
} sb_store_listing;
sb_status sb_store_people(sb_store *store, const sb_store_listing *listing, sb_people **out, sb_error *error);

/* Makes all of a change in one transaction, or none of it (gallery/people_change.c). SB_NOT_FOUND; SB_EXISTS: another
 * person has the new id. */
sb_status sb_store_person_change(sb_store *store, int64_t row, const sb_store_person_edit *change, sb_error *error);
/* The person whose retention period ended first; row 0: none has ended. */
sb_status sb_store_person_expired(sb_store *store, int64_t now_ms, int64_t *row, sb_error *error);
/* Numbers of all collections together. */
sb_status sb_store_totals(sb_store *store, size_t *people, size_t *faces, sb_error *error);

/* ---- Erasure (sealing/erasure.c) */

/* Erases: rows are overwritten (secure_delete) and the write-ahead log is emptied before it returns. A log that cannot
 * be emptied is no failure, as the person is erased: sb_store_log_pending. `faces` (how many) and `receipt` may be
 * NULL. */
sb_status sb_store_person_delete(sb_store *store, int64_t row, size_t *faces, sb_audit_receipt *receipt,
                                 sb_error *error);
/* Erases a person who has no face; SB_OK, and nothing is changed, where there is one. */
sb_status sb_store_person_delete_without_faces(sb_store *store, int64_t row, sb_error *error);
/* Something that was deleted is still in the database's log, sealed: it could not be emptied yet. */
bool sb_store_log_pending(const sb_store *store);
/* Tries to empty it again; SB_OK also where nothing is pending. */
sb_status sb_store_purge_pending(sb_store *store, sb_error *error);
/* Moves the faces of `from` to `into`, then erases the person `from` in the same way. */
sb_status sb_store_person_merge(sb_store *store, int64_t into, int64_t from, size_t *faces, sb_error *error);

/* ---- Stored faces (gallery/faces.c) */

/* `person` 0: of the whole collection. */
sb_status sb_store_faces(sb_store *store, int64_t collection, int64_t person, size_t offset, size_t limit,
                         sb_kept_faces **out, sb_error *error);
/* The rows alone, without opening anything. `out` has room for `query->limit`. */
sb_status sb_store_face_rows(sb_store *store, const sb_store_face_query *query, sb_store_face_row *out, size_t *count,
                             sb_error *error);
/* The id of the face's person, released by free(). SB_NOT_FOUND. */
sb_status sb_store_face_owner(sb_store *store, int64_t collection, int64_t face, char **id, sb_error *error);
/* A face's embedding as the model made it, without protection. `embedding` has room for `dim` numbers. SB_STORE: the
 * collection has another length. */
sb_status sb_store_face_template(sb_store *store, int64_t face, size_t dim, float *embedding, sb_error *error);
sb_status sb_store_face_delete(sb_store *store, int64_t face, sb_error *error); /* erases as above */
/* The thumbnail of a person's face or, with `face` 0, of the first that has one; released by free(). SB_NOT_FOUND:
 * there is none. */
sb_status sb_store_thumbnail(sb_store *store, int64_t person, int64_t face, uint8_t **bytes, size_t *size,
                             sb_error *error);
/* Erases the thumbnails of a collection; the faces stay. */
sb_status sb_store_thumbnails_erase(sb_store *store, int64_t collection, size_t *count, sb_error *error);

/* ---- Densities of stored faces (gallery/densities.c). Stored sealed, bound to face and collection. SB_STORE: one does
 * not open, as it was changed or moved by another program. */

/* In one transaction, without an entry in the audit log: every face of the collection that still exists is changed and
 * becomes a SB_CHANGE_PUT; the others are passed over. SB_INVALID, and nothing is changed: more than
 * SB_DENSITY_UPDATES_MAX, or a number that is not finite or a deviation that is not above 0. A full batch takes some 15
 * ms, during which nobody else writes; in PostgreSQL, with an HNSW index, each face costs a new entry of it, too, so
 * that smaller batches are better there. */
sb_status sb_store_densities_set(sb_store *store, int64_t collection, const sb_density_update *updates, size_t count,
                                 sb_error *error);
/* The rows of faces, without opening anything; `faces` has room for query->limit. The lock is given back now and then,
 * so it holds up nobody in a large collection. */
sb_status sb_store_densities_stale(sb_store *store, const sb_density_query *query, int64_t *faces, size_t *count,
                                   sb_error *error);
/* The densities of some faces, in their order; all zero: not measured, or the collection has no such face. */
sb_status sb_store_densities(sb_store *store, int64_t collection, const int64_t *faces, size_t count, sb_density *out,
                             sb_error *error);

/* Were all densities of the collection measured under these constants? False also where none were recorded. */
sb_status sb_store_density_constants_are(sb_store *store, int64_t collection, const sb_density_constants *constants,
                                         bool *out, sb_error *error);
/* Records that they were. */
sb_status sb_store_density_constants_set(sb_store *store, int64_t collection, const sb_density_constants *constants,
                                         sb_error *error);

/* ---- Following changes (gallery/changes.c) */

typedef enum sb_store_change_kind {
  SB_CHANGE_RESET,  /* forget everything: all faces follow */
  SB_CHANGE_PUT,    /* a face was added, got another person, or its density was measured */
  SB_CHANGE_REMOVE, /* a face was removed */
  SB_CHANGE_DROP    /* a collection was removed, or emptied */
} sb_store_change_kind;
typedef struct sb_store_change {
  sb_store_change_kind kind;
  int64_t collection, face, person;
  size_t dim;
  /* SB_CHANGE_PUT, valid during the visit: the template, protected by the collection's transform, which the seed gives
   * (crypto/transform.h). A collection has one transform between two SB_CHANGE_RESET. */
  const float *embedding;
  const uint8_t *seed;
  sb_density density; /* all zero: not measured */
} sb_store_change;
/* While all faces are given (`since` 0, or after a reset), puts come from several threads at once; everything else
 * comes from the caller's thread. */
typedef sb_status (*sb_store_change_visit)(void *context, const sb_store_change *change, sb_error *error);
/* Gives what an index needs to be in step, in order: all faces (`since` 0), later only what changed, by this or any
 * other process. `*next` is what to pass as `since` the next time; nothing is lost or repeated between two calls. When
 * the change log does not reach back far enough, `visit` first gets one SB_CHANGE_RESET, then all faces. Cheap when
 * nothing changed. */
sb_status sb_store_changes(sb_store *store, int64_t since, int64_t *next, sb_store_change_visit visit, void *context,
                           sb_error *error);
/* The number of the newest change: what sb_store_changes would give as `*next`. */
sb_status sb_store_changes_last(sb_store *store, int64_t *sequence, sb_error *error);

/* Waiting for changes made by others (gallery/watch.c). One thread. */
typedef struct sb_store_watch sb_store_watch;
/* `*out` NULL: the gallery is a file, which notifies nobody. Free it before the store is closed. */
sb_status sb_store_watch_new(sb_store *store, sb_store_watch **out, sb_error *error);
void sb_store_watch_free(sb_store_watch *watch);
/* Returns when there may be changes, or after `ms`; SB_STOPPING, without a message, after sb_store_cancel_waits.
 * Another failure means that notifications cannot be received now; sb_store_changes still finds every change. */
sb_status sb_store_watch_wait(sb_store_watch *watch, int ms, sb_error *error);

/* ---- Audit log (audit/). Every change of the gallery is recorded in its own transaction. */

/* Records what changes nothing else, such as a search. The actor is this thread's. */
sb_status sb_audit_record(sb_store *store, const sb_audit_event *events, size_t count, sb_error *error);
/* The entries after number `after`, oldest first, at most `limit`. `visit` must not call the store. */
sb_status sb_audit_read(sb_store *store, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                        sb_error *error);
/* The entries about one person, newest first. `visit` must not call the store. */
typedef struct sb_store_audit_query {
  int64_t person; /* row */
  int64_t before; /* entries below this number; 0: from the newest on */
  size_t limit;
} sb_store_audit_query;
sb_status sb_audit_read_person(sb_store *store, const sb_store_audit_query *query, sb_audit_visit visit, void *context,
                               sb_error *error);
/* The newest entry's number; 0: the log is empty. */
sb_status sb_audit_last(sb_store *store, int64_t *sequence, sb_error *error);
/* SB_STORE names the entry where the chain is broken. `anchor` (NULL: none): a head that was stored elsewhere, from
 * which the chain must continue. */
sb_status sb_audit_verify(sb_store *store, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error);

/* ---- Operating point: the match threshold, or the rate that gives it, where an admin set one
 * (gallery/operating_point.c) */

/* All zero: none was set. SB_STORE: the stored value was not written by this program, or under another key. */
sb_status sb_store_operating_point(sb_store *store, sb_target *out, sb_error *error);
/* In one transaction with its audit entry; wakes those who wait in sb_store_watch_wait. All zero: back to the
 * settings. */
sb_status sb_store_operating_point_set(sb_store *store, const sb_target *point, sb_error *error);

/* ---- Pairs of people of whom somebody said that they are different people (gallery/different.c) */

/* In one transaction with its audit entry; false: takes it back. The rows of two people of the collection. */
sb_status sb_store_different_set(sb_store *store, int64_t collection, const sb_store_different_pair *pair,
                                 bool different, sb_error *error);
/* All pairs of a collection; `*out`: released by free(). One that another program wrote is passed over. */
sb_status sb_store_different_list(sb_store *store, int64_t collection, sb_store_different_pair **out, size_t *count,
                                  sb_error *error);

/* ---- Search by the database itself (gallery/database_search.c). Any thread; as many searches at once as there are
 * cores. */

typedef struct sb_database_search sb_database_search;
/* `ef`: collections that have an index are searched by it with a candidate list of that size; 0: exactly. SB_INVALID:
 * the store is a file. */
sb_status sb_database_search_new(sb_store *store, int ef, sb_database_search **out, sb_error *error);
void sb_database_search_free(sb_database_search *search); /* before the store is closed */

typedef struct sb_database_search_query {
  int64_t collection;
  const float *vector; /* as the model made it; not used with `face` */
  int64_t face;        /* search with the stored template of this face, for other people only; 0: with `vector` */
  size_t k;
  bool by_person; /* the best face of each of the k best people; else the k best faces */
} sb_database_search_query;
/* Best hits first. Exact up to the rounding of templates to half precision or, with `ef`, without what the index
 * missed. If the index gives too few, all rows are compared, so the result is always full. `hits` has room for k.
 * SB_BUSY: too many searches are waiting. SB_NOT_FOUND: the collection has no face `face`. */
sb_status sb_database_search_run(sb_database_search *search, const sb_database_search_query *query, sb_hit *hits,
                                 size_t *found, sb_error *error);

/* ---- HNSW indexes for it, one a collection; only built on request (gallery/hnsw_index.c, gallery/hnsw_measure.c) */

/* Of all collections; `*out`: released by free(). */
sb_status sb_hnsw_states(sb_store *store, sb_hnsw_state **out, size_t *count, sb_error *error);
/* Builds a collection's index (m 16, ef_construction 64) while others read and write; takes minutes for many faces. An
 * interrupted build is started again. SB_EXISTS; SB_BUSY (another program builds one); SB_INVALID (the store is a file,
 * or vectors of more than SB_HNSW_DIM_MOST numbers). */
sb_status sb_hnsw_build(sb_store *store, const sb_store_collection *collection, sb_error *error);
sb_status sb_hnsw_drop(sb_store *store, int64_t collection, sb_error *error); /* SB_NOT_FOUND */
/* Measures the index with synthetic probes, once for each of `out`, whose `ef` is set, and stores the results for
 * sb_hnsw_recall_get. SB_NOT_FOUND: no index; SB_INVALID: too few faces. */
sb_status sb_hnsw_measure(sb_store *store, const sb_store_collection *collection, size_t probes, sb_hnsw_recall *out,
                          size_t count, sb_error *error);
/* What was measured last for out->ef. */
sb_status sb_hnsw_recall_get(sb_store *store, int64_t collection, sb_hnsw_recall *out, sb_error *error);
/* Over all collections, with the recall measured for this `ef`. */
sb_status sb_hnsw_summarize(sb_store *store, int ef, sb_hnsw_summary *out, sb_error *error);

/* ---- Keys (sealing/key_rotation.c, sealing/root_key.c, sealing/revocation.c) */

sb_status sb_store_keys_status(sb_store *store, sb_store_key_status *out, sb_error *error);
/* Seals everything under a new data key and deletes the older ones; continues a rotation that was interrupted. Others
 * may work on the gallery meanwhile. `report` may be NULL. */
sb_status sb_store_rotate(sb_store *store, sb_store_progress report, void *context, sb_error *error);
/* Wraps the data keys under another root key, in one transaction. */
sb_status sb_store_change_root(sb_store *store, const sb_root *root, sb_error *error);
/* The same with a new key in the folder's key file. SB_INVALID: the root key is stored elsewhere. A crash at any moment
 * leaves a key that opens the gallery. Other processes that have it open read the new file when they need it (if a
 * passphrase locks it, they need SEMBLANCE_PASSPHRASE, or a restart). */
sb_status sb_store_renew_root(sb_store *store, sb_error *error);
/* Draws a new transform for a collection and moves every template to it, in one transaction: templates that leaked
 * before match nothing any more. Other writers wait. */
sb_status sb_store_revoke(sb_store *store, int64_t collection, size_t *templates, sb_error *error);

/* ---- Backup (sealing/backup.c) */

/* Writes an encrypted backup of this moment, also while others work on the gallery; replaces an existing file. */
sb_status sb_store_backup(sb_store *store, const char *path, sb_error *error);
/* Opens a backup completely, with the folder's root key, and checks everything in it; needs room for it in the folder.
 * SB_INVALID: not a backup, or damaged. SB_WRONG_KEY. SB_STORE: its contents are damaged. */
sb_status sb_store_backup_verify(const char *dir, const char *path, sb_error *error);
/* Verifies it and puts it into a folder that has no gallery yet; SB_EXISTS. The root key must be there, or given. */
sb_status sb_store_restore(const char *dir, const char *path, sb_error *error);

/* ---- Migration (gallery/migrate.c) */

/* Copies the gallery of a folder into the empty database that `url` names or, with `back`, the other way round (the
 * folder then has the root key, and no gallery yet), and compares both row by row. Continues where it was interrupted;
 * until it is done nothing else opens the target. Others should not write to the source meanwhile. `rows`: how many
 * were copied. `report` may be NULL. */
sb_status sb_store_migrate(const char *dir, const char *url, bool back, sb_store_progress report, void *context,
                           size_t *rows, sb_error *error);

#endif
