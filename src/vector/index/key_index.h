/* key -> slot. Writers change it under their lock; readers look things up without one.
 *
 * 1,024 shards by the key's hash, each an open-addressing table of slots (the keys are in the rows). A shard grows alone, by a
 * third, so that an insert moves some thousand entries at most and tables are more than half full.
 *
 * Invariants
 *   1. A shard's table holds each of its keys once; the probe sequence of a key has no gap before it.
 *   2. `version` is odd while a writer changes the shard; a reader that saw it odd or changed looks again. (Slots and keys
 *      are stored with release and loaded with acquire: who saw a new one sees the new version, too.)
 *   3. A table that was replaced is freed when no reader looks any more (`retired`, by epoch). */
#ifndef SB_VECTOR_INDEX_KEY_INDEX_H
#define SB_VECTOR_INDEX_KEY_INDEX_H

#include "vector/index/epoch.h"
#include "vector/index/rows.h"

enum { SB_SHARDS = 1024 };

typedef struct sb_key_table {
  struct sb_key_table *next; /* among the retired */
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

/* Readers pin the epoch around these. */
uint32_t sb_key_index_find(const sb_key_index *map, uint64_t key); /* SB_NO_SLOT: there is none */
/* Finds many, their memory fetched ahead; slots of those found go to `out` in order; gives how many. */
size_t sb_key_index_find_many(const sb_key_index *map, const uint64_t *keys, size_t count, uint32_t *out);

/* Writers. Room for one more of this key. */
sb_status sb_key_index_reserve(sb_key_index *map, uint64_t key, uint64_t epoch, sb_error *error);
void sb_key_index_set(sb_key_index *map, uint64_t key, uint32_t slot); /* after sb_key_index_reserve; replaces */
void sb_key_index_remove(sb_key_index *map, uint64_t key);
/* Frees the tables that were retired at least two epochs ago. */
void sb_key_index_reclaim(sb_key_index *map, uint64_t epoch);
void sb_key_index_free(sb_key_index *map);

#endif
