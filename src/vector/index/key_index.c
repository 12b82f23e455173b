/* The hash table from key to slot; see key_index.h for its invariants. */
#include "vector/index/key_index.h"

#include <stdlib.h>

/* The finalizer of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): keys
 * are often consecutive, their hashes must not be. */
static uint64_t scramble(uint64_t key) {
  key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
  key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
  return key ^ (key >> 31);
}

static size_t shard_of(uint64_t hash) {
  return hash >> 54;
}

/* The first entry of a key's probe sequence, and the entry after another one. */
static uint32_t home_of(const sb_key_table *table, uint64_t hash) {
  return (uint32_t)((uint64_t)(uint32_t)hash * table->capacity >> 32);
}
static uint32_t after(const sb_key_table *table, uint32_t at) {
  return at + 1 == table->capacity ? 0 : at + 1;
}
/* Probe steps from entry `from` to entry `to`. */
static uint32_t steps_between(const sb_key_table *table, uint32_t from, uint32_t to) {
  return to >= from ? to - from : to + table->capacity - from;
}

static uint32_t slot_at(const sb_key_table *table, uint32_t at) {
  return atomic_load_explicit(&table->slots[at], memory_order_acquire);
}

/* One lookup; the result is valid only if the shard's version is the same afterwards. */
static uint32_t lookup(const sb_rows *rows, const sb_key_table *table, uint64_t key, uint64_t hash) {
  if (!table) return SB_NO_SLOT;
  uint32_t at = home_of(table, hash);
  for (uint32_t step = 0; step < table->capacity; step++, at = after(table, at)) {
    uint32_t slot = slot_at(table, at);
    if (slot == SB_NO_SLOT || sb_rows_key(rows, slot) == key) return slot;
  }
  return SB_NO_SLOT;
}

uint32_t sb_key_index_find(const sb_key_index *map, uint64_t key) {
  uint64_t hash = scramble(key);
  size_t shard = shard_of(hash);
  for (;;) {
    uint32_t version = atomic_load_explicit(&map->shards[shard].version, memory_order_acquire);
    const sb_key_table *table = atomic_load_explicit(&map->shards[shard].table, memory_order_acquire);
    uint32_t slot = lookup(map->rows, table, key, hash);
    if (!(version & 1) && atomic_load_explicit(&map->shards[shard].version, memory_order_relaxed) == version)
      return slot;
  }
}

size_t sb_key_index_find_many(const sb_key_index *map, const uint64_t *keys, size_t count, uint32_t *out) {
  enum { AHEAD = 16 };
  size_t found = 0;
  for (size_t begin = 0; begin < count; begin += AHEAD) {
    size_t end = count - begin < AHEAD ? count : begin + AHEAD;
    for (size_t i = begin; i < end; i++) {
      uint64_t hash = scramble(keys[i]);
      const sb_key_table *table = atomic_load_explicit(&map->shards[shard_of(hash)].table, memory_order_acquire);
      if (table) __builtin_prefetch(&table->slots[home_of(table, hash)]);
    }
    for (size_t i = begin; i < end; i++) { /* the first entry probed is usually the right one */
      uint64_t hash = scramble(keys[i]);
      const sb_key_table *table = atomic_load_explicit(&map->shards[shard_of(hash)].table, memory_order_acquire);
      uint32_t slot = table ? slot_at(table, home_of(table, hash)) : SB_NO_SLOT;
      if (slot == SB_NO_SLOT) continue;
      sb_rows_prefetch_key(sb_rows_at(map->rows, slot));
    }
    for (size_t i = begin; i < end; i++) {
      uint32_t slot = sb_key_index_find(map, keys[i]);
      if (slot != SB_NO_SLOT) out[found++] = slot;
    }
  }
  return found;
}

static void begin_change(sb_key_index *map, size_t shard) {
  atomic_fetch_add_explicit(&map->shards[shard].version, 1, memory_order_relaxed);
}
static void end_change(sb_key_index *map, size_t shard) {
  atomic_fetch_add_explicit(&map->shards[shard].version, 1, memory_order_release);
}

/* The entry of the key, or the empty entry where it would be inserted. */
static uint32_t entry_of(const sb_key_index *map, const sb_key_table *table, uint64_t key) {
  for (uint32_t at = home_of(table, scramble(key));; at = after(table, at)) {
    uint32_t slot = slot_at(table, at);
    if (slot == SB_NO_SLOT || sb_rows_key(map->rows, slot) == key) return at;
  }
}

static void put_at(sb_key_table *table, uint32_t at, uint32_t slot) {
  atomic_store_explicit(&table->slots[at], slot, memory_order_release);
}

sb_status sb_key_index_reserve(sb_key_index *map, uint64_t key, uint64_t epoch, sb_error *error) {
  size_t shard = shard_of(scramble(key));
  sb_key_table *old = atomic_load(&map->shards[shard].table);
  if (old && (map->shards[shard].count + 1) * (size_t)4 <= old->capacity * (size_t)3)
    return SB_OK; /* at most three quarters full */
  uint32_t capacity = old ? old->capacity + old->capacity / 3 + 1 : 4;
  sb_key_table *table = sb_alloc(1, sizeof *table + capacity * sizeof table->slots[0], error);
  if (!table) return SB_NO_MEMORY;
  table->capacity = capacity;
  for (uint32_t i = 0; i < capacity; i++) put_at(table, i, SB_NO_SLOT);
  for (uint32_t i = 0; old && i < old->capacity; i++) {
    uint32_t slot = slot_at(old, i);
    if (slot != SB_NO_SLOT) put_at(table, entry_of(map, table, sb_rows_key(map->rows, slot)), slot);
  }
  atomic_store_explicit(&map->shards[shard].table, table, memory_order_release);
  map->bytes += sizeof *table + capacity * sizeof table->slots[0];
  if (old) {
    old->epoch = epoch;
    old->next = map->retired;
    map->retired = old;
  }
  return SB_OK;
}

void sb_key_index_set(sb_key_index *map, uint64_t key, uint32_t slot) {
  size_t shard = shard_of(scramble(key));
  sb_key_table *table = atomic_load(&map->shards[shard].table);
  uint32_t at = entry_of(map, table, key);
  map->shards[shard].count += slot_at(table, at) == SB_NO_SLOT;
  begin_change(map, shard);
  put_at(table, at, slot);
  end_change(map, shard);
}

/* Closes the gap by shifting back entries that were probed past it (Knuth, TAOCP 3, 6.4, algorithm R), so that no
 * tombstones accumulate. */
void sb_key_index_remove(sb_key_index *map, uint64_t key) {
  size_t shard = shard_of(scramble(key));
  sb_key_table *table = atomic_load(&map->shards[shard].table);
  uint32_t gap = entry_of(map, table, key);
  begin_change(map, shard);
  for (uint32_t at = after(table, gap); slot_at(table, at) != SB_NO_SLOT; at = after(table, at)) {
    uint32_t home = home_of(table, scramble(sb_rows_key(map->rows, slot_at(table, at))));
    if (steps_between(table, home, at) < steps_between(table, gap, at))
      continue; /* its home is after the gap: it stays */
    put_at(table, gap, slot_at(table, at));
    gap = at;
  }
  put_at(table, gap, SB_NO_SLOT);
  end_change(map, shard);
  map->shards[shard].count--;
}

void sb_key_index_reclaim(sb_key_index *map, uint64_t epoch) {
  for (sb_key_table **link = &map->retired; *link;) {
    sb_key_table *table = *link;
    if (table->epoch + 2 > epoch) {
      link = &table->next;
      continue;
    }
    *link = table->next;
    map->bytes -= sizeof *table + table->capacity * sizeof table->slots[0];
    free(table);
  }
}

void sb_key_index_free(sb_key_index *map) {
  sb_key_index_reclaim(map, UINT64_MAX);
  for (size_t i = 0; i < SB_SHARDS; i++) free(atomic_load(&map->shards[i].table));
}
