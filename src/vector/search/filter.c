#include "vector/search/filter.h"

#include <stdlib.h>

/* Where at most one row in so many is allowed, looking at each allowed row costs less than the scan of all. */
enum { LIST_SHARE = 16, SAMPLE_BLOCKS = 64 };

static bool among(const uint64_t *keys, size_t count, uint64_t key) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (keys[middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && keys[low] == key;
}

bool sb_filter_allows_row(const sb_filter *filter, uint64_t key, uint64_t label) {
  switch (filter->kind) {
  case SB_FILTER_NONE: return true;
  case SB_FILTER_KEYS: return among(filter->keys, filter->count, key);
  case SB_FILTER_BITMAP: return key < filter->count && filter->bits[key / 64] >> key % 64 & 1;
  case SB_FILTER_TEST: return filter->test(filter->context, key, label);
  }
  return false;
}

static uint64_t live_bits(const sb_unit *unit, size_t block) {
  return atomic_load_explicit(&unit->segment->live[unit->at / 64 + block], memory_order_acquire);
}

/* How many of the rows in some blocks, spread evenly, are allowed; per `*seen`. */
static size_t sample(const sb_index *index, const sb_filter *filter, size_t *seen) {
  size_t units = sb_rows_units(&index->rows), allowed = 0;
  for (size_t i = 0; i < SAMPLE_BLOCKS && units; i++) {
    sb_unit unit = sb_rows_unit(&index->rows, i * units / SAMPLE_BLOCKS);
    size_t block = (i * 37) % unit.blocks;
    for (uint64_t bits = live_bits(&unit, block); bits; bits &= bits - 1) {
      uint32_t slot = unit.slot + (uint32_t)(block * 64) + (uint32_t)__builtin_ctzll(bits);
      ++*seen;
      allowed += sb_filter_allows_row(filter, sb_row_key(&index->rows, slot), sb_row_label(&index->rows, slot));
    }
  }
  return allowed;
}

/* Every live row is tested, the allowed ones listed. */
static sb_status list_by_test(const sb_index *index, sb_filter_set *set, sb_error *error) {
  size_t room = 0;
  for (size_t u = 0; u < sb_rows_units(&index->rows); u++) {
    sb_unit unit = sb_rows_unit(&index->rows, u);
    void *slots = set->slots;
    if (room < set->count + SB_UNIT_ROWS) {
      room = 2 * room + SB_UNIT_ROWS;
      if (sb_grow(&slots, room, sizeof *set->slots, error) != SB_OK) return SB_NO_MEMORY;
      set->slots = slots;
    }
    for (size_t block = 0; block < unit.blocks; block++) {
      for (uint64_t bits = live_bits(&unit, block); bits; bits &= bits - 1) {
        uint32_t slot = unit.slot + (uint32_t)(block * 64) + (uint32_t)__builtin_ctzll(bits);
        if (sb_filter_allows(set, &index->rows, slot)) set->slots[set->count++] = slot;
      }
    }
  }
  set->listed = true;
  return SB_OK;
}

static sb_status list_keys(const sb_index *index, const uint64_t *keys, size_t count, sb_filter_set *set,
                           sb_error *error) {
  set->slots = sb_alloc(count, sizeof *set->slots, error);
  if (!set->slots) return SB_NO_MEMORY;
  set->count = sb_key_index_find_many(&index->keys, keys, count, set->slots);
  set->listed = true;
  return SB_OK;
}

static size_t bits_set(const sb_filter *filter) {
  size_t sum = 0, whole = filter->count / 64;
  for (size_t i = 0; i < whole; i++) sum += (size_t)__builtin_popcountll(filter->bits[i]);
  if (filter->count % 64)
    sum += (size_t)__builtin_popcountll(filter->bits[whole] & (((uint64_t)1 << filter->count % 64) - 1));
  return sum;
}

static sb_status list_bitmap(const sb_index *index, size_t count, sb_filter_set *set, sb_error *error) {
  uint64_t *keys = sb_alloc(count, sizeof *keys, error);
  size_t used = 0;
  if (!keys) return SB_NO_MEMORY;
  for (size_t word = 0; word < (set->filter->count + 63) / 64; word++)
    for (uint64_t bits = set->filter->bits[word]; bits && used < count; bits &= bits - 1)
      keys[used++] = word * 64 + (uint64_t)__builtin_ctzll(bits);
  sb_status status = list_keys(index, keys, used, set, error);
  free(keys);
  return status;
}

sb_status sb_filter_prepare(const sb_index *index, const sb_filter *filter, sb_filter_set *out, sb_error *error) {
  size_t rows = sb_index_count(index), seen = 0, count;
  *out = (sb_filter_set){0};
  if (!filter || filter->kind == SB_FILTER_NONE) return SB_OK;
  out->filter = filter;
  switch (filter->kind) {
  case SB_FILTER_NONE: return SB_OK;
  case SB_FILTER_KEYS:
    if (filter->count > rows / LIST_SHARE) return SB_OK;
    return list_keys(index, filter->keys, filter->count, out, error);
  case SB_FILTER_BITMAP:
    count = bits_set(filter);
    if (count > rows / LIST_SHARE) break; /* keys may be sparse: then few rows are allowed all the same */
    return list_bitmap(index, count, out, error);
  case SB_FILTER_TEST: break;
  default: return sb_fail(error, SB_MISUSE, "a filter's kind is unknown");
  }
  size_t allowed = sample(index, filter, &seen);
  return allowed * LIST_SHARE < seen ? list_by_test(index, out, error) : SB_OK;
}

void sb_filter_free(sb_filter_set *set) {
  free(set->slots);
}
