/* SQLite numbers open savepoints 0, 1, 2, ... A mark is the length of the list when its savepoint was opened;
 * rolling back to it drops the changes after that. */
#include "sql/gallery/pending.h"

#include <stdlib.h>
#include <string.h>

void sb_sql_pending_free(sb_sql_pending *change) {
  if (change->vector) sb_wipe(change->vector, change->dim * sizeof *change->vector);
  free(change->vector);
  free(change->id);
  free(change->name);
  free(change->old_id);
}

sb_status sb_sql_pending_add(sb_sql_pending_list *list, sb_sql_pending *change, sb_error *error) {
  void *items = list->items;
  sb_status status = sb_grow(&items, list->count + 1, sizeof *list->items, error);
  if (status != SB_OK) {
    sb_sql_pending_free(change);
    return status;
  }
  list->items = items;
  list->items[list->count++] = *change;
  return SB_OK;
}

static void drop_from(sb_sql_pending_list *list, size_t count) {
  while (list->count > count) sb_sql_pending_free(&list->items[--list->count]);
}

void sb_sql_pending_clear(sb_sql_pending_list *list) {
  drop_from(list, 0);
  free(list->items);
  free(list->marks);
  *list = (sb_sql_pending_list){0};
}

/* Savepoints that were opened before this table's first change have no mark: they get this one, too. */
sb_status sb_sql_pending_mark(sb_sql_pending_list *list, int savepoint, sb_error *error) {
  void *marks = list->marks;
  sb_status status = sb_grow(&marks, (size_t)savepoint + 1, sizeof *list->marks, error);
  if (status != SB_OK) return status;
  list->marks = marks;
  for (int i = list->mark_count; i < savepoint; i++) list->marks[i] = list->count;
  list->marks[savepoint] = list->count;
  list->mark_count = savepoint + 1;
  return SB_OK;
}

void sb_sql_pending_release(sb_sql_pending_list *list, int savepoint) {
  if (savepoint < list->mark_count) list->mark_count = savepoint;
}

void sb_sql_pending_rollback(sb_sql_pending_list *list, int savepoint) {
  if (savepoint >= list->mark_count) return;
  drop_from(list, list->marks[savepoint]);
  list->mark_count = savepoint + 1;
}

int sb_sql_pending_claims(const sb_sql_pending_list *list, const char *id) {
  int claim = 0;
  for (size_t i = 0; i < list->count; i++) {
    const sb_sql_pending *change = &list->items[i];
    bool takes = change->kind == SB_SQL_PENDING_ENROLL || change->kind == SB_SQL_PENDING_CHANGE_ID;
    if (change->kind == SB_SQL_PENDING_CHANGE_ID && !strcmp(change->old_id, id)) claim = -1;
    if (takes && !strcmp(change->id, id)) claim = 1;
  }
  return claim;
}
