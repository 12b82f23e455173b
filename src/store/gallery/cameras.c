/* Cameras that a server watches. The name is stored as it is; everything else, addresses with their passwords among it,
 * is in the sealed record. */
#include "store/gallery/cameras.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sb_seal_context context_of(int64_t row) {
  return (sb_seal_context){"camera", "record", row, NULL};
}

/* ---- Changing, within a transaction */

static sb_status check_room(sb_store *store, const char *name, size_t most, sb_error *error) {
  int64_t count = 0;
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM camera WHERE name = ?", error);
  sb_statement_bind_text(&s, 1, name);
  if (sb_statement_step(&s)) s.status = sb_fail(error, SB_EXISTS, "there is a camera of that name already");
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  status = sb_store_number(store, "SELECT count(*) FROM camera", &count, error);
  if (status != SB_OK || (size_t)count < most) return status;
  return sb_fail(error, SB_TOO_LARGE,
                 "there are %lld cameras already, and this machine watches at most %zu: four for each of its cores, "
                 "and 64 in all; remove one, or use a machine with more cores",
                 (long long)count, most);
}

static sb_status insert(sb_store *store, const sb_store_camera *camera, sb_error *error) {
  int64_t row = 0;
  sb_status status = store->driver->next_row(store, "camera", &row, error);
  if (status != SB_OK) return status;
  const sb_seal_context context = context_of(row);
  sb_statement s = sb_statement_new(store, "INSERT INTO camera(id, name, record, created) VALUES(?, ?, ?, ?)", error);
  sb_statement_bind_int(&s, 1, row);
  sb_statement_bind_text(&s, 2, camera->name);
  sb_statement_bind_sealed(&s, 3, &context, camera->record, camera->size);
  sb_statement_bind_int(&s, 4, sb_now_ms());
  return sb_statement_run(&s);
}

static sb_status add(sb_store *store, const sb_store_camera *camera, int64_t collection, size_t most, sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_status status = check_room(store, camera->name, most, error);
  if (status != SB_OK) return status;
  status = insert(store, camera, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"camera-add", collection, 0, 0}, NULL, error);
}

sb_status sb_store_camera_add(sb_store *store, const sb_store_camera *camera, int64_t collection, size_t most,
                              sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, add(store, camera, collection, most, error), error);
}

static sb_status change(sb_store *store, const sb_store_camera *camera, int64_t collection, sb_error *error) {
  const sb_seal_context context = context_of(camera->row);
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_statement s = sb_statement_new(store, "UPDATE camera SET record = ? WHERE id = ?", error);
  sb_statement_bind_sealed(&s, 1, &context, camera->record, camera->size);
  sb_statement_bind_int(&s, 2, camera->row);
  sb_status status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  if (!sb_store_rows_written(store)) return sb_fail(error, SB_NOT_FOUND, "there is no camera of that name");
  return sb_audit_append(store, &(sb_audit_event){"camera-change", collection, 0, 0}, NULL, error);
}

sb_status sb_store_camera_change(sb_store *store, const sb_store_camera *camera, int64_t collection, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, change(store, camera, collection, error), error);
  if (status == SB_OK) sb_store_purge_deleted(store);
  return status;
}

static sb_status delete_camera(sb_store *store, const char *name, int64_t collection, sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_statement s = sb_statement_new(store, "DELETE FROM camera WHERE name = ?", error);
  sb_statement_bind_text(&s, 1, name);
  sb_status status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  if (!sb_store_rows_written(store)) return sb_fail(error, SB_NOT_FOUND, "there is no camera of that name");
  return sb_audit_append(store, &(sb_audit_event){"camera-remove", collection, 0, 0}, NULL, error);
}

sb_status sb_store_camera_delete(sb_store *store, const char *name, int64_t collection, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, delete_camera(store, name, collection, error), error);
  if (status == SB_OK) sb_store_purge_deleted(store);
  return status;
}

/* ---- Reading */

void sb_store_cameras_free(sb_store_camera *cameras, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (cameras[i].record) sb_wipe(cameras[i].record, cameras[i].size);
    free(cameras[i].record);
  }
  free(cameras);
}

static sb_status read_all(sb_store *store, sb_store_camera **out, size_t *count, sb_error *error) {
  enum { ROW, NAME, RECORD, CREATED };
  sb_statement s = sb_statement_new(store, "SELECT id, name, record, created FROM camera ORDER BY id", error);
  while (sb_statement_step(&s)) {
    s.status = sb_grow((void **)out, *count + 1, sizeof **out, error);
    if (s.status != SB_OK) break;
    sb_store_camera *camera = &(*out)[(*count)++];
    *camera =
        (sb_store_camera){.row = sb_statement_column_int(&s, ROW), .created_ms = sb_statement_column_int(&s, CREATED)};
    const sb_seal_context context = context_of(camera->row);
    snprintf(camera->name, sizeof camera->name, "%s", sb_statement_column_text(&s, NAME));
    camera->record = sb_statement_column_sealed(&s, RECORD, &context, &camera->size);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_cameras(sb_store *store, sb_store_camera **out, size_t *count, sb_error *error) {
  sb_store_camera *list = NULL;
  size_t found = 0;
  sb_store_lock(store);
  sb_status status = read_all(store, &list, &found, error);
  sb_store_unlock(store);
  if (status != SB_OK) return sb_store_cameras_free(list, found), status;
  *out = list;
  *count = found;
  return SB_OK;
}
