#include "import/import_list.h"

#include "import/csv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void sb_import_list_free(sb_import_list *roll) {
  for (size_t i = 0; i < roll->count; i++) {
    free(roll->rows[i].id);
    free(roll->rows[i].name);
    free(roll->rows[i].path);
  }
  free(roll->rows);
  *roll = (sb_import_list){0};
}

/* Takes `path` over. */
static sb_status roll_add(sb_import_list *roll, const char *id, const char *name, char *path, sb_error *error) {
  sb_import_row row = {sb_strdup(id, error), sb_strdup(name, error), path};
  void *rows = roll->rows;
  sb_status status = row.id && row.name && row.path ? SB_OK : SB_NO_MEMORY;
  /* Room doubles, so that a million rows are not a million copies. */
  if (status == SB_OK && (roll->count & (roll->count - 1)) == 0)
    status = sb_grow(&rows, roll->count ? roll->count * 2 : 1, sizeof row, error);
  if (status != SB_OK) {
    free(row.id);
    free(row.name);
    free(row.path);
    return status;
  }
  roll->rows = rows;
  roll->rows[roll->count++] = row;
  return SB_OK;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* Visible entries in order of name; count < 0 on failure. */
static int folder_scan(const char *path, struct dirent ***entries, sb_error *error) {
  int count = scandir(path, entries, is_visible, alphasort);
  if (count < 0) sb_fail_errno(error, errno, "read the folder", path);
  return count;
}

static void entries_free(struct dirent **entries, int count) {
  for (int i = 0; i < count; i++) free(entries[i]);
  free(entries);
}

static sb_status person_read(const char *folder, const char *id, sb_import_list *roll, sb_error *error) {
  struct dirent **entries = NULL;
  char *name = sb_strdup(id, error);
  if (!name) return SB_NO_MEMORY;
  for (char *c = name; *c; c++)
    if (*c == '_') *c = ' ';
  int count = folder_scan(folder, &entries, error);
  sb_status status = count < 0 ? SB_IO : SB_OK;
  for (int i = 0; status == SB_OK && i < count; i++) {
    char *path = sb_path_join(folder, entries[i]->d_name, error);
    struct stat info;
    if (!path) {
      status = SB_NO_MEMORY;
    } else if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
      free(path);
    } else {
      status = roll_add(roll, id, name, path, error);
    }
  }
  entries_free(entries, count);
  free(name);
  return status;
}

static sb_status folder_read(const char *path, sb_import_list *roll, sb_error *error) {
  struct dirent **entries = NULL;
  int count = folder_scan(path, &entries, error);
  sb_status status = count < 0 ? SB_IO : SB_OK;
  for (int i = 0; status == SB_OK && i < count; i++) {
    char *person = sb_path_join(path, entries[i]->d_name, error);
    struct stat info;
    if (!person)
      status = SB_NO_MEMORY;
    else if (stat(person, &info) == 0 && S_ISDIR(info.st_mode))
      status = person_read(person, entries[i]->d_name, roll, error);
    free(person);
  }
  entries_free(entries, count);
  if (status == SB_OK && !roll->count) {
    return sb_fail(error, SB_INVALID, "%s holds no folder with photos; one folder a person is wanted", path);
  }
  return status;
}

typedef struct roll_reader {
  const char *path;
  sb_import_list *roll;
} roll_reader;

static sb_status row_read(void *context, size_t row, char **fields, size_t count, sb_error *error) {
  const roll_reader *reader = context;
  (void)count;
  if (row == 1 && !strcmp(fields[0], "id") && !strcmp(fields[2], "path")) return SB_OK;
  char *photo = sb_csv_beside(reader->path, fields[2], error);
  return photo ? roll_add(reader->roll, fields[0], fields[1], photo, error) : SB_NO_MEMORY;
}

static sb_status csv_read(const char *path, sb_import_list *roll, sb_error *error) {
  roll_reader reader = {path, roll};
  sb_status status = sb_csv_read(path, "id,name,path", 3, 3, row_read, &reader, error);
  if (status != SB_OK || roll->count) return status;
  return sb_fail(error, SB_INVALID, "%s holds no rows", path);
}

sb_status sb_import_list_read(const char *path, sb_import_list *out, sb_error *error) {
  sb_import_list roll = {0};
  struct stat info;
  bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  sb_status status = folder ? folder_read(path, &roll, error) : csv_read(path, &roll, error);
  if (status == SB_OK)
    *out = roll;
  else
    sb_import_list_free(&roll);
  return status;
}
