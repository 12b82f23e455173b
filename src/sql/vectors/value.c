/* Vectors as blobs. The tagged form:
 *
 *   byte  0        1         2     3     4..7                   8..
 *         element  version   0xff  0xff  dim, little-endian     dim elements, little-endian
 *
 * Read as a float32 the first four bytes are a NaN, which no vector may hold. A tagged blob, even one cut short, is
 * therefore never taken for an untyped one, nor an untyped one for a tagged one. */
#include "sql/vectors/value.h"

#include "vector/kernels/half.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are used in place, without swapping bytes");

static const char *const names[] = {"", "float", "double", "decimal", "integer", "int8", "bit", "half"};

const char *sb_sql_element_name(sb_sql_element element) {
  return names[element];
}

static bool same_word(const char *word, const char *text, size_t size) {
  size_t i = 0;
  while (i < size && word[i] && word[i] == (text[i] | 0x20)) i++;
  return i == size && !word[i];
}

sb_status sb_sql_element_parse(const char *name, size_t size, sb_sql_element *out, sb_error *error) {
  for (int i = SB_SQL_ELEMENT_FLOAT; i <= SB_SQL_ELEMENT_HALF; i++)
    if (same_word(names[i], name, size)) return *out = (sb_sql_element)i, SB_OK;
  if (same_word("int", name, size)) return *out = SB_SQL_ELEMENT_INTEGER, SB_OK;
  if (same_word("string", name, size))
    return sb_fail(error, SB_INVALID,
                   "vector type: vectors of strings cannot be compared; use float, double, decimal or integer");
  return sb_fail(error, SB_INVALID, "vector type: the type is float, double, decimal, integer, half, int8 or bit");
}

size_t sb_sql_elements_size(sb_sql_element element, size_t dim) {
  switch (element) {
  case SB_SQL_ELEMENT_FLOAT: return dim * sizeof(float);
  case SB_SQL_ELEMENT_HALF: return dim * sizeof(uint16_t);
  case SB_SQL_ELEMENT_INT8: return dim;
  case SB_SQL_ELEMENT_BIT: return (dim + 7) / 8;
  case SB_SQL_ELEMENT_NONE:
  case SB_SQL_ELEMENT_DOUBLE:
  case SB_SQL_ELEMENT_DECIMAL:
  case SB_SQL_ELEMENT_INTEGER: break;
  }
  return dim * sizeof(double);
}

/* ---- Reading */

static sb_status read_tagged(const uint8_t *bytes, size_t size, sb_sql_value *out, sb_error *error) {
  uint32_t dim;
  if (size < SB_SQL_VALUE_HEADER) return sb_fail(error, SB_INVALID, "vector blob: it is cut short (%zu bytes)", size);
  sb_sql_element element = (sb_sql_element)bytes[0];
  if (bytes[1] != VERSION || element < SB_SQL_ELEMENT_FLOAT || element > SB_SQL_ELEMENT_HALF)
    return sb_fail(error, SB_INVALID, "vector blob: it is damaged, or written by a newer Semblance");
  memcpy(&dim, bytes + 4, sizeof dim);
  if (dim < 1 || dim > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: the blob claims %u elements; a vector has 1 to %d", dim,
                   SB_SQL_DIM_MAX);
  size_t expected = SB_SQL_VALUE_HEADER + sb_sql_elements_size(element, dim);
  if (size != expected)
    return sb_fail(error, SB_INVALID, "vector blob: it is %s (%zu bytes; its %u elements need %zu)",
                   size < expected ? "cut short" : "too long", size, dim, expected);
  *out = (sb_sql_value){.element = element, .stored = element, .dim = dim, .bytes = bytes + SB_SQL_VALUE_HEADER};
  return SB_OK;
}

sb_status sb_sql_value_read_blob(const void *blob, size_t size, sb_sql_value *out, sb_error *error) {
  const uint8_t *bytes = blob;
  if (size >= 4 && bytes[2] == 0xff && bytes[3] == 0xff) return read_tagged(bytes, size, out, error);
  if (!size) return sb_fail(error, SB_INVALID, "vector length: the vector has no element");
  if (size % sizeof(float))
    return sb_fail(error, SB_INVALID, "vector blob: %zu bytes are not a list of float32 (4 bytes an element)", size);
  if (size / sizeof(float) > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: the blob has %zu elements; a vector has 1 to %d",
                   size / sizeof(float), SB_SQL_DIM_MAX);
  *out = (sb_sql_value){.stored = SB_SQL_ELEMENT_FLOAT, .dim = size / sizeof(float), .bytes = bytes};
  return SB_OK;
}

sb_status sb_sql_value_read_untyped(const void *bytes, size_t size, sb_sql_element element, sb_sql_value *out,
                                    sb_error *error) {
  size_t dim = element == SB_SQL_ELEMENT_BIT ? size * 8 : size;
  if (!size) return sb_fail(error, SB_INVALID, "vector length: the vector has no element");
  if (dim > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: the blob has %zu elements; a vector has 1 to %d", dim,
                   SB_SQL_DIM_MAX);
  *out = (sb_sql_value){.element = element, .stored = element, .dim = dim, .bytes = bytes};
  return SB_OK;
}

void sb_sql_value_free(sb_sql_value *value) {
  free(value->owned);
  *value = (sb_sql_value){0};
}

double sb_sql_value_get(const sb_sql_value *value, size_t i) {
  float number;
  double real;
  int64_t whole;
  uint16_t half;
  switch (value->stored) {
  case SB_SQL_ELEMENT_HALF:
    return memcpy(&half, value->bytes + i * sizeof half, sizeof half), (double)sb_half_to_float(half);
  case SB_SQL_ELEMENT_INT8: return (int8_t)value->bytes[i];
  case SB_SQL_ELEMENT_BIT: return value->bytes[i / 8] >> i % 8 & 1;
  case SB_SQL_ELEMENT_FLOAT: return memcpy(&number, value->bytes + i * sizeof number, sizeof number), (double)number;
  case SB_SQL_ELEMENT_INTEGER: return memcpy(&whole, value->bytes + i * sizeof whole, sizeof whole), (double)whole;
  case SB_SQL_ELEMENT_NONE:
  case SB_SQL_ELEMENT_DOUBLE:
  case SB_SQL_ELEMENT_DECIMAL: return memcpy(&real, value->bytes + i * sizeof real, sizeof real), real;
  }
  return NAN;
}

static sb_status not_finite(size_t i, sb_error *error) {
  return sb_fail(error, SB_INVALID, "vector element %zu: it is not a finite number", i + 1);
}

sb_status sb_sql_value_check(const sb_sql_value *value, sb_error *error) {
  for (size_t i = 0; i < value->dim; i++)
    if (!isfinite(sb_sql_value_get(value, i))) return not_finite(i, error);
  return SB_OK;
}

bool sb_sql_value_is_zero(const sb_sql_value *value) {
  for (size_t i = 0; i < value->dim; i++)
    if (sb_sql_value_get(value, i) != 0) return false;
  return true;
}

/* ---- Converting */

static sb_status too_large(size_t i, sb_sql_element element, const char *hint, sb_error *error) {
  return sb_fail(error, SB_INVALID, "vector element %zu: it is too large for type %s%s", i + 1, names[element], hint);
}

static sb_status write_real(double from, sb_sql_element element, uint8_t *to, size_t i, sb_error *error) {
  float number = (float)from;
  if (element == SB_SQL_ELEMENT_HALF) {
    uint16_t half = sb_half_from_float(number);
    if (!isfinite(sb_half_to_float(half))) return too_large(i, element, "; use float", error);
    memcpy(to + i * sizeof half, &half, sizeof half);
  } else if (element == SB_SQL_ELEMENT_FLOAT) {
    if (!isfinite(number)) return too_large(i, element, "; use double", error);
    memcpy(to + i * sizeof number, &number, sizeof number);
  } else {
    memcpy(to + i * sizeof from, &from, sizeof from);
  }
  return SB_OK;
}

static sb_status write_whole(double from, sb_sql_element element, uint8_t *to, size_t i, sb_error *error) {
  /* Above 2^53 a double cannot hold every integer. */
  double least = element == SB_SQL_ELEMENT_INT8 ? -128 : -0x1p53, most = element == SB_SQL_ELEMENT_INT8 ? 127 : 0x1p53;
  int64_t whole = (int64_t)fmax(least, fmin(most, from));
  if (from != nearbyint(from)) return sb_fail(error, SB_INVALID, "vector element %zu: it is not a whole number", i + 1);
  if (from < least || from > most) return too_large(i, element, "", error);
  if (element == SB_SQL_ELEMENT_INT8)
    to[i] = (uint8_t)whole;
  else
    memcpy(to + i * sizeof whole, &whole, sizeof whole);
  return SB_OK;
}

/* Writes element i of an array that was zeros before. */
static sb_status write_element(double from, sb_sql_element element, uint8_t *to, size_t i, sb_error *error) {
  if (!isfinite(from)) return not_finite(i, error);
  switch (element) {
  case SB_SQL_ELEMENT_INTEGER:
  case SB_SQL_ELEMENT_INT8: return write_whole(from, element, to, i, error);
  case SB_SQL_ELEMENT_BIT:
    if (from != 0 && from != 1) return sb_fail(error, SB_INVALID, "vector element %zu: a bit is 0 or 1", i + 1);
    to[i / 8] |= (uint8_t)((from == 1) << i % 8);
    return SB_OK;
  case SB_SQL_ELEMENT_NONE:
  case SB_SQL_ELEMENT_FLOAT:
  case SB_SQL_ELEMENT_DOUBLE:
  case SB_SQL_ELEMENT_DECIMAL:
  case SB_SQL_ELEMENT_HALF: break;
  }
  return write_real(from, element, to, i, error);
}

/* DOUBLE and DECIMAL are stored alike. */
static bool stored_alike(sb_sql_element a, sb_sql_element b) {
  bool both_double = (a == SB_SQL_ELEMENT_DOUBLE || a == SB_SQL_ELEMENT_DECIMAL) &&
                     (b == SB_SQL_ELEMENT_DOUBLE || b == SB_SQL_ELEMENT_DECIMAL);
  return a == b || both_double;
}

/* Makes the value own `bytes`, `dim` elements of a type. */
static void set_elements(sb_sql_value *value, sb_sql_element element, size_t dim, uint8_t *bytes) {
  free(value->owned);
  *value = (sb_sql_value){.element = element, .stored = element, .dim = dim, .bytes = bytes, .owned = bytes};
}

/* Converts the first elements to another type; what is missing up to `dim` stays 0. `cut`: fractions are cut off. */
static sb_status convert(sb_sql_value *value, sb_sql_element element, size_t dim, bool cut, sb_error *error) {
  uint8_t *bytes = sb_alloc(sb_sql_elements_size(element, dim), 1, error); /* zeros */
  if (!bytes) return SB_NO_MEMORY;
  for (size_t i = 0; i < dim && i < value->dim; i++) {
    double number = sb_sql_value_get(value, i);
    sb_status status = write_element(cut ? trunc(number) : number, element, bytes, i, error);
    if (status == SB_OK) continue;
    free(bytes);
    return status;
  }
  set_elements(value, element, dim, bytes);
  return SB_OK;
}

sb_status sb_sql_value_coerce(sb_sql_value *value, sb_sql_element element, size_t dim, sb_error *error) {
  bool cut = element == SB_SQL_ELEMENT_INTEGER || element == SB_SQL_ELEMENT_INT8;
  return convert(value, element, dim, cut, error);
}

sb_status sb_sql_value_convert(sb_sql_value *value, sb_sql_element element, sb_error *error) {
  if (!stored_alike(value->stored, element)) return convert(value, element, value->dim, false, error);
  value->element = value->stored = element;
  return SB_OK;
}

/* ---- Writing */

static uint8_t *make_blob(sb_sql_element element, size_t dim, const void *elements, size_t *size, sb_error *error) {
  uint32_t count = (uint32_t)dim;
  *size = SB_SQL_VALUE_HEADER + sb_sql_elements_size(element, dim);
  uint8_t *blob = sb_alloc(*size, 1, error);
  if (!blob) return NULL;
  blob[0] = (uint8_t)element;
  blob[1] = VERSION;
  blob[2] = blob[3] = 0xff;
  memcpy(blob + 4, &count, sizeof count);
  memcpy(blob + SB_SQL_VALUE_HEADER, elements, sb_sql_elements_size(element, dim));
  return blob;
}

sb_status sb_sql_value_write_blob(const sb_sql_value *value, uint8_t **bytes, size_t *size, sb_error *error) {
  *bytes = make_blob(value->element, value->dim, value->bytes, size, error);
  return *bytes ? SB_OK : SB_NO_MEMORY;
}

uint8_t *sb_sql_value_blob_of_floats(const float *floats, size_t dim, size_t *size, sb_error *error) {
  return make_blob(SB_SQL_ELEMENT_FLOAT, dim, floats, size, error);
}
