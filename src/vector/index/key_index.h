/* Hash table from key to slot. Writers change it under their lock; readers look keys up without one.
 *
 * 1,024 shards, chosen by the key's hash; each is an open-addressing table with linear probing that contains slots (the
 * keys are in the rows). Each shard grows on its own, by a third, so that an insert moves some thousand entries at most
 * and tables are more than half full.
 *
 * Invariants
 *   1. A shard's table contains each of its keys once, and the probe sequence of a key has no empty entry before it.
 *   2. `version` is a sequence lock: odd while a writer changes the shard. A reader that saw an odd version, or another
 *      one after its lookup, repeats the lookup. (Slots and keys are stored with release and loaded with acquire: a
 *      reader that saw a new one also sees the new version.)
 *   3. A replaced table is freed when no reader can see it any more (`retired`, by epoch; epoch.h). */
#ifndef SB_VECTOR_INDEX_KEY_INDEX_H
#define SB_VECTOR_INDEX_KEY_INDEX_H

#include "vector/index/epoch.h"
#include "vector/index/rows.h"

enum { SB_SHARDS = 1024 };

typedef struct sb_key_table {
  struct sb_key_table *next; /* in the list of retired tables */
  uint64_t epoch;
  uint32_t capacity;
  _Atomic uint32_t slots[];
} sb_key_table;

typedef struct sb_key_index {
  const sb_rows *rows;
  struct {
    _Atomic uint32_t version;
    uint32_t count;
    _Atomic(sb_key_table *) table;
  } shards[SB_SHARDS];
  sb_key_table *retired;
  size_t bytes;
} sb_key_index;

/* ---- Readers, with the epoch pinned */

uint32_t sb_key_index_find(const sb_key_index *map, uint64_t key); /* SB_NO_SLOT: not found */
/* Looks up many keys, with prefetching. Writes the slots of those found to `out`, in order; returns how many. */
size_t sb_key_index_find_many(const sb_key_index *map, const uint64_t *keys, size_t count, uint32_t *out);

/* ---- Writers, under their lock */

/* Makes room for one more entry in the shard of this key. SB_NO_MEMORY. */
sb_status sb_key_index_reserve(sb_key_index *map, uint64_t key, uint64_t epoch, sb_error *error);
void sb_key_index_set(sb_key_index *map, uint64_t key,
                      uint32_t slot); /* after sb_key_index_reserve; replaces an entry */
void sb_key_index_remove(sb_key_index *map, uint64_t key);
/* Frees the tables that were retired at least two epochs ago. */
void sb_key_index_reclaim(sb_key_index *map, uint64_t epoch);
void sb_key_index_free(sb_key_index *map);

#endif
