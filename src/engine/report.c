/* The published evaluation of the models, a JSON file in the gallery's folder. It is written to a temporary file that
 * is renamed, so that a reader sees the old report or the new one. */
#include "engine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = "accuracy.json", fresh_name[] = "accuracy.json.new";

static sb_status replace(const char *fresh, const char *path, const char *json, size_t size, sb_error *error) {
  int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return sb_fail_errno(error, errno, "write", fresh);
  sb_status status = sb_write_all(file, fresh, json, size, error);
  if (status == SB_OK && fsync(file)) status = sb_fail_errno(error, errno, "write", fresh);
  close(file);
  if (status == SB_OK && rename(fresh, path)) status = sb_fail_errno(error, errno, "write", path);
  if (status != SB_OK) unlink(fresh);
  return status;
}

sb_status sb_engine_report_write(const char *folder, const char *json, size_t size, sb_error *error) {
  if (size > SB_REPORT_MAX) return sb_fail(error, SB_TOO_LARGE, "a report has at most %d bytes", SB_REPORT_MAX);
  char *path = sb_path_join(folder, file_name, error), *fresh = path ? sb_path_join(folder, fresh_name, error) : NULL;
  sb_status status = fresh ? sb_dir_make(folder, error) : SB_NO_MEMORY;
  if (status == SB_OK) status = replace(fresh, path, json, size, error);
  free(path);
  free(fresh);
  return status;
}

sb_status sb_engine_report(sb_engine *engine, char **json, size_t *size, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t length = 0;
  char *path = sb_path_join(engine->data_dir, file_name, error);
  sb_status status = path ? sb_file_read(path, SB_REPORT_MAX, &bytes, &length, error) : SB_NO_MEMORY;
  free(path);
  if (status == SB_NOT_FOUND)
    return sb_fail(error, status, "no report was published: `semblance eval FOLDER --publish` makes one");
  if (status != SB_OK) return status;
  *json = strndup((const char *)bytes, length);
  *size = length;
  free(bytes);
  return *json ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
}
