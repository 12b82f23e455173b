#include "cli/roll.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CSV_BYTES_MAX = 256 << 20, CSV_FIELDS = 3 };

void sb_roll_free(sb_roll *roll) {
  for (size_t i = 0; i < roll->count; i++) {
    free(roll->rows[i].id);
    free(roll->rows[i].name);
    free(roll->rows[i].path);
  }
  free(roll->rows);
  *roll = (sb_roll){0};
}

/* Takes `path` over. */
static sb_status roll_add(sb_roll *roll, const char *id, const char *name, char *path, sb_error *error) {
  sb_roll_row row = {sb_strdup(id, error), sb_strdup(name, error), path};
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

static sb_status person_read(const char *folder, const char *id, sb_roll *roll, sb_error *error) {
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

static sb_status folder_read(const char *path, sb_roll *roll, sb_error *error) {
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
    return sb_fail(error, SB_INVALID, "%s holds no folder with photos; an import wants one folder a person", path);
  }
  return status;
}

/* Reads one field at *at, unquoting in place; leaves *at past its separator. False: an open quote. */
static bool csv_field(char **at, char **field, bool *last) {
  char *from = *at, *to = from;
  *field = to;
  if (*from == '"') {
    for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
      if (*from == '"') from++;
      *to++ = *from;
    }
    if (*from++ != '"') return false;
  } else {
    while (*from && *from != ',' && *from != '\n' && *from != '\r') *to++ = *from++;
  }
  if (*from == '\r' && from[1] == '\n') from++;
  bool separated = *from == ',';
  if (*from && !separated && *from != '\n') return false;
  *last = !separated;
  *at = *from ? from + 1 : from;
  *to = 0;
  return true;
}

static char *beside(const char *csv, const char *path, sb_error *error) {
  const char *slash = strrchr(csv, '/');
  if (*path == '/' || !slash) return sb_strdup(path, error);
  char *folder = sb_strdup(csv, error);
  if (!folder) return NULL;
  folder[slash - csv] = 0;
  char *joined = sb_path_join(*folder ? folder : "/", path, error);
  free(folder);
  return joined;
}

static sb_status csv_parse(const char *path, char *text, sb_roll *roll, sb_error *error) {
  for (size_t line = 1; *text; line++) {
    if (*text == '\n' || (*text == '\r' && text[1] == '\n')) { /* an empty line */
      text += *text == '\r' ? 2 : 1;
      continue;
    }
    char *fields[CSV_FIELDS] = {0};
    int count = 0;
    bool last = false;
    while (!last) {
      char *field;
      if (!csv_field(&text, &field, &last)) {
        return sb_fail(error, SB_INVALID, "%s, row %zu: a quote is not closed, or text follows it", path, line);
      }
      if (count < CSV_FIELDS) fields[count] = field;
      count++;
    }
    if (count != CSV_FIELDS) {
      return sb_fail(error, SB_INVALID, "%s, row %zu has %d fields; three are wanted: id,name,path", path, line, count);
    }
    if (line == 1 && !strcmp(fields[0], "id") && !strcmp(fields[2], "path")) continue;
    char *photo = beside(path, fields[2], error);
    if (!photo) return SB_NO_MEMORY;
    sb_status status = roll_add(roll, fields[0], fields[1], photo, error);
    if (status != SB_OK) return status;
  }
  return roll->count ? SB_OK : sb_fail(error, SB_INVALID, "%s holds no rows", path);
}

static sb_status csv_read(const char *path, sb_roll *roll, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, CSV_BYTES_MAX, &bytes, &size, error);
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "there is no file or folder %s", path);
  if (status != SB_OK) return status;
  sb_buffer text = {0};
  bool marked = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3); /* the byte-order mark of spreadsheets */
  if (memchr(bytes, 0, size) || !sb_utf8_valid((const char *)bytes, size)) {
    status =
        sb_fail(error, SB_INVALID, "%s is no UTF-8 text; an import wants a folder, or CSV rows id,name,path", path);
  }
  if (status == SB_OK) status = sb_buffer_add(&text, bytes + (marked ? 3 : 0), size - (marked ? 3 : 0), error);
  if (status == SB_OK)
    status = text.size ? csv_parse(path, text.bytes, roll, error) : sb_fail(error, SB_INVALID, "%s is empty", path);
  sb_buffer_free(&text);
  free(bytes);
  return status;
}

sb_status sb_roll_read(const char *path, sb_roll *out, sb_error *error) {
  sb_roll roll = {0};
  struct stat info;
  bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  sb_status status = folder ? folder_read(path, &roll, error) : csv_read(path, &roll, error);
  if (status == SB_OK)
    *out = roll;
  else
    sb_roll_free(&roll);
  return status;
}
