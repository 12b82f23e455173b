/* A sorted array does for all uses: sets are built once, then only asked. */
#include "sql/table/id_set.h"

#include <stdlib.h>

sb_status sb_sql_id_set_add(sb_sql_id_set *set, int64_t id, sb_error *error) {
  if (set->count == set->capacity) {
    size_t capacity = set->capacity ? set->capacity * 2 : 64;
    void *items = set->items;
    sb_status status = sb_grow(&items, capacity, sizeof *set->items, error);
    if (status != SB_OK) return status;
    set->items = items;
    set->capacity = capacity;
  }
  set->items[set->count++] = id;
  return SB_OK;
}

static int by_id(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

void sb_sql_id_set_sort(sb_sql_id_set *set) {
  bool sorted = true; /* rows usually come by rowid */
  for (size_t i = 1; sorted && i < set->count; i++) sorted = set->items[i - 1] < set->items[i];
  if (sorted) return;
  qsort(set->items, set->count, sizeof *set->items, by_id);
  size_t unique = 1;
  for (size_t i = 1; i < set->count; i++)
    if (set->items[i] != set->items[unique - 1]) set->items[unique++] = set->items[i];
  set->count = unique;
}

void sb_sql_id_set_intersect(sb_sql_id_set *set, const sb_sql_id_set *other) {
  size_t common = 0, j = 0;
  for (size_t i = 0; i < set->count; i++) {
    while (j < other->count && other->items[j] < set->items[i]) j++;
    if (j < other->count && other->items[j] == set->items[i]) set->items[common++] = set->items[i];
  }
  set->count = common;
}

bool sb_sql_id_set_contains(const sb_sql_id_set *set, int64_t id) {
  return set->count && bsearch(&id, set->items, set->count, sizeof id, by_id);
}

void sb_sql_id_set_free(sb_sql_id_set *set) {
  free(set->items);
  *set = (sb_sql_id_set){0};
}
