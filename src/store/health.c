/* What `semblance doctor` reports about a database. A reader connects without keys, and nothing is created, upgraded or
 * unlocked. */
#include "store/core/store_core.h"
#include "store/schema/schema.h"

#include <stdlib.h>
#include <unistd.h>

static sb_status read_health(sb_store *reader, sb_store_health *out, sb_error *error) {
  sb_status status = reader->driver->schema_version(reader, &out->schema, error);
  if (status != SB_OK) return status;
  status = reader->driver->health(reader, out, error);
  if (status == SB_OK && out->schema) status = reader->driver->check(reader, error);
  return status;
}

static sb_status check_exists(const char *dir, sb_error *error) {
  char *path = sb_path_join(dir, "semblance.db", error);
  if (!path) return SB_NO_MEMORY;
  bool there = !access(path, F_OK);
  free(path);
  return there ? SB_OK : sb_fail(error, SB_NOT_FOUND, "there is no gallery in %s yet", dir);
}

sb_status sb_store_health_get(const char *dir, const char *url, sb_store_health *out, sb_error *error) {
  sb_store *reader = NULL;
  sb_store_health health = {0};
  bool server = url && *url;
  sb_status status = server ? SB_OK : check_exists(dir, error);
  if (status != SB_OK) return status;
  status = sb_store_reader_open_at(dir, server ? url : NULL, false, &reader, error);
  if (status != SB_OK) return status;
  sb_store_lock(reader);
  status = read_health(reader, &health, error);
  sb_store_unlock(reader);
  health.newest = sb_store_schema_newest(reader);
  sb_store_core_free(reader);
  if (status == SB_OK) *out = health;
  return status;
}
