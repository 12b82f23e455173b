/* What `semblance doctor` tells of a database: the look leaves it as it is. */
#include "store/internal.h"

#include <stdlib.h>
#include <unistd.h>

static sb_status look(sb_store *reader, sb_store_health *out, sb_error *error) {
  sb_store_lock(reader);
  sb_status status = reader->driver->schema(reader, &out->schema, error);
  if (status == SB_OK) status = reader->driver->health(reader, out, error);
  if (status == SB_OK && out->schema) status = reader->driver->check(reader, error);
  sb_store_unlock(reader);
  out->newest = reader->driver->step_count;
  return status;
}

sb_status sb_store_health_get(const char *dir, const char *url, sb_store_health *out, sb_error *error) {
  sb_store *reader = NULL;
  sb_store_health health = {0};
  bool server = url && *url;
  char *path = server ? NULL : sb_path_join(dir, "semblance.db", error);
  if (!server && !path) return SB_NO_MEMORY;
  sb_status status =
      path && access(path, F_OK) ? SB_NOT_FOUND : sb_store_reader_at(dir, server ? url : NULL, &reader, error);
  free(path);
  if (status == SB_NOT_FOUND) return sb_fail(error, status, "there is no gallery in %s yet", dir);
  if (status == SB_OK) status = look(reader, &health, error);
  sb_store_close(reader);
  if (status == SB_OK) *out = health;
  return status;
}
