#include "import/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_BYTES_MAX = 256 << 20 };

char *sb_csv_beside(const char *csv, const char *path, sb_error *error) {
  const char *slash = strrchr(csv, '/');
  if (*path == '/' || !slash) return sb_strdup(path, error);
  char *folder = sb_strdup(csv, error);
  if (!folder) return NULL;
  folder[slash - csv] = 0;
  char *joined = sb_path_join(*folder ? folder : "/", path, error);
  free(folder);
  return joined;
}

typedef struct csv {
  const char *path, *wanted;
  size_t least, most;
  sb_csv_visit visit;
  void *context;
} csv;

static sb_status parse(const csv *c, char *text, sb_error *error) {
  for (size_t row = 1; *text; row++) {
    if (*text == '\n' || (*text == '\r' && text[1] == '\n')) { /* an empty line */
      text += *text == '\r' ? 2 : 1;
      continue;
    }
    char *fields[SB_CSV_FIELDS_MAX] = {0};
    size_t count = 0;
    for (bool last = false; !last; count++) {
      char *field;
      if (!sb_csv_field(&text, &field, &last))
        return sb_fail(error, SB_INVALID, "%s, row %zu: a quote is not closed, or text follows it", c->path, row);
      if (count < SB_CSV_FIELDS_MAX) fields[count] = field;
    }
    if (count < c->least || count > c->most)
      return sb_fail(error, SB_INVALID, "%s, row %zu has %zu fields; these are wanted: %s", c->path, row, count,
                     c->wanted);
    sb_status status = c->visit(c->context, row, fields, count, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_csv_read(const char *path, const char *wanted, size_t least, size_t most, sb_csv_visit visit,
                      void *context, sb_error *error) {
  const csv c = {path, wanted, least, most, visit, context};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, CSV_BYTES_MAX, &bytes, &size, error);
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "there is no file or folder %s", path);
  if (status != SB_OK) return status;
  sb_buffer text = {0};
  size_t mark = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0; /* the byte-order mark of spreadsheets */
  if (memchr(bytes, 0, size) || !sb_utf8_valid((const char *)bytes, size))
    status = sb_fail(error, SB_INVALID, "%s is no UTF-8 text; CSV rows are wanted: %s", path, wanted);
  if (status == SB_OK) status = sb_buffer_add(&text, bytes + mark, size - mark, error);
  if (status == SB_OK)
    status = text.size ? parse(&c, text.bytes, error) : sb_fail(error, SB_INVALID, "%s is empty", path);
  sb_buffer_free(&text);
  free(bytes);
  return status;
}
