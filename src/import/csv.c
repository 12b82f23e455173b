/* Rows and fields of CSV (RFC 4180). Fields are unquoted in place, so the parser works on a writable copy of the
 * text. */
#include "import/csv.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 256 << 20 };

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

/* Reads the field at *at, unquotes it in place and moves *at past its separator. False: a quote is not closed, or
 * text follows it. */
static bool read_field(char **at, char **field, bool *last) {
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

/* Reads one row; *count is its number of fields, 0 for an empty line. Fields beyond SB_CSV_FIELDS_MAX are counted,
 * not kept. */
static bool read_row(char **at, char *fields[SB_CSV_FIELDS_MAX], size_t *count) {
  *count = 0;
  if (**at == '\n' || (**at == '\r' && (*at)[1] == '\n')) {
    *at += **at == '\r' ? 2 : 1;
    return true;
  }
  for (bool last = false; !last; ++*count) {
    char *field;
    if (!read_field(at, &field, &last)) return false;
    if (*count < SB_CSV_FIELDS_MAX) fields[*count] = field;
  }
  return true;
}

static sb_status parse_rows(char *text, const sb_csv_table *table, sb_error *error) {
  for (size_t row = 1; *text; row++) {
    char *fields[SB_CSV_FIELDS_MAX] = {0};
    size_t count;
    if (!read_row(&text, fields, &count))
      return sb_fail(error, SB_INVALID, "%s, row %zu: a quote is not closed, or text follows a closing quote",
                     table->source, row);
    if (!count) continue;
    if (count < table->least || count > table->most)
      return sb_fail(error, SB_INVALID, "%s, row %zu has %zu fields; expected %s", table->source, row, count,
                     table->columns);
    sb_status status = table->visit(table->context, row, fields, count, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_csv_parse(const uint8_t *bytes, size_t size, const sb_csv_table *table, sb_error *error) {
  size_t mark = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0; /* byte-order mark */
  if ((size && memchr(bytes, 0, size)) || !sb_utf8_valid((const char *)bytes, size))
    return sb_fail(error, SB_INVALID, "%s is not UTF-8 text; expected CSV rows of %s", table->source, table->columns);
  if (size == mark) return sb_fail(error, SB_INVALID, "%s is empty", table->source);
  sb_buffer text = {0};
  sb_status status = sb_buffer_add(&text, bytes + mark, size - mark, error);
  if (status == SB_OK) status = parse_rows(text.bytes, table, error);
  sb_buffer_free(&text);
  return status;
}

sb_status sb_csv_read(const char *path, const sb_csv_table *table, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, FILE_BYTES_MAX, &bytes, &size, error);
  if (status == SB_NOT_FOUND) return sb_fail_missing("file or folder", path, error);
  if (status != SB_OK) return status;
  status = sb_csv_parse(bytes, size, table, error);
  free(bytes);
  return status;
}
