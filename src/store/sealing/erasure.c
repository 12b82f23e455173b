/* Erasing people, and merging two, which erases one.
 *
 * What is erased is gone before the call returns: the database overwrites deleted rows (secure_delete) and its log is
 * emptied (sb_store_purge_log). The audit log gets an entry, of which the receipt is proof. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/gallery/different.h"
#include "store/gallery/events.h"

/* Logs a change of each face of the person `of`: removed, or put under the person `to`. */
static sb_status log_changes(sb_store *store, sb_store_change_kind kind, int64_t of, int64_t to, size_t *faces,
                             sb_error *error) {
  enum { FACE, COLLECTION };
  sb_statement s = sb_statement_new(store, "SELECT id, collection FROM face WHERE person = ?", error);
  sb_statement_bind_int(&s, 1, of);
  for (*faces = 0; sb_statement_step(&s); ++*faces)
    s.status = sb_store_change_append(store, kind, sb_statement_column_int(&s, COLLECTION),
                                      sb_statement_column_int(&s, FACE), to, error);
  return sb_statement_end(&s);
}

static sb_status delete_person(sb_store *store, int64_t row, sb_error *error) {
  sb_status status = sb_store_exec_int(store, "DELETE FROM person WHERE id = ?", row, error);
  if (status != SB_OK || sb_store_rows_written(store)) return status;
  return sb_fail(error, SB_NOT_FOUND, "there is no such person");
}

/* A density is about other people; the faces of both people counted as such for each other until now. */
static sb_status mark_outdated(sb_store *store, int64_t person, sb_error *error) {
  sb_statement s =
      sb_statement_new(store, "UPDATE face SET density_people = ?1 WHERE person = ?2 AND density_people > ?1", error);
  sb_statement_bind_int(&s, 1, SB_DENSITY_OUTDATED);
  sb_statement_bind_int(&s, 2, person);
  return sb_statement_run(&s);
}

static sb_status merge(sb_store *store, int64_t into, int64_t from, size_t *faces, sb_error *error) {
  sb_status status = log_changes(store, SB_CHANGE_PUT, from, into, faces, error);
  if (status != SB_OK) return status;
  status = store->driver->move_faces(store, from, into, error);
  if (status != SB_OK) return status;
  status = mark_outdated(store, into, error);
  if (status != SB_OK) return status;
  status = sb_audit_append_person(store, &(sb_audit_event){"merge", 0, into, (int64_t)*faces}, NULL, error);
  if (status != SB_OK) return status;
  status = sb_audit_append_person(store, &(sb_audit_event){"erase", 0, from, 0}, NULL, error);
  if (status == SB_OK) status = sb_store_different_move(store, from, into, error);
  if (status == SB_OK) status = sb_store_events_move_person(store, from, into, error);
  return status == SB_OK ? delete_person(store, from, error) : status;
}

sb_status sb_store_person_merge(sb_store *store, int64_t into, int64_t from, size_t *faces, sb_error *error) {
  size_t moved = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, merge(store, into, from, &moved, error), error);
  if (status != SB_OK) return status;
  if (faces) *faces = moved;
  sb_store_purge_deleted(store);
  return SB_OK;
}

static sb_status erase(sb_store *store, int64_t row, size_t *faces, sb_audit_receipt *receipt, sb_error *error) {
  sb_status status = log_changes(store, SB_CHANGE_REMOVE, row, row, faces, error);
  if (status != SB_OK) return status;
  const sb_audit_event event = {"erase", 0, row, (int64_t)*faces};
  status = sb_audit_append_person(store, &event, receipt, error);
  if (status != SB_OK) return status;
  status = sb_store_exec_int(store, "DELETE FROM face WHERE person = ?", row, error);
  if (status == SB_OK) status = sb_store_different_move(store, row, 0, error);
  if (status == SB_OK) status = sb_store_events_forget_person(store, row, error);
  return status == SB_OK ? delete_person(store, row, error) : status;
}

sb_status sb_store_person_delete(sb_store *store, int64_t row, size_t *faces, sb_audit_receipt *receipt,
                                 sb_error *error) {
  size_t erased = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, erase(store, row, &erased, receipt, error), error);
  if (status != SB_OK) return status;
  if (faces) *faces = erased;
  sb_store_purge_deleted(store);
  return SB_OK;
}

static sb_status erase_without_faces(sb_store *store, int64_t row, bool *erased, sb_error *error) {
  size_t faces = 0;
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM face WHERE person = ? LIMIT 1", error);
  sb_statement_bind_int(&s, 1, row);
  *erased = !sb_statement_step(&s);
  sb_status status = sb_statement_end(&s);
  return status == SB_OK && *erased ? erase(store, row, &faces, NULL, error) : status;
}

sb_status sb_store_person_delete_without_faces(sb_store *store, int64_t row, sb_error *error) {
  bool erased = false;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, erase_without_faces(store, row, &erased, error), error);
  if (status == SB_OK && erased) sb_store_purge_deleted(store);
  return status;
}
