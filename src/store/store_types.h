/* Value types of the store that the engine passes on to http, sql and cli. This header declares no functions of the
 * store, so that a layer above the engine can use the types without being able to reach past the engine. */
#ifndef SB_STORE_TYPES_H
#define SB_STORE_TYPES_H

#include "base/base.h"
#include "crypto/access.h"
#include "crypto/chain.h"
#include "crypto/crypto.h"

typedef struct sb_store_collection {
  int64_t row;
  sb_collection info;
} sb_store_collection;

/* Progress of a long operation: `done` rows of `table` are finished. Returning false stops the operation at a point
 * from which the same call continues later. */
typedef bool (*sb_store_progress)(void *context, const char *table, size_t done);

/* ---- Faces */

/* Which faces to list: those after the face `after`, ascending, at most `limit`. */
typedef struct sb_store_face_query {
  int64_t collection, person; /* rows; person 0: of everybody */
  int64_t after;              /* a face's row; 0: from the first */
  size_t limit;
} sb_store_face_query;

typedef struct sb_store_face_row {
  int64_t face, person; /* rows */
} sb_store_face_row;

/* Two people of a collection who are different people, though they may look alike. */
typedef struct sb_store_different_pair {
  int64_t one, other; /* rows; in a list the lower one first */
} sb_store_different_pair;

/* ---- Density: how similar a face is to strangers, learnt from the collection (stats/cohort.h) */

typedef struct sb_density {
  float location, deviation; /* of its scores against other people; the deviation is above 0 */
  /* People in the collection when it was measured. SB_DENSITY_NONE: it was not measured. SB_DENSITY_OUTDATED: it is to
   * be used until it is measured again, because other people are near the face now (after people were merged). */
  uint32_t population;
} sb_density;
enum { SB_DENSITY_NONE = 0, SB_DENSITY_OUTDATED = 1 };

/* `population` SB_DENSITY_NONE forgets what was measured. */
typedef struct sb_density_update {
  int64_t face; /* row */
  sb_density density;
} sb_density_update;
enum { SB_DENSITY_UPDATES_MAX = 256 };

/* What a density is shrunk towards where little is known: the model's calibration (stats/cohort.h). */
typedef struct sb_density_constants {
  double mean, deviation;
} sb_density_constants;

/* Which faces are to be measured again: those after the face `after` whose population is outside least..most,
 * ascending, at most `limit`. */
typedef struct sb_density_query {
  int64_t collection;
  uint32_t least, most;
  int64_t after; /* a face's row; 0: from the first */
  size_t limit;
} sb_density_query;

/* ---- Terms under which a person is stored */

/* NULL and !set_expires leave the stored value unchanged. expires_ms 0: never expires. */
typedef struct sb_store_terms {
  const char *consent, *purpose;
  bool set_expires;
  int64_t expires_ms;
} sb_store_terms;

/* ---- A change of a person */

/* NULL, a cleared bit and terms that are all zero leave a value as it is. */
enum { SB_DESCRIBE_AGE = 1, SB_DESCRIBE_GENDER = 2, SB_DESCRIBE_ETHNICITY = 4 };
typedef struct sb_store_person_edit {
  const char *name, *new_id;
  unsigned describe;               /* SB_DESCRIBE_...: which of `attributes` to replace */
  const sb_attributes *attributes; /* below zero: not known. Stored with the first face that has any, else the first */
  unsigned forget;                 /* SB_DESCRIBE_...: which estimates to erase, from all faces of the person */
  sb_store_terms terms;
} sb_store_person_edit;

/* ---- Audit log: a hash chain of entries whose newest link is signed (crypto/chain.h) */

typedef struct sb_audit_entry {
  sb_chain_entry entry;
  char collection[SB_COLLECTION_MAX + 1]; /* name; "": the entry concerns no collection, or it was deleted */
  uint8_t link[SB_LINK_SIZE];
} sb_audit_entry;

/* The newest entry of the chain. */
typedef struct sb_audit_head {
  int64_t sequence; /* 0: the log is empty */
  uint8_t link[SB_LINK_SIZE], signature[SB_SIGNATURE_SIZE], public_key[SB_PUBLIC_SIZE];
} sb_audit_head;

/* Proof that an entry is in the audit log: anyone can recompute the link from `before` and check the signature. */
typedef struct sb_audit_receipt {
  sb_chain_entry entry;
  uint8_t before[SB_LINK_SIZE], link[SB_LINK_SIZE], signature[SB_SIGNATURE_SIZE], public_key[SB_PUBLIC_SIZE];
} sb_audit_receipt;

/* An act that is about to become an audit entry. The actor is the calling thread's (sb_actor_get). */
typedef struct sb_audit_event {
  const char *verb;
  int64_t collection, person, count; /* 0: none */
} sb_audit_event;

/* A status other than SB_OK ends the reading, which then returns it. */
typedef sb_status (*sb_audit_visit)(void *context, const sb_audit_entry *entry, sb_error *error);

/* ---- API access */

enum { SB_ROLE_READ = 1, SB_ROLE_ENROLL = 2, SB_ROLE_ADMIN = 4, SB_ROLE_ALL = 7, SB_LABEL_MAX = 64 };

typedef struct sb_access_key {
  char prefix[SB_API_KEY_PREFIX + 1];
  char label[SB_LABEL_MAX + 1];               /* chosen by the admin: what the key is for */
  unsigned roles;                             /* SB_ROLE_... */
  char collection[SB_COLLECTION_MAX + 1];     /* the only collection that the key may use; "": all */
  int64_t created_ms, expires_ms, revoked_ms; /* 0: never */
} sb_access_key;

/* ---- Receivers of events (gallery/receivers.h) */

enum {
  SB_RECEIVER_URL_MAX = 1000,
  SB_RECEIVER_SECRET_MIN = 24, /* bytes, as the Standard Webhooks convention has it */
  SB_RECEIVER_SECRET_MAX = 64,
  SB_RECEIVER_PASSWORD_MAX = 255, /* bytes of the password of an MQTT broker */
  SB_RECEIVER_CA_MAX = 12000,
  SB_RECEIVER_ERROR_MAX = 200
};

typedef struct sb_store_receiver {
  int64_t row, created_ms;
  char url[SB_RECEIVER_URL_MAX + 1];            /* sealed, because it may hold a token */
  uint8_t secret[SB_RECEIVER_PASSWORD_MAX + 1]; /* signs webhooks; of an MQTT broker its password, which may be "" */
  size_t secret_size;
  char ca[SB_RECEIVER_CA_MAX + 1];        /* certificates (PEM) that a broker is checked with; "": the system's */
  char collection[SB_COLLECTION_MAX + 1]; /* the only one whose events are sent; "": all */
  unsigned kinds;                         /* of sb_event_kind that are sent; 0: all */
  bool allow_private;                     /* the target may be an address of this machine or of a private network */
  bool ended;                             /* it answered 410 (gone) */
  int64_t position;                       /* the last event that is done with */
  int64_t tries;                          /* of the event behind it, so far */
  int64_t failing_since_ms, next_try_ms;  /* of that event; 0: it was not tried yet */
  char error[SB_RECEIVER_ERROR_MAX + 1];  /* why the last try failed; "": it did not */
} sb_store_receiver;

typedef struct sb_store_dead_letter {
  int64_t receiver, event, at_ms, tries; /* rows; when it was given up */
  char error[SB_RECEIVER_ERROR_MAX + 1];
} sb_store_dead_letter;

/* ---- Encryption keys */

typedef struct sb_store_key_entry {
  int64_t number, created_ms;
  bool audit; /* signs the audit log; else it seals data */
} sb_store_key_entry;

typedef struct sb_store_key_status {
  sb_root_origin origin;
  bool passphrase;      /* the key file is locked by a passphrase */
  bool rotating;        /* a rotation was begun and has not finished */
  char fingerprint[17]; /* of the root key, in hexadecimal */
  size_t count;
  sb_store_key_entry keys[SB_DATA_KEYS_MAX + 1];
} sb_store_key_status;

/* ---- pgvector's HNSW index (Malkov and Yashunin 2018) of a collection, for searches by the database */

enum { SB_HNSW_EF_MOST = 1000, SB_HNSW_DIM_MOST = 4000 };

typedef struct sb_hnsw_state {
  sb_store_collection collection;
  bool there, whole; /* there but not whole: it is being built, or the build was interrupted */
  int64_t bytes;
} sb_hnsw_state;

/* Measured recall of one collection's index. */
typedef struct sb_hnsw_recall {
  int ef;        /* size of the candidate list, chosen by the caller */
  size_t probes; /* 0: not measured */
  double recall; /* share of the true ten nearest neighbours that the index finds */
  double mates;  /* of the probes whose own template is among the true ten: share for which the index finds it, too */
  int64_t at_ms;
} sb_hnsw_recall;

/* Over all collections. */
typedef struct sb_hnsw_summary {
  size_t collections, indexed;
  double recall; /* the lowest measured for an indexed collection; -1: one was not measured, or there is no index */
} sb_hnsw_summary;

/* ---- State of the database */

/* What can be reported about a database without opening the gallery. */
typedef struct sb_store_health {
  int64_t schema;            /* of the database; 0: it holds no gallery */
  int64_t newest;            /* the schema that this program writes */
  int64_t bytes, free_bytes; /* of the whole database; unused of these, 0 where the server does not report it */
  char server[64];           /* "SQLite 3.40.1", "PostgreSQL 16.2" */
  char pgvector[32];         /* version; "": not installed, or the database is a file */
  bool pgvector_at_hand;     /* not installed, but CREATE EXTENSION can add it */
  char citus[32];            /* version; "": not installed */
} sb_store_health;

typedef struct sb_store_replica_status {
  bool given, up;
  size_t reads;  /* answered by the replica */
  size_t passed; /* answered by the primary, because the replica was behind, unreachable or failed */
} sb_store_replica_status;

#endif
