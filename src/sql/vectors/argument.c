/* The one way from an sqlite3_value to a vector, for functions, query vectors and stored vectors. */
#include "sql/vectors/argument.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A blob from a function such as vec_bit has its element type as subtype. */
static sb_status read_blob(sqlite3_value *argument, sb_sql_value *out, sb_error *error) {
  const void *bytes = sqlite3_value_blob(argument);
  size_t size = (size_t)sqlite3_value_bytes(argument);
  unsigned subtype = sqlite3_value_subtype(argument);
  if (subtype == SB_SQL_SUBTYPE_BIT || subtype == SB_SQL_SUBTYPE_INT8)
    return sb_sql_value_read_untyped(
        bytes, size, subtype == SB_SQL_SUBTYPE_BIT ? SB_SQL_ELEMENT_BIT : SB_SQL_ELEMENT_INT8, out, error);
  return sb_sql_value_read_blob(bytes, size, out, error);
}

sb_status sb_sql_value_of_argument(sqlite3_value *argument, sb_sql_value *out, sb_error *error) {
  switch (sqlite3_value_type(argument)) {
  case SQLITE_BLOB: return read_blob(argument, out, error);
  case SQLITE_TEXT: {
    const char *text = (const char *)sqlite3_value_text(argument);
    if (!text) return sb_fail(error, SB_NO_MEMORY, "out of memory");
    return sb_sql_value_read_text(text, (size_t)sqlite3_value_bytes(argument), out, error);
  }
  case SQLITE_NULL: return sb_fail(error, SB_INVALID, "vector type: NULL is not a vector; give one such as '[1,2,3]'");
  default: return sb_fail(error, SB_INVALID, "vector type: a number is not a vector; write '[1,2,3]'");
  }
}

sb_status sb_sql_bits_of_argument(sqlite3_value *argument, sb_sql_value *out, sb_error *error) {
  bool digits = false;
  if (sqlite3_value_type(argument) == SQLITE_TEXT) {
    const char *text = (const char *)sqlite3_value_text(argument);
    if (!text) return sb_fail(error, SB_NO_MEMORY, "out of memory");
    sb_status status = sb_sql_value_read_digits(text, (size_t)sqlite3_value_bytes(argument), out, &digits, error);
    if (status != SB_OK || digits) return status;
  }
  sb_status status = sb_sql_value_of_argument(argument, out, error);
  return status == SB_OK ? sb_sql_value_convert(out, SB_SQL_ELEMENT_BIT, error) : status;
}

sb_status sb_sql_value_for_column(sqlite3_value *argument, sb_sql_element element, size_t dim, sb_sql_value *out,
                                  sb_error *error) {
  bool small = element == SB_SQL_ELEMENT_INT8 || element == SB_SQL_ELEMENT_BIT;
  bool blob = sqlite3_value_type(argument) == SQLITE_BLOB && !sqlite3_value_subtype(argument);
  size_t size = sb_sql_elements_size(element, dim);
  if (small && blob && (size_t)sqlite3_value_bytes(argument) == size) {
    sb_status status = sb_sql_value_read_untyped(sqlite3_value_blob(argument), size, element, out, error);
    if (status == SB_OK && out->dim - dim < 8) out->dim = dim; /* the last byte of bits may be in use in part */
    return status;
  }
  return element == SB_SQL_ELEMENT_BIT ? sb_sql_bits_of_argument(argument, out, error)
                                       : sb_sql_value_of_argument(argument, out, error);
}

sb_status sb_sql_floats_of_argument(sqlite3_value *argument, float **out, size_t *dim, sb_error *error) {
  sb_sql_value value = {0};
  sb_status status = sb_sql_value_of_argument(argument, &value, error);
  if (status != SB_OK) return status;
  status = sb_sql_value_convert(&value, SB_SQL_ELEMENT_FLOAT, error);
  if (status == SB_OK) status = sb_sql_value_check(&value, error);
  if (status != SB_OK) goto done;
  float *floats = value.owned; /* converted elements are this function's to give away */
  value.owned = NULL;
  if (!floats) {
    floats = sb_alloc(value.dim, sizeof *floats, error);
    if (!floats) return SB_NO_MEMORY;
    memcpy(floats, value.bytes, value.dim * sizeof *floats);
  }
  *out = floats;
  *dim = value.dim;
done:
  sb_sql_value_free(&value);
  return status;
}

bool sb_sql_whole_number(sqlite3_value *argument, int64_t *out) {
  int type = sqlite3_value_numeric_type(argument);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return false;
  double real = sqlite3_value_double(argument);
  if (type == SQLITE_FLOAT && (real != nearbyint(real) || fabs(real) >= 0x1p63)) return false;
  *out = type == SQLITE_FLOAT ? (int64_t)real : sqlite3_value_int64(argument);
  return true;
}

bool sb_sql_floats_are_zero(const float *floats, size_t dim) {
  for (size_t i = 0; i < dim; i++)
    if (floats[i] != 0) return false;
  return true;
}

sb_status sb_sql_check_length(const char *table, const char *column, size_t wanted, size_t given, sb_error *error) {
  if (wanted == given) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector length: %s.%s holds vectors of %zu elements; this one has %zu", table,
                 column, wanted, given);
}
