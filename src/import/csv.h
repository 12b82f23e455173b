/* CSV reader: RFC 4180 plus what spreadsheets write (a byte-order mark, empty lines). Text is UTF-8. Own code,
 * because a row reader for untrusted text with exact row numbers in its messages is shorter than a binding to a
 * library. */
#ifndef SB_IMPORT_CSV_H
#define SB_IMPORT_CSV_H

#include "base/base.h"

enum { SB_CSV_FIELDS_MAX = 8 };

/* Called for each row that is not empty, the heading row included. `row` counts from 1. The callee may write to the
 * fields, which live until it returns. */
typedef sb_status (*sb_csv_visit)(void *context, size_t row, char **fields, size_t count, sb_error *error);

typedef struct sb_csv_table {
  const char *source;  /* names the file in messages: "people.csv", "the CSV file" */
  const char *columns; /* names the columns in messages: "id,name,path" */
  size_t least, most;  /* fields a row must have; most <= SB_CSV_FIELDS_MAX */
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
