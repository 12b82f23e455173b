/* CSV reader: RFC 4180 plus what spreadsheets write: a byte-order mark, empty lines, blanks around fields, semicolons,
 * tabs or bars in place of commas, a first line "sep=;", lines that end in CR. Text is UTF-8. Own code, because a row
 * reader for untrusted text with exact row numbers in its messages is shorter than a binding to a library.
 *
 * Columns are found by a heading row, in any order, between columns that are passed over. A first row that may be a
 * heading but is not understood is an error: a guess could take names for ids. Without a heading row the columns have
 * the order of the table. */
#ifndef SB_IMPORT_CSV_H
#define SB_IMPORT_CSV_H

#include "base/base.h"

enum {
  SB_CSV_FIELDS_MAX = 64, /* of a row that are looked at; further ones are counted */
  SB_CSV_COLUMNS_MAX = 8  /* of a table */
};

typedef struct sb_csv_column {
  const char *name;  /* the heading that always means this column, and what messages call it */
  const char *words; /* other headings that mean it, "|file|photo|", folded (sb_unicode_fold); NULL: none */
  bool optional;     /* NULL is given where it is missing */
} sb_csv_column;

/* Called for each row that is not empty and not the heading, with one field for each column of the table. `row` counts
 * from 1. The callee may write to the fields, which live until it returns. */
typedef sb_status (*sb_csv_visit)(void *context, size_t row, char **fields, sb_error *error);

typedef struct sb_csv_table {
  const char *source; /* names the file in messages: "people.csv", "the CSV file" */
  const sb_csv_column *columns;
  size_t count; /* of columns, at most SB_CSV_COLUMNS_MAX; optional ones are last */
  /* Whether the first row may be data, given its fields in the table's order: false for what can only be a heading. */
  bool (*is_data)(char **fields);
  sb_csv_visit visit;
  void *context;
} sb_csv_table;

/* Reads CSV text from memory. SB_INVALID names the source and the row. */
sb_status sb_csv_parse(const uint8_t *bytes, size_t size, const sb_csv_table *table, sb_error *error);
/* Reads a CSV file of at most 256 MB. */
sb_status sb_csv_read(const char *path, const sb_csv_table *table, sb_error *error);
/* Resolves a path that a row of the CSV file `csv` names: relative paths start at that file's folder. Released by
 * free(). */
char *sb_csv_beside(const char *csv, const char *path, sb_error *error);

#endif
