/* Vectors as text: JSON arrays of numbers, and lists with commas. Numbers have a decimal point in every locale of
 * the program.
 *
 * Reading takes most numbers by the fast path of Clinger (1990), "How to Read Floating Point Numbers Accurately": a
 * mantissa below 2^53 times or divided by a power of ten up to 10^22 is exact in one operation. Other numbers go to
 * strtod. */
#include "sql/vectors/value.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  NUMBER_MAX = 400,    /* characters of one number; a double's shortest exact form is far shorter */
  EXPONENT_MAX = 9999, /* a larger exponent is not read further: the number is 0 or infinite already */
  EXACT_DIGITS = 19,   /* decimal digits that always fit a uint64_t */
  EXACT_POWER = 22,    /* the largest power of ten that a double holds exactly */
};

static locale_t c_locale;

static void make_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* strtod with a decimal point, of text that has no terminator. */
static double parse_with_strtod(const char *text, size_t size) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  char copy[NUMBER_MAX + 1];
  pthread_once(&once, make_locale);
  memcpy(copy, text, size);
  copy[size] = 0;
  return c_locale ? strtod_l(copy, NULL, c_locale) : strtod(copy, NULL);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A decimal number taken apart: mantissa * 10^exponent, exact while it has at most EXACT_DIGITS digits. */
typedef struct decimal {
  uint64_t mantissa;
  int exponent;
  int digits; /* significant ones */
} decimal;

/* Reads [+-]digits[.digits][e[+-]digits]. The sign is left to the caller. Returns the length; 0: there is no number. */
static size_t scan_number(const char *text, size_t size, decimal *out) {
  size_t i = 0, seen = 0;
  int exponent = 0, sign = 1;
  *out = (decimal){0};
  if (i < size && (text[i] == '-' || text[i] == '+')) i++;
  for (bool point = false; i < size && (is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    seen++;
    out->exponent -= point;
    if (out->mantissa || text[i] != '0') out->digits++;
    if (out->digits <= EXACT_DIGITS) out->mantissa = out->mantissa * 10 + (uint64_t)(text[i] - '0');
  }
  if (!seen) return 0;
  if (i < size && (text[i] | 0x20) == 'e') {
    size_t at = i + 1;
    if (at < size && (text[at] == '-' || text[at] == '+')) sign = text[at++] == '-' ? -1 : 1;
    if (at >= size || !is_digit(text[at])) return 0;
    for (; at < size && is_digit(text[at]); at++)
      if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (text[at] - '0');
    i = at;
  }
  out->exponent += sign * exponent;
  return i;
}

static double number_value(const char *text, size_t size, const decimal *number) {
  static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  int exponent = number->exponent;
  bool exact = number->digits <= EXACT_DIGITS && !(number->mantissa >> 53) && abs(exponent) <= EXACT_POWER;
  if (!exact) return parse_with_strtod(text, size);
  double value = (double)number->mantissa;
  value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
  return *text == '-' ? -value : value;
}

typedef struct reader {
  const char *text;
  size_t size, at; /* `at`: the next byte to read */
  double *numbers; /* `count` elements read so far, with room for `capacity` */
  size_t count, capacity;
} reader;

static void skip_space(reader *r) {
  while (r->at < r->size && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at]) r->at++;
}

static sb_status element_error(const reader *r, const char *what, sb_error *error) {
  return sb_fail(error, SB_INVALID, "vector element %zu (byte %zu): %s", r->count + 1, r->at + 1, what);
}

static sb_status number_expected(const reader *r, sb_error *error) {
  char c = r->at < r->size ? r->text[r->at] : 0;
  if (r->at >= r->size || c == ',' || c == ']') return element_error(r, "it is missing", error);
  if (c == '[') return element_error(r, "it is a list; a vector is one flat list of numbers", error);
  return element_error(r, "it is not a number", error);
}

static sb_status add_element(reader *r, double value, sb_error *error) {
  if (r->count == r->capacity) {
    void *numbers = r->numbers;
    sb_status status = sb_grow(&numbers, r->capacity * 2, sizeof *r->numbers, error);
    if (status != SB_OK) return status;
    r->numbers = numbers;
    r->capacity *= 2;
  }
  r->numbers[r->count] = value;
  return SB_OK;
}

static sb_status read_element(reader *r, sb_error *error) {
  decimal number;
  size_t length = scan_number(r->text + r->at, r->size - r->at, &number);
  if (!length) return number_expected(r, error);
  if (length > NUMBER_MAX) return element_error(r, "the number has too many digits", error);
  if (r->count == SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: the vector has more than %d elements", SB_SQL_DIM_MAX);
  double value = number_value(r->text + r->at, length, &number);
  if (!isfinite(value)) return element_error(r, "it is too large", error);
  sb_status status = add_element(r, value, error);
  if (status != SB_OK) return status;
  r->at += length;
  skip_space(r);
  if (r->at < r->size && r->text[r->at] != ',' && r->text[r->at] != ']')
    return element_error(r, "it is not a number", error);
  r->count++;
  return SB_OK;
}

static sb_status read_list(reader *r, sb_error *error) {
  skip_space(r);
  bool bracket = r->at < r->size && r->text[r->at] == '[';
  r->at += bracket;
  skip_space(r);
  if (r->at == r->size || (bracket && r->text[r->at] == ']'))
    return sb_fail(error, SB_INVALID, "vector length: the vector has no element");
  for (bool more = true; more;) {
    skip_space(r);
    sb_status status = read_element(r, error);
    if (status != SB_OK) return status;
    more = r->at < r->size && r->text[r->at] == ',';
    r->at += more;
  }
  if (bracket && r->at == r->size)
    return sb_fail(error, SB_INVALID, "vector element %zu (byte %zu): the list is not closed; add ]", r->count, r->at);
  r->at += bracket;
  skip_space(r);
  if (r->at == r->size) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element %zu (byte %zu): there is text after the list", r->count, r->at + 1);
}

sb_status sb_sql_value_read_text(const char *text, size_t size, sb_sql_value *out, sb_error *error) {
  enum { FIRST_CAPACITY = 512 /* a face's template */ };
  reader r = {.text = text, .size = size, .capacity = FIRST_CAPACITY};
  r.numbers = sb_alloc(r.capacity, sizeof *r.numbers, error);
  sb_status status = r.numbers ? read_list(&r, error) : SB_NO_MEMORY;
  if (status != SB_OK) {
    free(r.numbers);
    return status;
  }
  *out = (sb_sql_value){
      .stored = SB_SQL_ELEMENT_DOUBLE, .dim = r.count, .bytes = (uint8_t *)r.numbers, .owned = r.numbers};
  return SB_OK;
}

sb_status sb_sql_value_read_digits(const char *text, size_t size, sb_sql_value *out, bool *found, sb_error *error) {
  *found = size > 0;
  for (size_t i = 0; i < size; i++) *found &= text[i] == '0' || text[i] == '1';
  if (!*found) return SB_OK;
  if (size > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: the vector has more than %d elements", SB_SQL_DIM_MAX);
  uint8_t *bits = sb_alloc((size + 7) / 8, 1, error);
  if (!bits) return SB_NO_MEMORY;
  for (size_t i = 0; i < size; i++) bits[i / 8] |= (uint8_t)((text[i] == '1') << i % 8);
  *out = (sb_sql_value){
      .element = SB_SQL_ELEMENT_BIT, .stored = SB_SQL_ELEMENT_BIT, .dim = size, .bytes = bits, .owned = bits};
  return SB_OK;
}

/* ---- Writing */

/* Writes the fewest digits that read back to the same number. `single`: the number is a float. */
static int format_real(double value, bool single, char text[32]) {
  int length = 0;
  for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
    length = snprintf(text, 32, "%.*g", digits, value);
    for (int i = 0; i < length; i++)
      if (!strchr("0123456789+-e", text[i])) text[i] = '.'; /* the decimal separator of the program's locale */
    double back = parse_with_strtod(text, (size_t)length);
    if (single ? (float)back == (float)value : back == value) break;
  }
  return length;
}

static int format_element(const sb_sql_value *value, size_t i, char text[32]) {
  bool small = value->stored == SB_SQL_ELEMENT_INT8 || value->stored == SB_SQL_ELEMENT_BIT;
  if (small) return snprintf(text, 32, "%d", (int)sb_sql_value_get(value, i));
  if (value->stored != SB_SQL_ELEMENT_INTEGER) {
    bool single = value->stored == SB_SQL_ELEMENT_FLOAT || value->stored == SB_SQL_ELEMENT_HALF;
    return format_real(sb_sql_value_get(value, i), single, text);
  }
  int64_t whole;
  memcpy(&whole, value->bytes + i * sizeof whole, sizeof whole);
  return snprintf(text, 32, "%lld", (long long)whole);
}

sb_status sb_sql_value_write_text(const sb_sql_value *value, sb_buffer *out, sb_error *error) {
  char text[33] = "[";
  for (size_t i = 0; i < value->dim; i++) {
    int length = format_element(value, i, text + 1);
    sb_status status = sb_buffer_add(out, text, (size_t)length + 1, error);
    if (status != SB_OK) return status;
    *text = ',';
  }
  return value->dim ? sb_buffer_add(out, "]", 1, error) : sb_buffer_add(out, "[]", 2, error);
}
