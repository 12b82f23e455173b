#include "import/rules.h"

#include "import/csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "./" and "../" are parts of a path, not hidden names. */
static bool is_hidden(const char *part, size_t length) {
  return part[0] == '.' && length > 1 && !(length == 2 && part[1] == '.');
}

static bool is_left_out(const char *path) {
  const char *part = path;
  for (;; part++) {
    size_t length = strcspn(part, "/");
    if (is_hidden(part, length)) return true;
    if (!part[length]) break;
    if (length == 8 && !strncmp(part, "__MACOSX", 8)) return true;
    part += length;
  }
  return !strcasecmp(part, "Thumbs.db") || !strcasecmp(part, "desktop.ini");
}

static bool ends_in_csv(const char *path) {
  size_t length = strlen(path);
  return length > 4 && !strcasecmp(path + length - 4, ".csv");
}

bool sb_import_is_csv(const char *path) {
  return ends_in_csv(path) && !is_left_out(path);
}

bool sb_import_is_photo(const char *path) {
  return !ends_in_csv(path) && !is_left_out(path);
}

sb_status sb_import_person_of(const char *path, char **id, char **name, sb_error *error) {
  const char *start = path, *end = strrchr(path, '/');
  if (end) {
    for (const char *c = path; c < end; c++)
      if (*c == '/') start = c + 1;
  } else {
    end = strrchr(path, '.');
    if (!end) end = path + strlen(path);
  }
  *id = strndup(start, (size_t)(end - start));
  *name = *id ? sb_strdup(*id, error) : NULL;
  if (!*name) {
    free(*id);
    *id = NULL;
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  for (char *c = *name; *c; c++)
    if (*c == '_') *c = ' ';
  return SB_OK;
}

typedef struct row_reader {
  sb_import_visit_row visit;
  void *context;
} row_reader;

static sb_status visit_row(void *context, size_t row, char **fields, size_t count, sb_error *error) {
  const row_reader *reader = context;
  (void)count;
  if (row == 1 && !strcasecmp(fields[0], "id") && !strcasecmp(fields[2], "path")) return SB_OK;
  return reader->visit(reader->context, fields[0], fields[1], fields[2], error);
}

static sb_csv_table table_of(const char *source, row_reader *reader) {
  return (sb_csv_table){source, "id,name,path", 3, 3, visit_row, reader};
}

sb_status sb_import_rows(const uint8_t *bytes, size_t size, const char *source, sb_import_visit_row visit,
                         void *context, sb_error *error) {
  row_reader reader = {visit, context};
  const sb_csv_table table = table_of(source, &reader);
  return sb_csv_parse(bytes, size, &table, error);
}

sb_status sb_import_rows_of_file(const char *path, sb_import_visit_row visit, void *context, sb_error *error) {
  row_reader reader = {visit, context};
  const sb_csv_table table = table_of(path, &reader);
  return sb_csv_read(path, &table, error);
}
