/* Rows and fields of CSV text (RFC 4180). Scanning leaves the text as it is, so that several separators can be tried;
 * a field is unquoted in place when its row is used. */
#include "import/csv_rows.h"

static bool ends_line(char c) {
  return !c || c == '\n' || c == '\r';
}

static bool is_blank(char c, char separator) {
  return (c == ' ' || c == '\t') && c != separator;
}

static bool scan_quoted(char **at, char separator, sb_csv_field *field) {
  char *end = *at + 1;
  field->from = end;
  field->quoted = true;
  while (*end && (*end != '"' || end[1] == '"')) end += *end == '"' ? 2 : 1;
  if (!*end) return false;
  field->length = (size_t)(end - field->from);
  for (end++; is_blank(*end, separator);) end++;
  *at = end;
  return ends_line(*end) || *end == separator;
}

static void scan_plain(char **at, char separator, sb_csv_field *field) {
  char *end = *at;
  field->from = end;
  field->quoted = false;
  while (!ends_line(*end) && *end != separator) end++;
  *at = end;
  while (end > field->from && is_blank(end[-1], separator)) end--;
  field->length = (size_t)(end - field->from);
}

/* Moves *at behind the field's separator, or to the end of its line. */
static bool scan_field(char **at, char separator, sb_csv_field *field) {
  while (is_blank(**at, separator)) ++*at;
  if (**at == '"') return scan_quoted(at, separator, field);
  scan_plain(at, separator, field);
  return true;
}

bool sb_csv_row_scan(char **at, char separator, sb_csv_row *row) {
  row->count = row->used = 0;
  for (bool more = true; more; row->count++) {
    sb_csv_field field;
    if (!scan_field(at, separator, &field)) return false;
    if (row->count < SB_CSV_FIELDS_MAX) row->fields[row->count] = field;
    if (field.length) row->used = row->count + 1;
    more = **at == separator;
    *at += more;
  }
  if (row->count == 1 && !row->used && !row->fields[0].quoted) row->count = 0;
  if (**at == '\r' && (*at)[1] == '\n') ++*at;
  if (**at) ++*at;
  return true;
}

char *sb_csv_field_text(const sb_csv_field *field) {
  char *to = field->from, *end = field->from + field->length;
  for (char *from = to; from < end; from++) {
    if (field->quoted && *from == '"') from++;
    *to++ = *from;
  }
  *to = 0;
  return field->from;
}
