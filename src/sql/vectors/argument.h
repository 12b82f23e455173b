/* Reads a vector from an argument of an SQL function or a column of an INSERT. */
#ifndef SB_SQL_VECTORS_ARGUMENT_H
#define SB_SQL_VECTORS_ARGUMENT_H

#include "sql/sqlite.h"
#include "sql/vectors/value.h"

/* A tagged or untyped blob, or text. SB_INVALID for NULL, numbers, and what is not a vector. */
sb_status sb_sql_value_of_argument(sqlite3_value *argument, sb_sql_value *out, sb_error *error);
/* The same as bits: also a text of 0 and 1 such as '0110'. SB_INVALID: an element is neither 0 nor 1. */
sb_status sb_sql_bits_of_argument(sqlite3_value *argument, sb_sql_value *out, sb_error *error);
/* What is to be stored in, or compared with, a column of `dim` elements: also an untyped blob of a column's own type,
 * which its size gives away. */
sb_status sb_sql_value_for_column(sqlite3_value *argument, sb_sql_element element, size_t dim, sb_sql_value *out,
                                  sb_error *error);
/* The same as finite floats, whatever the element type, for a search or a row. The caller frees `*out` with free(). */
sb_status sb_sql_floats_of_argument(sqlite3_value *argument, float **out, size_t *dim, sb_error *error);
/* Reads a whole number, also one that comes as REAL: JavaScript has no other numbers. False: it is something else. */
bool sb_sql_whole_number(sqlite3_value *argument, int64_t *out);
bool sb_sql_floats_are_zero(const float *floats, size_t dim);
/* SB_INVALID, naming the column, when a vector of `given` elements does not fit a column of `wanted`. */
sb_status sb_sql_check_length(const char *table, const char *column, size_t wanted, size_t given, sb_error *error);

#endif
