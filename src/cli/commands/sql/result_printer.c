/* Rows are printed as the statement gives them, so a result may be larger than memory; only a table holds its first
 * rows back, to know how wide its columns are. */
#include "cli/commands/sql/result_printer.h"

#include "base/base.h"
#include "cli/wording.h"
#include "json/write.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  LAYOUT_ROWS = 1000, /* held back until the widths of a table's columns are known */
  WIDTH_MAX = 60,     /* characters of a column; longer cells run over */
};

/* ---- A cell as text */

static sb_status add_hex(sb_buffer *out, const uint8_t *bytes, size_t size, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < size; i++) status = sb_buffer_addf(out, error, "%02x", bytes[i]);
  return status;
}

static sb_status add_real(sb_buffer *out, double value, sb_error *error) {
  char text[SB_JSON_REAL_TEXT];
  sb_json_real_text(value, text);
  return sb_buffer_addf(out, error, "%s", text);
}

/* A vector as "[0.25,-1,...]", other bytes in hex; `brief`, for a table: a long one by its length. */
static sb_status add_blob(sb_buffer *out, sb_sql_statement *s, int column, bool brief, sb_error *error) {
  size_t size = 0, dim = 1;
  const uint8_t *bytes = sb_sql_column_blob(s, column, &size);
  char *vector = sb_sql_column_vector(s, column);
  if (!vector)
    return brief && size > 16 ? sb_buffer_addf(out, error, "%zu bytes", size) : add_hex(out, bytes, size, error);
  for (const char *p = vector; *p; p++) dim += *p == ',';
  sb_status status =
      brief && dim > 8 ? sb_buffer_addf(out, error, "vector of %zu", dim) : sb_buffer_addf(out, error, "%s", vector);
  free(vector);
  return status;
}

static sb_status add_cell(sb_buffer *out, sb_sql_statement *s, int column, bool brief, sb_error *error) {
  size_t size = 0;
  const char *text;
  switch (sb_sql_column_type(s, column)) {
  case SB_SQL_NULL: return sb_buffer_add(out, "", 0, error);
  case SB_SQL_INT: return sb_buffer_addf(out, error, "%lld", (long long)sb_sql_column_int(s, column));
  case SB_SQL_REAL: return add_real(out, sb_sql_column_real(s, column), error);
  case SB_SQL_BLOB: return add_blob(out, s, column, brief, error);
  case SB_SQL_TEXT: text = sb_sql_column_text(s, column, &size); return sb_buffer_add(out, text, size, error);
  }
  return SB_OK;
}

/* ---- Table */

/* Replaces control characters by their codes: on a terminal they could move the cursor, or worse. */
static sb_status add_shown(sb_buffer *out, const char *text, size_t size, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '\n')
      status = sb_buffer_add(out, "\\n", 2, error);
    else if (c < 0x20 || c == 0x7f)
      status = sb_buffer_addf(out, error, "\\x%02x", c);
    else
      status = sb_buffer_add(out, text + i, 1, error);
  }
  return status;
}

static size_t width_of(const char *text) {
  size_t width = 0;
  for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

typedef struct table {
  sb_sql_statement *statement;
  int columns;
  size_t *widths;
  bool *numbers; /* the column has numbers only, and is aligned to the right */
  char **cells;  /* owned; of the rows that are held back, row by row */
  size_t count, capacity;
  bool started; /* the header is printed, and the widths are fixed */
} table;

static void print_cell(const table *t, int column, const char *text) {
  size_t width = width_of(text), wanted = t->widths[column] > width ? t->widths[column] - width : 0;
  bool last = column + 1 == t->columns;
  if (t->numbers[column]) printf("%*s%s", (int)wanted, "", text);
  if (!t->numbers[column]) printf("%s%*s", text, last ? 0 : (int)wanted, "");
  fputs(last ? "\n" : "  ", stdout);
}

static void print_header(const table *t) {
  for (int c = 0; c < t->columns; c++) print_cell(t, c, sb_sql_column_name(t->statement, c));
  for (int c = 0; c < t->columns; c++) {
    for (size_t i = 0; i < t->widths[c]; i++) putchar('-');
    fputs(c + 1 == t->columns ? "\n" : "  ", stdout);
  }
}

/* Prints the rows that were held back, after the header. */
static void print_held_rows(table *t) {
  if (!t->started) print_header(t);
  t->started = true;
  for (size_t i = 0; i < t->count; i++) {
    print_cell(t, (int)(i % (size_t)t->columns), t->cells[i]);
    free(t->cells[i]);
  }
  t->count = 0;
}

/* The text of a cell of the current row, released by free(). */
static sb_status table_cell(const table *t, int column, char **out, sb_error *error) {
  sb_buffer raw = {0}, shown = {0};
  bool null = sb_sql_column_type(t->statement, column) == SB_SQL_NULL;
  sb_status status = null ? sb_buffer_addf(&raw, error, "NULL") : add_cell(&raw, t->statement, column, true, error);
  if (status != SB_OK) goto done;
  status = sb_buffer_add(&shown, "", 0, error); /* so that an empty cell is a text, too */
  if (status != SB_OK) goto done;
  status = add_shown(&shown, raw.bytes, raw.size, error);
  if (status != SB_OK) goto done;
  *out = shown.bytes;
  shown = (sb_buffer){0};
done:
  sb_buffer_free(&raw);
  sb_buffer_free(&shown);
  return status;
}

/* Holds a cell back, and lets it widen its column. */
static sb_status hold_cell(table *t, int column, char *cell, sb_error *error) {
  if (t->count == t->capacity) {
    size_t capacity = t->capacity ? t->capacity * 2 : 64;
    void *cells = t->cells;
    sb_status status = sb_grow(&cells, capacity, sizeof *t->cells, error);
    if (status != SB_OK) return status;
    t->cells = cells;
    t->capacity = capacity;
  }
  t->cells[t->count++] = cell;
  if (t->started) return SB_OK;
  sb_sql_type type = sb_sql_column_type(t->statement, column);
  size_t width = width_of(cell);
  if (width > t->widths[column]) t->widths[column] = width < WIDTH_MAX ? width : WIDTH_MAX;
  if (type != SB_SQL_INT && type != SB_SQL_REAL && type != SB_SQL_NULL) t->numbers[column] = false;
  return SB_OK;
}

static sb_status table_row(table *t, sb_error *error) {
  for (int c = 0; c < t->columns; c++) {
    char *cell = NULL;
    sb_status status = table_cell(t, c, &cell, error);
    if (status != SB_OK) return status;
    status = hold_cell(t, c, cell, error);
    if (status == SB_OK) continue;
    free(cell);
    return status;
  }
  if (t->started || t->count >= (size_t)LAYOUT_ROWS * (size_t)t->columns) print_held_rows(t);
  return SB_OK;
}

static sb_status print_table(sb_sql_statement *statement, int columns, sb_error *error) {
  table t = {.statement = statement, .columns = columns};
  bool row = false;
  t.widths = sb_alloc((size_t)columns, sizeof *t.widths, error);
  t.numbers = sb_alloc((size_t)columns, sizeof *t.numbers, error);
  sb_status status = t.widths && t.numbers ? SB_OK : SB_NO_MEMORY;
  for (int c = 0; status == SB_OK && c < columns; c++) {
    t.widths[c] = width_of(sb_sql_column_name(statement, c));
    t.numbers[c] = true;
  }
  while (status == SB_OK && (status = sb_sql_step(statement, &row, error)) == SB_OK && row)
    status = table_row(&t, error);
  if (status == SB_OK) print_held_rows(&t);
  for (size_t i = 0; i < t.count; i++) free(t.cells[i]);
  free(t.cells);
  free(t.widths);
  free(t.numbers);
  return status;
}

/* ---- JSON */

/* A JSON string of the bytes in hex digits. */
static sb_status json_hex(const uint8_t *bytes, size_t size, json_t **out, sb_error *error) {
  sb_buffer text = {0};
  sb_status status = sb_buffer_add(&text, "", 0, error);
  if (status != SB_OK) return status;
  status = add_hex(&text, bytes, size, error);
  *out = status == SB_OK ? json_string(text.bytes) : NULL;
  sb_buffer_free(&text);
  if (status != SB_OK) return status;
  return *out ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
}

static sb_status json_cell(sb_sql_statement *s, int column, json_t **out, sb_error *error) {
  size_t size = 0;
  char *vector = NULL;
  *out = NULL;
  switch (sb_sql_column_type(s, column)) {
  case SB_SQL_NULL: *out = json_null(); break;
  case SB_SQL_INT: *out = json_integer(sb_sql_column_int(s, column)); break;
  case SB_SQL_REAL: *out = json_real(sb_sql_column_real(s, column)); break;
  case SB_SQL_TEXT: {
    const char *bytes = sb_sql_column_text(s, column, &size);
    *out = json_stringn(bytes, size);
    break; /* NULL when it is not UTF-8: printed in hex below */
  }
  case SB_SQL_BLOB:
    vector = sb_sql_column_vector(s, column);
    *out = vector ? json_loads(vector, 0, NULL) : NULL;
    free(vector);
    break;
  }
  if (*out) return SB_OK;
  if (sb_sql_column_type(s, column) == SB_SQL_REAL) return *out = json_null(), SB_OK; /* infinity has no JSON */
  const uint8_t *bytes = sb_sql_column_blob(s, column, &size);
  return json_hex(bytes, size, out, error);
}

static sb_status print_json(sb_sql_statement *statement, int columns, sb_error *error) {
  bool row = false;
  sb_status status = SB_OK;
  const char *before = "[";
  while (status == SB_OK && (status = sb_sql_step(statement, &row, error)) == SB_OK && row) {
    json_t *object = json_object(), *cell = NULL;
    for (int c = 0; status == SB_OK && c < columns; c++) {
      status = json_cell(statement, c, &cell, error);
      if (status == SB_OK) json_object_set_new(object, sb_sql_column_name(statement, c), cell);
    }
    char *text = status == SB_OK ? sb_json_write(object) : NULL;
    json_decref(object);
    if (status == SB_OK && !text) status = sb_fail(error, SB_NO_MEMORY, "out of memory");
    if (text) printf("%s%s", before, text);
    free(text);
    before = ",\n ";
  }
  if (*before == ',')
    puts("]");
  else if (status == SB_OK)
    puts("[]");
  return status;
}

/* ---- CSV (RFC 4180) */

static sb_status print_csv(sb_sql_statement *statement, int columns, sb_error *error) {
  bool row = false;
  sb_status status = SB_OK;
  for (int c = 0; c < columns; c++) {
    const char *name = sb_sql_column_name(statement, c);
    sb_cli_csv_cell(name, strlen(name), c + 1 == columns);
  }
  while (status == SB_OK && (status = sb_sql_step(statement, &row, error)) == SB_OK && row) {
    for (int c = 0; status == SB_OK && c < columns; c++) {
      sb_buffer text = {0};
      status = add_cell(&text, statement, c, false, error);
      if (status == SB_OK) sb_cli_csv_cell(text.size ? text.bytes : "", text.size, c + 1 == columns);
      sb_buffer_free(&text);
    }
  }
  return status;
}

sb_status sb_cli_result_print(sb_sql *sql, sb_sql_statement *statement, sb_cli_result_format format, sb_error *error) {
  int columns = sb_sql_column_count(statement);
  bool row = false;
  if (columns) {
    return format == SB_CLI_RESULT_TABLE  ? print_table(statement, columns, error)
           : format == SB_CLI_RESULT_JSON ? print_json(statement, columns, error)
                                          : print_csv(statement, columns, error);
  }
  sb_status status = sb_sql_step(statement, &row, error);
  if (status == SB_OK && format == SB_CLI_RESULT_JSON) printf("{\"changes\":%lld}\n", (long long)sb_sql_changes(sql));
  return status;
}
