/* Vectors as text: JSON arrays and lists with commas. Numbers are read and written with a point, whatever the program's
 * locale says. */
#include "sql/values.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  NUMBER_MAX = 400 /* characters of one number: a double's shortest exact forms are far shorter */,
  EXPONENT_MAX = 9999
};

static locale_t plain_locale;
static void make_locale(void) {
  plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double slow_number(const char *text, size_t size) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  char copy[NUMBER_MAX + 1];
  pthread_once(&once, make_locale);
  memcpy(copy, text, size);
  copy[size] = 0;
  return plain_locale ? strtod_l(copy, NULL, plain_locale) : strtod(copy, NULL);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A decimal number at `text`; its length, or 0 when there is none. `*mantissa` and `*ten` hold it exactly while it has at
 * most 19 digits; *digits counts them. */
static size_t scan_number(const char *text, size_t size, uint64_t *mantissa, int *ten, int *digits) {
  size_t i = 0, seen = 0;
  int exponent = 0, sign = 1;
  *mantissa = 0, *ten = 0, *digits = 0;
  if (i < size && (text[i] == '-' || text[i] == '+')) i++;
  for (bool point = false; i < size && (is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    seen++;
    *ten -= point;
    if (*mantissa || text[i] != '0') ++*digits;
    if (*digits <= 19) *mantissa = *mantissa * 10 + (uint64_t)(text[i] - '0');
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
  *ten += sign * exponent;
  return i;
}

/* Exact where mantissa and power of ten are doubles (Clinger 1990, the fast path), else as strtod does. */
static double number_value(const char *text, size_t size, uint64_t mantissa, int ten, int digits) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (digits > 19 || mantissa >> 53 || ten < -22 || ten > 22) return slow_number(text, size);
  double value = ten < 0 ? (double)mantissa / powers[-ten] : (double)mantissa * powers[ten];
  return *text == '-' ? -value : value;
}

typedef struct reader {
  const char *text;
  size_t size, at, count;
  double *numbers;
  size_t room;
} reader;

static void skip_space(reader *r) {
  while (r->at < r->size && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at]) r->at++;
}

static sb_status element_error(const reader *r, const char *what, sb_error *error) {
  return sb_fail(error, SB_INVALID, "vector element %zu (byte %zu): %s", r->count + 1, r->at + 1, what);
}

static sb_status why_no_number(const reader *r, sb_error *error) {
  char c = r->at < r->size ? r->text[r->at] : 0;
  if (r->at >= r->size || c == ',' || c == ']') return element_error(r, "it is missing", error);
  if (c == '[') return element_error(r, "it is a list; a vector is flat", error);
  return element_error(r, "it is not a number", error);
}

static sb_status read_element(reader *r, sb_error *error) {
  uint64_t mantissa;
  int ten, digits;
  size_t length = scan_number(r->text + r->at, r->size - r->at, &mantissa, &ten, &digits);
  if (!length) return why_no_number(r, error);
  if (length > NUMBER_MAX) return element_error(r, "it is longer than any number", error);
  if (r->count == SB_VALUE_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: it has more than %d elements", SB_VALUE_DIM_MAX);
  double value = number_value(r->text + r->at, length, mantissa, ten, digits);
  if (!isfinite(value)) return element_error(r, "it is too large", error);
  if (r->count == r->room) {
    void *numbers = r->numbers;
    sb_status status = sb_grow(&numbers, r->room * 2, sizeof *r->numbers, error);
    if (status != SB_OK) return status;
    r->numbers = numbers;
    r->room *= 2;
  }
  r->numbers[r->count] = value;
  r->at += length;
  skip_space(r);
  if (r->at < r->size && r->text[r->at] != ',' && r->text[r->at] != ']')
    return element_error(r, "it is not a number", error);
  r->count++;
  return SB_OK;
}

static sb_status read_list(reader *r, sb_error *error) {
  sb_status status = SB_OK;
  skip_space(r);
  bool bracket = r->at < r->size && r->text[r->at] == '[';
  r->at += bracket;
  skip_space(r);
  if (r->at == r->size || (bracket && r->text[r->at] == ']'))
    return sb_fail(error, SB_INVALID, "vector length: it has no element");
  for (bool more = true; status == SB_OK && more;) {
    skip_space(r);
    status = read_element(r, error);
    more = status == SB_OK && r->at < r->size && r->text[r->at] == ',';
    r->at += more;
  }
  if (status != SB_OK) return status;
  if (bracket && r->at == r->size)
    return sb_fail(error, SB_INVALID, "vector element %zu (byte %zu): the list is not closed by ]", r->count, r->at);
  r->at += bracket;
  skip_space(r);
  if (r->at == r->size) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element %zu (byte %zu): something follows the list", r->count, r->at + 1);
}

sb_status sb_value_read_text(const char *text, size_t size, sb_value *out, sb_error *error) {
  enum { ROOM = 512 };
  reader r = {.text = text, .size = size, .room = ROOM, .numbers = sb_alloc(ROOM, sizeof(double), error)};
  sb_status status = r.numbers ? read_list(&r, error) : SB_NO_MEMORY;
  if (status != SB_OK) {
    free(r.numbers);
    return status;
  }
  *out = (sb_value){.kept = SB_ELEMENT_DOUBLE, .dim = r.count, .bytes = (uint8_t *)r.numbers, .owned = r.numbers};
  return SB_OK;
}

/* ---- Writing */

/* As few digits as read back to the same. */
static int format_real(double value, bool single, char text[32]) {
  int length = 0;
  for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
    length = snprintf(text, 32, "%.*g", digits, value);
    for (int i = 0; i < length; i++)
      if (!strchr("0123456789+-e", text[i])) text[i] = '.'; /* the locale's own point */
    double back = slow_number(text, (size_t)length);
    if (single ? (float)back == (float)value : back == value) break;
  }
  return length;
}

sb_status sb_value_text(const sb_value *value, sb_buffer *out, sb_error *error) {
  char text[32];
  sb_status status = sb_buffer_add(out, "[", 1, error);
  for (size_t i = 0; status == SB_OK && i < value->dim; i++) {
    int64_t whole;
    int length;
    if (value->kept == SB_ELEMENT_INTEGER) {
      memcpy(&whole, value->bytes + i * sizeof whole, sizeof whole);
      length = snprintf(text, sizeof text, "%lld", (long long)whole);
    } else {
      length = format_real(sb_value_get(value, i), value->kept == SB_ELEMENT_FLOAT, text);
    }
    if (i) status = sb_buffer_add(out, ",", 1, error);
    if (status == SB_OK) status = sb_buffer_add(out, text, (size_t)length, error);
  }
  return status == SB_OK ? sb_buffer_add(out, "]", 1, error) : status;
}
