/* Writing the change log. It keeps the newest CHANGES_MAX entries at least; a follower that missed older ones reads all
 * faces again. */
#include "store/gallery/change_log.h"

#include <stdio.h>

enum { CHANGES_MAX = 100000, TRIM_EVERY = 1000 };

/* After `count` entries were appended, the last with this number: trims the log whenever a multiple of TRIM_EVERY is
 * passed. */
static sb_status appended(sb_store *store, int64_t sequence, int64_t count, sb_error *error) {
  if (store->driver->notify) store->driver->notify(store);
  if (sequence / TRIM_EVERY == (sequence - count) / TRIM_EVERY) return SB_OK;
  return sb_store_exec_int(store, "DELETE FROM change WHERE sequence <= ?", sequence - CHANGES_MAX, error);
}

sb_status sb_store_change_append(sb_store *store, sb_store_change_kind kind, int64_t collection, int64_t face,
                                 int64_t person, sb_error *error) {
  sb_statement s = sb_statement_new(
      store, "INSERT INTO change(kind, collection, face, person) VALUES(?, ?, ?, ?) RETURNING sequence", error);
  sb_statement_bind_int(&s, 1, kind);
  sb_statement_bind_int(&s, 2, collection);
  sb_statement_bind_int(&s, 3, face);
  sb_statement_bind_int(&s, 4, person);
  int64_t sequence = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  sb_status status = sb_statement_end(&s);
  return status == SB_OK ? appended(store, sequence, 1, error) : status;
}

sb_status sb_store_change_append_puts(sb_store *store, int64_t collection, const char *rows, sb_error *error) {
  char sql[256];
  int64_t sequence = 0;
  snprintf(sql, sizeof sql,
           "INSERT INTO change(kind, collection, face, person) SELECT %d, collection, id, person FROM face"
           " WHERE collection = ?2 AND id IN (%s) ORDER BY id",
           SB_CHANGE_PUT, store->driver->id_list_sql);
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_text(&s, 1, rows);
  sb_statement_bind_int(&s, 2, collection);
  sb_status status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  status = sb_store_change_newest(store, &sequence, error);
  return status == SB_OK ? appended(store, sequence, SB_CHANGE_ROWS_MAX, error) : status;
}

sb_status sb_store_change_newest(sb_store *store, int64_t *sequence, sb_error *error) {
  return sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM change", sequence, error);
}

sb_status sb_store_changes_last(sb_store *store, int64_t *sequence, sb_error *error) {
  sb_store_lock(store);
  sb_status status = sb_store_change_newest(store, sequence, error);
  sb_store_unlock(store);
  return status;
}
