/* Backup, restore, and moving a gallery between its folder and PostgreSQL. */
#include "engine/internal.h"

#include <stdlib.h>

sb_status sb_engine_backup(sb_engine *engine, const char *path, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_backup(engine->store, path, error);
  /* A backup that cannot be restored is worthless: read back what was written. */
  if (status == SB_OK) status = sb_store_backup_verify(engine->data_dir, path, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_backup_verify(const char *folder, const char *path, sb_error *error) {
  sb_error local = {0};
  if (!error) error = &local;
  char *resolved = sb_engine_folder(folder, error);
  if (!resolved) return error->code;
  sb_status status = sb_store_backup_verify(resolved, path, error);
  free(resolved);
  return status;
}

sb_status sb_engine_restore(const char *folder, const char *path, sb_error *error) {
  sb_error local = {0};
  if (!error) error = &local;
  char *resolved = sb_engine_folder(folder, error);
  if (!resolved) return error->code;
  sb_status status = sb_store_restore(resolved, path, error);
  free(resolved);
  return status;
}

sb_status sb_engine_migrate(const sb_engine_migration *m, size_t *rows, sb_error *error) {
  sb_error local = {0};
  if (!error) error = &local;
  char *folder = sb_engine_folder(m->folder, error);
  if (!folder) return error->code;
  sb_status status = sb_store_migrate(folder, m->url, m->back, m->progress, m->context, rows, error);
  free(folder);
  return status;
}
