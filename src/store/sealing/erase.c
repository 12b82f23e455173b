/* Erasing: rows overwritten, the write-ahead log emptied, the receipt in the audit; and merging, which erases, too. */
#include "store/internal.h"

#include <stdlib.h>

sb_status sb_store_erase_log(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_status status = store->driver->erase(store, error);
  sb_store_unlock(store);
  return status;
}

static sb_status note_removals(sb_store *store, int64_t person, size_t *faces, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT id, collection FROM face WHERE person = ?", error);
  sb_statement_bind_int(&s, 1, person);
  size_t count = 0;
  while (sb_statement_step(&s)) {
    s.status = sb_store_change_append(store, SB_CHANGE_REMOVE, sb_statement_column_int(&s, 1),
                                      sb_statement_column_int(&s, 0), person, error);
    count++;
  }
  *faces = count;
  return sb_statement_end(&s);
}

static sb_status delete_rows(sb_store *store, const char *sql, int64_t person, int64_t *deleted, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_int(&s, 1, person);
  sb_statement_step(&s);
  *deleted = sb_store_rows_written(store);
  return sb_statement_end(&s);
}

static sb_status delete_person(sb_store *store, int64_t row, sb_error *error) {
  int64_t deleted = 0;
  sb_status status = delete_rows(store, "DELETE FROM person WHERE id = ?", row, &deleted, error);
  if (status == SB_OK && !deleted) status = sb_fail(error, SB_NOT_FOUND, "there is no such person");
  return status;
}

/* The index gets each face again, under its new person. */
static sb_status note_moves(sb_store *store, int64_t from, int64_t into, size_t *faces, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT id, collection FROM face WHERE person = ?", error);
  sb_statement_bind_int(&s, 1, from);
  size_t count = 0;
  while (sb_statement_step(&s)) {
    s.status = sb_store_change_append(store, SB_CHANGE_PUT, sb_statement_column_int(&s, 1),
                                      sb_statement_column_int(&s, 0), into, error);
    count++;
  }
  *faces = count;
  return sb_statement_end(&s);
}

sb_status sb_store_person_merge(sb_store *store, int64_t into, int64_t from, size_t *faces, sb_error *error) {
  size_t moved = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = note_moves(store, from, into, &moved, error);
  if (status == SB_OK) status = store->driver->move_faces(store, from, into, error);
  if (status == SB_OK) status = sb_audit_append_person(store, "merge", into, (int64_t)moved, NULL, error);
  if (status == SB_OK) status = sb_audit_append_person(store, "erase", from, 0, NULL, error);
  if (status == SB_OK) status = delete_person(store, from, error);
  status = sb_store_finish(store, status, error);
  if (status != SB_OK) return status;
  if (faces) *faces = moved;
  return sb_store_erase_log(store, error);
}

sb_status sb_store_person_delete(sb_store *store, int64_t row, size_t *faces, sb_audit_receipt *receipt,
                                 sb_error *error) {
  size_t held = 0;
  int64_t deleted = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = note_removals(store, row, &held, error);
  if (status == SB_OK) status = sb_audit_append_person(store, "erase", row, (int64_t)held, receipt, error);
  if (status == SB_OK) status = delete_rows(store, "DELETE FROM face WHERE person = ?", row, &deleted, error);
  if (status == SB_OK) status = delete_person(store, row, error);
  status = sb_store_finish(store, status, error);
  if (status != SB_OK) return status;
  if (faces) *faces = held;
  return sb_store_erase_log(store, error);
}

sb_status sb_store_person_expired(sb_store *store, int64_t now_ms, int64_t *row, sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, "SELECT id FROM person WHERE expires IS NOT NULL AND expires <= ? ORDER BY expires LIMIT 1", error);
  sb_statement_bind_int(&s, 1, now_ms);
  *row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}
