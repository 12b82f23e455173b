/* CSV as in RFC 4180: UTF-8 (a byte-order mark is skipped), quotes, one row a line. */
#ifndef SB_IMPORT_CSV_H
#define SB_IMPORT_CSV_H

#include "base/base.h"

enum { SB_CSV_FIELDS_MAX = 8 };
/* Called for each row that is not empty; a heading row, too. `row` counts from 1. The fields may be written to. */
typedef sb_status (*sb_csv_visit)(void *context, size_t row, char **fields, size_t count, sb_error *error);
/* `wanted` names the fields for messages ("id,name,path"); rows have `least` to `most` of them. SB_INVALID names the row. */
sb_status sb_csv_read(const char *path, const char *wanted, size_t least, size_t most, sb_csv_visit visit,
                      void *context, sb_error *error);
/* A path as a CSV file means it: from the CSV's folder on. Released by free(). */
char *sb_csv_beside(const char *csv, const char *path, sb_error *error);

/* Reads one CSV field at *at, unquoting in place; leaves *at past its separator. False: an open quote. */
bool sb_csv_field(char **at, char **field, bool *last);

#endif
