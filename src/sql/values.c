/* Vectors as blobs.
 *
 *   byte  0        1         2     3     4..7                   8..
 *         element  version   0xff  0xff  dim, little-endian     dim elements, little-endian
 *
 * Read as a float32 the first four bytes are a NaN, which no vector holds: so a tagged blob, even one cut short, is never
 * taken for an untyped one. */
#include "sql/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read where they lie");

static const char *const names[] = {"", "float", "double", "decimal", "integer"};

const char *sb_element_name(sb_element element) {
  return names[element];
}

static bool same_word(const char *word, const char *text, size_t size) {
  size_t i = 0;
  while (i < size && word[i] && word[i] == (text[i] | 0x20)) i++;
  return i == size && !word[i];
}

sb_status sb_element_parse(const char *name, size_t size, sb_element *out, sb_error *error) {
  for (int i = SB_ELEMENT_FLOAT; i <= SB_ELEMENT_INTEGER; i++)
    if (same_word(names[i], name, size)) return *out = (sb_element)i, SB_OK;
  if (same_word("int", name, size)) return *out = SB_ELEMENT_INTEGER, SB_OK;
  if (same_word("string", name, size))
    return sb_fail(error, SB_INVALID, "vector type: strings have no distance; use float, double, decimal or integer");
  return sb_fail(error, SB_INVALID, "vector type: it is float, double, decimal or integer");
}

static size_t element_size(sb_element element) {
  return element == SB_ELEMENT_FLOAT ? sizeof(float) : sizeof(double);
}

/* ---- Reading */

static sb_status read_tagged(const uint8_t *bytes, size_t size, sb_value *out, sb_error *error) {
  uint32_t dim;
  if (size < SB_VALUE_HEAD) return sb_fail(error, SB_INVALID, "vector blob: it is cut short (%zu bytes)", size);
  sb_element element = (sb_element)bytes[0];
  if (bytes[1] != VERSION || element < SB_ELEMENT_FLOAT || element > SB_ELEMENT_INTEGER)
    return sb_fail(error, SB_INVALID, "vector blob: it is damaged, or of a newer Semblance");
  memcpy(&dim, bytes + 4, sizeof dim);
  if (dim < 1 || dim > SB_VALUE_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: it says %u elements; a vector has 1 to %d", dim,
                   SB_VALUE_DIM_MAX);
  size_t expected = SB_VALUE_HEAD + dim * element_size(element);
  if (size != expected)
    return sb_fail(error, SB_INVALID, "vector blob: it is %s (%zu bytes, its %u elements need %zu)",
                   size < expected ? "cut short" : "too long", size, dim, expected);
  *out = (sb_value){.element = element, .kept = element, .dim = dim, .bytes = bytes + SB_VALUE_HEAD};
  return SB_OK;
}

sb_status sb_value_read_blob(const void *blob, size_t size, sb_value *out, sb_error *error) {
  const uint8_t *bytes = blob;
  if (size >= 4 && bytes[2] == 0xff && bytes[3] == 0xff) return read_tagged(bytes, size, out, error);
  if (!size) return sb_fail(error, SB_INVALID, "vector length: it has no element");
  if (size % sizeof(float))
    return sb_fail(error, SB_INVALID, "vector blob: %zu bytes are no vector of float32 (4 bytes an element)", size);
  if (size / sizeof(float) > SB_VALUE_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: it has %zu elements; a vector has 1 to %d", size / sizeof(float),
                   SB_VALUE_DIM_MAX);
  *out = (sb_value){.kept = SB_ELEMENT_FLOAT, .dim = size / sizeof(float), .bytes = bytes};
  return SB_OK;
}

void sb_value_free(sb_value *value) {
  free(value->owned);
  *value = (sb_value){0};
}

double sb_value_get(const sb_value *value, size_t i) {
  float number;
  double real;
  int64_t whole;
  switch (value->kept) {
  case SB_ELEMENT_FLOAT: return memcpy(&number, value->bytes + i * sizeof number, sizeof number), (double)number;
  case SB_ELEMENT_INTEGER: return memcpy(&whole, value->bytes + i * sizeof whole, sizeof whole), (double)whole;
  case SB_ELEMENT_NONE:
  case SB_ELEMENT_DOUBLE:
  case SB_ELEMENT_DECIMAL: return memcpy(&real, value->bytes + i * sizeof real, sizeof real), real;
  }
  return NAN;
}

sb_status sb_value_check(const sb_value *value, sb_error *error) {
  for (size_t i = 0; i < value->dim; i++)
    if (!isfinite(sb_value_get(value, i)))
      return sb_fail(error, SB_INVALID, "vector element %zu: it is not a finite number", i + 1);
  return SB_OK;
}

/* ---- Converting */

static sb_status convert_one(double from, sb_element element, uint8_t *to, size_t i, sb_error *error) {
  if (!isfinite(from)) return sb_fail(error, SB_INVALID, "vector element %zu: it is not a finite number", i + 1);
  if (element == SB_ELEMENT_FLOAT) {
    float number = (float)from;
    if (!isfinite(number)) return sb_fail(error, SB_INVALID, "vector element %zu: it is too large for a float", i + 1);
    memcpy(to, &number, sizeof number);
  } else if (element == SB_ELEMENT_INTEGER) {
    if (from != nearbyint(from)) return sb_fail(error, SB_INVALID, "vector element %zu: it is not whole", i + 1);
    if (fabs(from) > 0x1p53) /* beyond, a double tells not every integer */
      return sb_fail(error, SB_INVALID, "vector element %zu: it is too large for an integer", i + 1);
    int64_t whole = (int64_t)from;
    memcpy(to, &whole, sizeof whole);
  } else {
    memcpy(to, &from, sizeof from);
  }
  return SB_OK;
}

sb_status sb_value_convert(sb_value *value, sb_element element, sb_error *error) {
  bool same = value->kept == element || (element == SB_ELEMENT_DECIMAL && value->kept == SB_ELEMENT_DOUBLE) ||
              (element == SB_ELEMENT_DOUBLE && value->kept == SB_ELEMENT_DECIMAL);
  if (same) {
    value->element = value->kept = element;
    return SB_OK;
  }
  size_t size = element_size(element);
  uint8_t *bytes = sb_alloc(value->dim, size, error);
  if (!bytes) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < value->dim; i++)
    status = convert_one(sb_value_get(value, i), element, bytes + i * size, i, error);
  if (status != SB_OK) {
    free(bytes);
    return status;
  }
  free(value->owned);
  value->owned = bytes;
  value->bytes = bytes;
  value->element = value->kept = element;
  return SB_OK;
}

/* ---- Writing */

size_t sb_value_size(size_t dim) {
  return SB_VALUE_HEAD + dim * sizeof(float);
}

void sb_value_head(sb_element element, size_t dim, uint8_t head[SB_VALUE_HEAD]) {
  uint32_t count = (uint32_t)dim;
  head[0] = (uint8_t)element;
  head[1] = VERSION;
  head[2] = head[3] = 0xff;
  memcpy(head + 4, &count, sizeof count);
}

sb_status sb_value_write(const sb_value *value, uint8_t **bytes, size_t *size, sb_error *error) {
  size_t elements = value->dim * element_size(value->kept);
  uint8_t *blob = sb_alloc(SB_VALUE_HEAD + elements, 1, error);
  if (!blob) return SB_NO_MEMORY;
  sb_value_head(value->element, value->dim, blob);
  memcpy(blob + SB_VALUE_HEAD, value->bytes, elements);
  *bytes = blob;
  *size = SB_VALUE_HEAD + elements;
  return SB_OK;
}
