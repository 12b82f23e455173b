/* Finds the columns of CSV text and gives its rows.
 *
 * The separator is the one of a first line "sep=;", else the one with which the heading row is understood, else the one
 * with which the most rows have the table's number of fields. Where two do equally well, or where the first row may be
 * a heading and is not understood, the file is refused. */
#include "import/csv.h"

#include "import/csv_rows.h"
#include "unicode/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_BYTES_MAX = 256 << 20, HEADING_BYTES_MAX = 64, NO_FIELD = -1 };

static const char separators[] = ",;\t|";

typedef struct reader {
  const sb_csv_table *table;
  char *text; /* the rows that are left */
  size_t row; /* the number of the row at `text` */
  char separator;
  bool heading;
  size_t width;                   /* fields of the heading row, else of the table */
  int fields[SB_CSV_COLUMNS_MAX]; /* the field of each column, or NO_FIELD */
  char expected[160];             /* "id,name,path" */
  sb_csv_row found;
} reader;

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

static const char *separator_name(char separator) {
  switch (separator) {
  case ',': return "commas";
  case ';': return "semicolons";
  case '\t': return "tabs";
  case '|': return "bars";
  default: return "the separator that its first line names";
  }
}

static size_t required_columns(const sb_csv_table *table) {
  size_t count = 0;
  while (count < table->count && !table->columns[count].optional) count++;
  return count;
}

static void list_columns(reader *r) {
  size_t used = 0;
  for (size_t i = 0; i < r->table->count && used < sizeof r->expected; i++)
    used += (size_t)snprintf(r->expected + used, sizeof r->expected - used, "%s%s%s", i ? "," : "",
                             r->table->columns[i].name, r->table->columns[i].optional ? " (may be missing)" : "");
}

static sb_status fail_syntax(const reader *r, sb_error *error) {
  return sb_fail(error, SB_INVALID, "%s, row %zu: a quote is not closed, or text follows a closing quote",
                 r->table->source, r->row);
}

/* ---- The heading row */

/* A heading as it is compared: without case and accents, with '_' and '-' as blanks. Empty: it is too long for one. */
static sb_status fold_heading(const sb_csv_field *field, char out[HEADING_BYTES_MAX], sb_error *error) {
  char text[HEADING_BYTES_MAX] = "", *folded = NULL;
  out[0] = 0;
  if (field->length >= HEADING_BYTES_MAX) return SB_OK;
  for (size_t i = 0; i < field->length; i++)
    text[i] = field->from[i] == '_' || field->from[i] == '-' ? ' ' : field->from[i];
  sb_status status = sb_unicode_fold(text, &folded, error);
  if (status != SB_OK) return status;
  if (strlen(folded) < HEADING_BYTES_MAX) strcpy(out, folded);
  free(folded);
  return SB_OK;
}

static bool is_word(const char *words, const char *heading) {
  char word[HEADING_BYTES_MAX + 2];
  if (!words || !*heading || strchr(heading, '|')) return false;
  snprintf(word, sizeof word, "|%s|", heading);
  return strstr(words, word) != NULL;
}

typedef struct heading {
  int fields[SB_CSV_COLUMNS_MAX];
  size_t found;                  /* columns */
  const sb_csv_column *repeated; /* a column that two fields could be; NULL: none */
} heading;

/* The column's own name goes before the other words for it. */
static sb_status find_column(const sb_csv_row *row, const sb_csv_column *column, heading *h, size_t number,
                             sb_error *error) {
  int named = NO_FIELD, other = NO_FIELD;
  bool twice_named = false, twice_other = false;
  for (size_t i = 0; i < row->used && i < SB_CSV_FIELDS_MAX; i++) {
    char text[HEADING_BYTES_MAX];
    sb_status status = fold_heading(&row->fields[i], text, error);
    if (status != SB_OK) return status;
    if (!strcmp(text, column->name)) {
      twice_named |= named != NO_FIELD;
      named = (int)i;
    } else if (is_word(column->words, text)) {
      twice_other |= other != NO_FIELD;
      other = (int)i;
    }
  }
  if (named == NO_FIELD ? twice_other : twice_named) h->repeated = column;
  h->fields[number] = named == NO_FIELD ? other : named;
  h->found += h->fields[number] != NO_FIELD;
  return SB_OK;
}

static bool is_complete(const sb_csv_table *table, const heading *h) {
  for (size_t i = 0; i < required_columns(table); i++)
    if (h->fields[i] == NO_FIELD) return false;
  return !h->repeated;
}

static sb_status fail_heading(const reader *r, const heading *h, sb_error *error) {
  if (h->repeated)
    return sb_fail(error, SB_INVALID, "%s, row %zu: two columns of the heading could be the %s: call one of them '%s'",
                   r->table->source, r->row, h->repeated->name, h->repeated->name);
  for (size_t i = 0; h->found && i < required_columns(r->table); i++)
    if (h->fields[i] == NO_FIELD)
      return sb_fail(error, SB_INVALID, "%s, row %zu: the heading has no column '%s'; expected %s", r->table->source,
                     r->row, r->table->columns[i].name, r->expected);
  return sb_fail(error, SB_INVALID,
                 "%s, row %zu is neither data in the order %s nor a heading that is understood: begin the file with a "
                 "row of these words",
                 r->table->source, r->row, r->expected);
}

/* ---- The separator */

/* Without a heading: whether the row has the table's fields. */
static bool fits(const sb_csv_table *table, const sb_csv_row *row) {
  return row->count && row->count >= required_columns(table) && row->used <= table->count;
}

static size_t count_fitting(const sb_csv_table *table, char *text, char separator) {
  sb_csv_row row;
  size_t count = 0;
  while (*text && sb_csv_row_scan(&text, separator, &row)) count += fits(table, &row);
  return count;
}

/* A first line "sep=;", as Excel reads and writes it. */
static bool take_sep_line(reader *r) {
  if (strncasecmp(r->text, "sep=", 4) || !r->text[4] || r->text[4] == '"' || !strchr("\r\n", r->text[5])) return false;
  r->separator = r->text[4];
  r->text += 5;
  if (r->text[0] == '\r' && r->text[1] == '\n') r->text++;
  if (*r->text) r->text++;
  r->row++;
  return true;
}

/* Tries one separator on the first row. Keeps it where it finds more columns than those before. */
static sb_status try_heading(reader *r, char separator, heading *best, sb_error *error) {
  char *at = r->text;
  heading h = {.found = 0};
  if (!sb_csv_row_scan(&at, separator, &r->found)) return SB_OK;
  for (size_t i = 0; i < r->table->count; i++) {
    sb_status status = find_column(&r->found, &r->table->columns[i], &h, i, error);
    if (status != SB_OK) return status;
  }
  if (h.found <= best->found) return SB_OK;
  *best = h;
  r->separator = separator;
  r->width = r->found.count;
  return SB_OK;
}

/* The separator with which the most rows fit; where none fits, the one with the most fields in the first row, for the
 * message about it. */
static sb_status choose_separator(reader *r, sb_error *error) {
  size_t most = 0, fields = 1;
  char tied = 0, widest = separators[0];
  for (const char *s = separators; *s; s++) {
    size_t count = count_fitting(r->table, r->text, *s);
    char *at = r->text;
    tied = count > most ? 0 : count && count == most ? *s : tied;
    if (count > most) {
      most = count;
      r->separator = *s;
    }
    if (sb_csv_row_scan(&at, *s, &r->found) && r->found.count > fields) {
      fields = r->found.count;
      widest = *s;
    }
  }
  if (tied)
    return sb_fail(error, SB_INVALID, "%s can be read with %s and with %s between fields: begin it with a line sep=%c",
                   r->table->source, separator_name(r->separator), separator_name(tied), r->separator);
  if (!most) r->separator = widest;
  return SB_OK;
}

/* The first row is no heading: may it be data? */
static sb_status check_first_row(reader *r, const heading *none, sb_error *error) {
  char *at = r->text, *texts[SB_CSV_COLUMNS_MAX] = {0};
  if (!sb_csv_row_scan(&at, r->separator, &r->found)) return fail_syntax(r, error);
  if (!fits(r->table, &r->found)) return SB_OK; /* refused as a row */
  bool copied = true;
  for (size_t i = 0; i < r->table->count && i < r->found.count; i++)
    copied &= (texts[i] = strndup(r->found.fields[i].from, r->found.fields[i].length)) != NULL;
  bool data = copied && r->table->is_data(texts);
  for (size_t i = 0; i < r->table->count; i++) free(texts[i]);
  if (!copied) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  return data ? SB_OK : fail_heading(r, none, error);
}

/* Finds separator and columns from the first row that is not empty, and takes it where it is a heading. */
static sb_status read_heading(reader *r, sb_error *error) {
  heading best = {.found = 0};
  bool fixed = take_sep_line(r);
  for (char *at = r->text; *at && sb_csv_row_scan(&at, ',', &r->found) && !r->found.count; r->row++) r->text = at;
  const char one[] = {r->separator, 0};
  for (const char *s = fixed ? one : separators; *s; s++) {
    sb_status status = try_heading(r, *s, &best, error);
    if (status != SB_OK) return status;
  }
  if (best.found && !is_complete(r->table, &best)) return fail_heading(r, &best, error);
  r->heading = best.found > 0;
  if (r->heading) {
    memcpy(r->fields, best.fields, sizeof r->fields);
    (void)sb_csv_row_scan(&r->text, r->separator, &r->found);
    r->row++;
    return SB_OK;
  }
  r->width = r->table->count;
  for (size_t i = 0; i < r->table->count; i++) r->fields[i] = (int)i;
  sb_status status = fixed ? SB_OK : choose_separator(r, error);
  return status == SB_OK ? check_first_row(r, &best, error) : status;
}

/* ---- Rows */

static sb_status check_width(const reader *r, sb_error *error) {
  size_t least = 0;
  for (size_t i = 0; i < required_columns(r->table); i++)
    if ((size_t)r->fields[i] + 1 > least) least = (size_t)r->fields[i] + 1;
  if (r->found.count >= least && r->found.used <= r->width) return SB_OK;
  return sb_fail(error, SB_INVALID, "%s, row %zu has %zu fields, separated by %s; expected %s%s", r->table->source,
                 r->row, r->found.count, separator_name(r->separator), r->heading ? "those of the heading, with " : "",
                 r->expected);
}

static sb_status visit_row(reader *r, sb_error *error) {
  char *texts[SB_CSV_COLUMNS_MAX] = {0};
  sb_status status = check_width(r, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < r->table->count; i++)
    if (r->fields[i] != NO_FIELD && (size_t)r->fields[i] < r->found.count)
      texts[i] = sb_csv_field_text(&r->found.fields[r->fields[i]]);
  return r->table->visit(r->table->context, r->row, texts, error);
}

static sb_status parse_rows(reader *r, sb_error *error) {
  sb_status status = read_heading(r, error);
  for (; status == SB_OK && *r->text; r->row++) {
    if (!sb_csv_row_scan(&r->text, r->separator, &r->found)) return fail_syntax(r, error);
    if (r->found.count) status = visit_row(r, error);
  }
  return status;
}

sb_status sb_csv_parse(const uint8_t *bytes, size_t size, const sb_csv_table *table, sb_error *error) {
  size_t mark = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0; /* byte-order mark */
  reader r = {.table = table, .row = 1};
  list_columns(&r);
  if ((size && memchr(bytes, 0, size)) || !sb_utf8_valid((const char *)bytes, size))
    return sb_fail(error, SB_INVALID, "%s is not UTF-8 text; expected CSV rows of %s", table->source, r.expected);
  if (size == mark) return sb_fail(error, SB_INVALID, "%s is empty", table->source);
  sb_buffer text = {0};
  sb_status status = sb_buffer_add(&text, bytes + mark, size - mark, error);
  r.text = text.bytes;
  if (status == SB_OK) status = parse_rows(&r, error);
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
