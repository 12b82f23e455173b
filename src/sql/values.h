/* Vectors as SQL values: the tagged blob (docs/formats.md), text, and untyped blobs of float32. */
#ifndef SB_SQL_VALUES_H
#define SB_SQL_VALUES_H

#include "base/base.h"

enum {
  SB_VALUE_DIM_MAX = 16384, /* elements of a vector */
  SB_VALUE_HEAD = 8,        /* bytes of a tagged blob before its elements */
};

/* What the elements are; the numbers stand in the blob. Decimals are kept as the nearest double. */
typedef enum sb_element {
  SB_ELEMENT_NONE, /* text or an untyped blob: takes the type of what it meets */
  SB_ELEMENT_FLOAT,
  SB_ELEMENT_DOUBLE,
  SB_ELEMENT_DECIMAL,
  SB_ELEMENT_INTEGER
} sb_element;
const char *sb_element_name(sb_element element);
/* By name, ASCII case ignored. SB_INVALID for others, with a word of its own about `string`. */
sb_status sb_element_parse(const char *name, size_t size, sb_element *out, sb_error *error);

/* One thread. `bytes` are `dim` elements, little-endian, at any alignment: borrowed from what was read, or `owned`. */
typedef struct sb_value {
  sb_element element; /* what was declared; SB_ELEMENT_NONE: nothing */
  sb_element kept;    /* what `bytes` hold: float for untyped blobs, double for text */
  size_t dim;
  const uint8_t *bytes;
  void *owned;
} sb_value;

/* Messages begin with the kind, `vector length`, `vector element` (with its number from 1 and its byte), `vector type` or
 * `vector blob`, and never hold an element's value. All give SB_INVALID; SB_NO_MEMORY. */

/* A blob: tagged, else untyped float32 (a multiple of 4 bytes). Elements are borrowed and not looked at. */
sb_status sb_value_read_blob(const void *bytes, size_t size, sb_value *out, sb_error *error);
/* "[1, 2.5, -3e2]" or "1,2.5,-3e2". */
sb_status sb_value_read_text(const char *text, size_t size, sb_value *out, sb_error *error);
void sb_value_free(sb_value *value);
/* Every element is a finite number. */
sb_status sb_value_check(const sb_value *value, sb_error *error);
/* In place. Out of range, or not whole for integers: SB_INVALID. */
sb_status sb_value_convert(sb_value *value, sb_element element, sb_error *error);
/* An element of a value, whatever it is kept as. */
double sb_value_get(const sb_value *value, size_t i);

/* The tagged blob of a declared value, to be released by free(). */
sb_status sb_value_write(const sb_value *value, uint8_t **bytes, size_t *size, sb_error *error);
/* The size, and the head, of the tagged blob of `dim` floats. */
size_t sb_value_size(size_t dim);
void sb_value_head(sb_element element, size_t dim, uint8_t head[SB_VALUE_HEAD]);
/* JSON: "[1,2.5,-300]", with as few digits as read back to the same. */
sb_status sb_value_text(const sb_value *value, sb_buffer *out, sb_error *error);

/* ---- Measures of two vectors of `dim` floats at any alignment. */

typedef enum sb_measure { SB_MEASURE_DOT, SB_MEASURE_COSINE, SB_MEASURE_L2 } sb_measure;
const char *sb_measure_name(sb_measure measure);
/* Inner product; cosine, NaN when a vector is zero; Euclidean distance. */
double sb_measure_floats(sb_measure measure, const void *a, const void *b, size_t dim);
/* The same of any two values. *null: a zero vector has no direction. SB_INVALID: lengths, types or elements do not fit. */
sb_status sb_measure_values(sb_measure measure, const sb_value *a, const sb_value *b, double *out, bool *null,
                            sb_error *error);

#endif
