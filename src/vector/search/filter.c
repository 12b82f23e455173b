/* Preparing filters; see filter.h. */
#include "vector/search/filter.h"

#include <stdlib.h>

/* Up to one allowed row in this many, scoring each allowed row costs less than scanning all rows. */
enum { LIST_SHARE = 16, SAMPLE_BLOCKS = 64 };

static bool contains(const uint64_t *keys, size_t count, uint64_t key) {
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

bool sb_query_filter_test(const sb_filter *filter, uint64_t key, uint64_t label) {
  switch (filter->kind) {
  case SB_FILTER_NONE: return true;
  case SB_FILTER_KEYS: return contains(filter->keys, filter->count, key);
  case SB_FILTER_BITMAP: return key < filter->count && filter->bits[key / 64] >> key % 64 & 1;
  case SB_FILTER_TEST: return filter->test(filter->context, key, label);
  }
  return false;
}

static uint64_t live_bits(const sb_rows_unit *unit, size_t block) {
  return atomic_load_explicit(&unit->segment->live[unit->at / 64 + block], memory_order_acquire);
}

/* Counts the allowed rows in some blocks, evenly spread; *seen: of how many. */
static size_t sample(const sb_index *index, const sb_filter *filter, size_t *seen) {
  size_t units = sb_rows_unit_count(&index->rows), allowed = 0;
  for (size_t i = 0; i < SAMPLE_BLOCKS && units; i++) {
    sb_rows_unit unit = sb_rows_unit_at(&index->rows, i * units / SAMPLE_BLOCKS);
    size_t block = (i * 37) % unit.blocks;
    for (uint64_t bits = live_bits(&unit, block); bits; bits &= bits - 1) {
      uint32_t slot = unit.slot + (uint32_t)(block * 64) + (uint32_t)__builtin_ctzll(bits);
      ++*seen;
      allowed += sb_query_filter_test(filter, sb_rows_key(&index->rows, slot), sb_rows_label(&index->rows, slot));
    }
  }
  return allowed;
}

/* Tests every live row and lists the allowed ones. */
static sb_status list_by_test(const sb_index *index, sb_query_filter *set, sb_error *error) {
  size_t room = 0;
  for (size_t u = 0; u < sb_rows_unit_count(&index->rows); u++) {
    sb_rows_unit unit = sb_rows_unit_at(&index->rows, u);
    void *slots = set->slots;
    if (room < set->count + SB_UNIT_ROWS) {
      room = 2 * room + SB_UNIT_ROWS;
      if (sb_grow(&slots, room, sizeof *set->slots, error) != SB_OK) return SB_NO_MEMORY;
      set->slots = slots;
    }
    for (size_t block = 0; block < unit.blocks; block++) {
      for (uint64_t bits = live_bits(&unit, block); bits; bits &= bits - 1) {
        uint32_t slot = unit.slot + (uint32_t)(block * 64) + (uint32_t)__builtin_ctzll(bits);
        if (sb_query_filter_allows(set, &index->rows, slot)) set->slots[set->count++] = slot;
      }
    }
  }
  set->is_list = true;
  return SB_OK;
}

static sb_status list_keys(const sb_index *index, const uint64_t *keys, size_t count, sb_query_filter *set,
                           sb_error *error) {
  set->slots = sb_alloc(count, sizeof *set->slots, error);
  if (!set->slots) return SB_NO_MEMORY;
  set->count = sb_key_index_find_many(&index->keys, keys, count, set->slots);
  set->is_list = true;
  return SB_OK;
}

static size_t bits_set(const sb_filter *filter) {
  size_t sum = 0, whole = filter->count / 64;
  for (size_t i = 0; i < whole; i++) sum += (size_t)__builtin_popcountll(filter->bits[i]);
  if (filter->count % 64)
    sum += (size_t)__builtin_popcountll(filter->bits[whole] & (((uint64_t)1 << filter->count % 64) - 1));
  return sum;
}

static sb_status list_bitmap(const sb_index *index, size_t count, sb_query_filter *set, sb_error *error) {
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

sb_status sb_query_filter_prepare(const sb_index *index, const sb_filter *filter, sb_query_filter *out,
                                  sb_error *error) {
  size_t rows = atomic_load(&index->count), seen = 0, count;
  *out = (sb_query_filter){0};
  if (!filter || filter->kind == SB_FILTER_NONE) return SB_OK;
  out->filter = filter;
  switch (filter->kind) {
  case SB_FILTER_NONE: return SB_OK;
  case SB_FILTER_KEYS:
    if (filter->count > rows / LIST_SHARE) return SB_OK;
    return list_keys(index, filter->keys, filter->count, out, error);
  case SB_FILTER_BITMAP:
    count = bits_set(filter);
    if (count > rows / LIST_SHARE) break; /* keys may be sparse, so that few rows are allowed nevertheless */
    return list_bitmap(index, count, out, error);
  case SB_FILTER_TEST: break;
  default: return sb_fail(error, SB_MISUSE, "unknown kind of filter");
  }
  size_t allowed = sample(index, filter, &seen);
  return allowed * LIST_SHARE < seen ? list_by_test(index, out, error) : SB_OK;
}

void sb_query_filter_free(sb_query_filter *set) {
  free(set->slots);
}
