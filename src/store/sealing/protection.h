/* Template protection: each collection has a secret transform (crypto/transform.h), whose seed is stored sealed in its
 * row. Every template of the collection is stored transformed. Under the lock. */
#ifndef SB_STORE_SEALING_PROTECTION_H
#define SB_STORE_SEALING_PROTECTION_H

#include "store/core/store_core.h"

/* A collection's transform as it was last read, with what never changes in its row. `version` counts the renewals. */
typedef struct sb_store_protection {
  int64_t collection, version;
  size_t dim;
  char model[64]; /* name of the embedding model */
  uint8_t seed[SB_SEED_SIZE];
  sb_transform *transform;
} sb_store_protection;

typedef struct sb_store_protections sb_store_protections;
sb_status sb_store_protections_new(sb_store *store, sb_error *error);
void sb_store_protections_free(sb_store *store);
/* Reads all of them again when they are needed: for after a rollback of sb_store_protection_renew. Takes the lock. */
void sb_store_protections_invalidate(sb_store *store);

/* Draws a new transform for the collection, within a transaction. */
sb_status sb_store_protection_renew(sb_store *store, int64_t collection, sb_error *error);
/* The collection's transform, borrowed until the lock is given back. SB_NOT_FOUND: the collection was deleted. */
sb_status sb_store_protection_get(sb_store *store, int64_t collection, const sb_store_protection **out,
                                  sb_error *error);
/* The same when the row's version is known: does not ask the database if that version is cached. */
sb_status sb_store_protection_get_version(sb_store *store, int64_t collection, int64_t version,
                                          const sb_store_protection **out, sb_error *error);

#endif
