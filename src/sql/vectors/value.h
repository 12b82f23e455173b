/* Vectors as SQL values. A vector comes as one of three things:
 *
 *   tagged blob     a header that names element type and length, then the elements (docs/formats.md)
 *   untyped blob    float32 elements without a header, as sqlite-vec stores them
 *   text            "[1, 2.5, -3e2]" or "1,2.5,-3e2", as pgvector and JSON write it
 *
 * An sb_sql_value is any of them after reading. Every function belongs to the calling thread; nothing is shared.
 *
 * All messages begin with what is wrong, `vector length`, `vector element` (with its number from 1 and, in text, its
 * byte), `vector type` or `vector blob`; programs rely on it. No message holds an element's value, which may be
 * biometric data. Unless noted otherwise a function fails with SB_INVALID or SB_NO_MEMORY. */
#ifndef SB_SQL_VECTORS_VALUE_H
#define SB_SQL_VECTORS_VALUE_H

#include "base/base.h"

enum {
  SB_SQL_DIM_MAX = 16384,  /* elements of a vector */
  SB_SQL_VALUE_HEADER = 8, /* bytes of a tagged blob before its elements */
};

/* Element types; the numbers are those of the tagged blob. A decimal is stored as the nearest double, a half as IEEE
 * 754's binary16; eight bits are a byte, the first of them the lowest. */
typedef enum sb_sql_element {
  SB_SQL_ELEMENT_NONE, /* text or an untyped blob: takes the type of the vector that it is compared with */
  SB_SQL_ELEMENT_FLOAT,
  SB_SQL_ELEMENT_DOUBLE,
  SB_SQL_ELEMENT_DECIMAL,
  SB_SQL_ELEMENT_INTEGER,
  SB_SQL_ELEMENT_INT8,
  SB_SQL_ELEMENT_BIT,
  SB_SQL_ELEMENT_HALF
} sb_sql_element;
/* Element types of untyped blobs, as subtypes of SQL values: those of sqlite-vec. */
enum { SB_SQL_SUBTYPE_FLOAT = 223, SB_SQL_SUBTYPE_BIT, SB_SQL_SUBTYPE_INT8 };
const char *sb_sql_element_name(sb_sql_element element);
/* Parses a type's name, ignoring ASCII case. SB_INVALID for other names; `string`, which IRIS has, gets a message of
 * its own. */
sb_status sb_sql_element_parse(const char *name, size_t size, sb_sql_element *out, sb_error *error);
size_t sb_sql_elements_size(sb_sql_element element, size_t dim); /* bytes of `dim` elements */

typedef struct sb_sql_value {
  sb_sql_element element; /* the declared type; SB_SQL_ELEMENT_NONE: undeclared */
  sb_sql_element stored;  /* the type of the elements in `bytes`: FLOAT for untyped blobs, DOUBLE for text */
  size_t dim;
  const uint8_t
      *bytes;  /* `dim` elements, little-endian, at any alignment; borrowed from the input, or the same as `owned` */
  void *owned; /* NULL: `bytes` is borrowed */
} sb_sql_value;

/* Reads a tagged blob or, without a tag, untyped float32 (a multiple of 4 bytes). The elements are borrowed and not
 * checked. */
sb_status sb_sql_value_read_blob(const void *bytes, size_t size, sb_sql_value *out, sb_error *error);
/* Reads an untyped blob of INT8 or BIT. The elements are borrowed. */
sb_status sb_sql_value_read_untyped(const void *bytes, size_t size, sb_sql_element element, sb_sql_value *out,
                                    sb_error *error);
/* Reads text. The elements are owned and finite. */
sb_status sb_sql_value_read_text(const char *text, size_t size, sb_sql_value *out, sb_error *error);
/* Reads a text of the digits 0 and 1 as bits, as PostgreSQL writes them. *found false: the text is something else. */
sb_status sb_sql_value_read_digits(const char *text, size_t size, sb_sql_value *out, bool *found, sb_error *error);
void sb_sql_value_free(sb_sql_value *value);
/* Checks that every element is a finite number. */
sb_status sb_sql_value_check(const sb_sql_value *value, sb_error *error);
/* Converts in place. SB_INVALID: an element is out of range, or has a fraction and `element` has none. */
sb_status sb_sql_value_convert(sb_sql_value *value, sb_sql_element element, sb_error *error);
/* Makes it `dim` elements of a type in IRIS's way: a fraction is cut off for INTEGER and INT8, a longer vector is cut,
 * a shorter one gets zeros. SB_INVALID: an element is out of range. */
sb_status sb_sql_value_coerce(sb_sql_value *value, sb_sql_element element, size_t dim, sb_error *error);
/* Element i as a double, whatever the stored type. */
double sb_sql_value_get(const sb_sql_value *value, size_t i);
bool sb_sql_value_is_zero(const sb_sql_value *value); /* every element is 0 */

/* Makes the tagged blob of a value with a declared type; the caller frees it with free(). */
sb_status sb_sql_value_write_blob(const sb_sql_value *value, uint8_t **bytes, size_t *size, sb_error *error);
/* Makes the tagged blob of `dim` floats; the caller frees it with free(). NULL: out of memory. */
uint8_t *sb_sql_value_blob_of_floats(const float *floats, size_t dim, size_t *size, sb_error *error);
/* Appends JSON, "[1,2.5,-300]", with the fewest digits that read back to the same number. */
sb_status sb_sql_value_write_text(const sb_sql_value *value, sb_buffer *out, sb_error *error);

#endif
