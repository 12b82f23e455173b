/* Rows and fields of CSV text, without a meaning: what csv.c finds the columns in. */
#ifndef SB_IMPORT_CSV_ROWS_H
#define SB_IMPORT_CSV_ROWS_H

#include "import/csv.h"

typedef struct sb_csv_field { /* without quotes and blanks around it */
  char *from;
  size_t length;
  bool quoted; /* "" inside stands for " */
} sb_csv_field;

typedef struct sb_csv_row {
  sb_csv_field fields[SB_CSV_FIELDS_MAX];
  size_t count; /* may be larger than SB_CSV_FIELDS_MAX; 0: an empty line */
  size_t used;  /* up to the last field that is not empty */
} sb_csv_row;

/* Reads the row at *at without changing it, and moves *at to the next. False: a quote is not closed, or text follows a
 * closing quote. */
bool sb_csv_row_scan(char **at, char separator, sb_csv_row *row);
/* The text of a field, unquoted in place. */
char *sb_csv_field_text(const sb_csv_field *field);

#endif
