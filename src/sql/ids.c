/* Sets of row ids. */
#include "sql/table.h"

#include <stdlib.h>

sb_status sb_ids_add(sb_ids *ids, int64_t id, sb_error *error) {
  if (ids->count == ids->room) {
    size_t room = ids->room ? ids->room * 2 : 64;
    void *items = ids->items;
    sb_status status = sb_grow(&items, room, sizeof *ids->items, error);
    if (status != SB_OK) return status;
    ids->items = items;
    ids->room = room;
  }
  ids->items[ids->count++] = id;
  return SB_OK;
}

static int by_id(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

void sb_ids_sort(sb_ids *ids) {
  bool sorted = true;
  for (size_t i = 1; sorted && i < ids->count; i++) sorted = ids->items[i - 1] < ids->items[i];
  if (sorted) return;
  qsort(ids->items, ids->count, sizeof *ids->items, by_id);
  size_t kept = 1;
  for (size_t i = 1; i < ids->count; i++)
    if (ids->items[i] != ids->items[kept - 1]) ids->items[kept++] = ids->items[i];
  ids->count = kept;
}

void sb_ids_intersect(sb_ids *ids, const sb_ids *others) {
  size_t kept = 0, j = 0;
  for (size_t i = 0; i < ids->count; i++) {
    while (j < others->count && others->items[j] < ids->items[i]) j++;
    if (j < others->count && others->items[j] == ids->items[i]) ids->items[kept++] = ids->items[i];
  }
  ids->count = kept;
}

bool sb_ids_hold(const sb_ids *ids, int64_t id) {
  return ids->count && bsearch(&id, ids->items, ids->count, sizeof id, by_id);
}

void sb_ids_free(sb_ids *ids) {
  free(ids->items);
  *ids = (sb_ids){0};
}
