/* Writing JSON: values, sticky building, and the text. jansson holds the values; its own writer has one number of
 * digits for all reals, so the text is written here: a recursion over the value, one level of the stack for each
 * level of the JSON. */
#include "json/write.h"

#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values */

json_t *sb_json_rounded(double value, int decimals) {
  double scale = pow(10, decimals);
  return json_real(round(value * scale) / scale);
}

json_t *sb_json_significant(double value, int digits) {
  char text[64];
  if (!isfinite(value)) return json_real(0);
  snprintf(text, sizeof text, "%.*g", digits, value);
  return json_real(strtod(text, NULL));
}

/* %g drops trailing zeros, and every decimal number of up to 6 digits survives a float: so 6 digits are the shortest
 * text, or 7, 8 or 9 are needed. */
json_t *sb_json_float(float value) {
  char text[32];
  for (int digits = 6; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)value);
    if (strtof(text, NULL) == value) break;
  }
  return json_real(strtod(text, NULL));
}

/* As for floats: 15 digits survive a double, so 15, 16 or 17 are the shortest. A whole number gets ".0" and stays a
 * real. */
void sb_json_real_text(double value, char out[SB_JSON_REAL_TEXT]) {
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, SB_JSON_REAL_TEXT, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  if (!strpbrk(out, ".einf")) strcat(out, ".0"); /* infinity and NaN are for callers outside JSON */
}

json_t *sb_json_floats(const float *values, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) sb_json_append(&list, sb_json_float(values[i]));
  return list;
}

json_t *sb_json_time(int64_t unix_ms) {
  char text[32];
  if (!unix_ms) return json_null();
  sb_time_iso(unix_ms, text);
  return json_string(text);
}

json_t *sb_json_hex(const uint8_t *bytes, size_t size) {
  char text[2 * 64 + 1];
  if (size > 64) return NULL;
  sb_hex(bytes, size, text);
  return json_string(text);
}

json_t *sb_json_base64(const uint8_t *bytes, size_t size) {
  char *text = sb_base64_encode(bytes, size);
  json_t *json = text ? json_string(text) : NULL;
  if (text) sb_wipe(text, strlen(text));
  free(text);
  return json;
}

json_t *sb_json_path(const char *path, size_t size) {
  return sb_utf8_valid(path, size) ? json_stringn(path, size) : json_string("");
}

/* ---- Building: jansson's setters release the value when they fail, also for NULL in place of an object or a list */

void sb_json_set(json_t **object, const char *key, json_t *value) {
  if (!json_object_set_new(*object, key, value)) return;
  json_decref(*object);
  *object = NULL;
}

void sb_json_append(json_t **list, json_t *value) {
  if (!json_array_append_new(*list, value)) return;
  json_decref(*list);
  *list = NULL;
}

/* ---- Text */

typedef struct writer {
  sb_buffer out;
  bool failed; /* out of memory: from then on nothing is written */
  bool indented;
  int depth;
} writer;

static void put(writer *w, const char *text, size_t size) {
  w->failed = w->failed || sb_buffer_add(&w->out, text, size, NULL) != SB_OK;
}

static void put_value(writer *w, const json_t *json);

static void put_integer(writer *w, json_int_t value) {
  char text[24];
  put(w, text, (size_t)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, value));
}

static void put_real(writer *w, double value) {
  char text[SB_JSON_REAL_TEXT];
  sb_json_real_text(value, text);
  put(w, text, strlen(text));
}

static void put_escape(writer *w, char c) {
  static const char names[] = "\bb\ff\nn\rr\tt\"\"\\\\"; /* pairs: the character, its letter */
  char text[8];
  for (const char *pair = names; *pair; pair += 2)
    if (*pair == c) {
      put(w, "\\", 1);
      put(w, pair + 1, 1);
      return;
    }
  put(w, text, (size_t)snprintf(text, sizeof text, "\\u%04X", (unsigned)c));
}

/* RFC 8259, section 7: quotes, backslashes and control characters are escaped; all else is UTF-8 as it is. */
static void put_text(writer *w, const char *text, size_t size) {
  put(w, "\"", 1);
  for (size_t at = 0; at < size;) {
    size_t end = at;
    while (end < size && (unsigned char)text[end] >= 0x20 && text[end] != '"' && text[end] != '\\') end++;
    put(w, text + at, end - at);
    if (end < size) put_escape(w, text[end]);
    at = end + 1;
  }
  put(w, "\"", 1);
}

/* The indentation: a line for each item, two blanks for each level. */
static void put_line(writer *w) {
  if (!w->indented) return;
  put(w, "\n", 1);
  for (int i = 0; i < w->depth; i++) put(w, "  ", 2);
}

static void put_end(writer *w, const char *bracket, bool empty) {
  w->depth--;
  if (!empty) put_line(w);
  put(w, bracket, 1);
}

static void put_list(writer *w, const json_t *list) {
  put(w, "[", 1);
  w->depth++;
  for (size_t i = 0; i < json_array_size(list); i++) {
    if (i) put(w, ",", 1);
    put_line(w);
    put_value(w, json_array_get(list, i));
  }
  put_end(w, "]", !json_array_size(list));
}

static void put_object(writer *w, const json_t *object) {
  const char *key;
  json_t *value;
  bool first = true;
  put(w, "{", 1);
  w->depth++;
  /* jansson's iterator takes the object as writable and does not write to it. */
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    if (!first) put(w, ",", 1);
    first = false;
    put_line(w);
    put_text(w, key, strlen(key));
    put(w, ": ", w->indented ? 2 : 1);
    put_value(w, value);
  }
  put_end(w, "}", first);
}

static void put_value(writer *w, const json_t *json) {
  switch (json_typeof(json)) {
  case JSON_OBJECT: put_object(w, json); break;
  case JSON_ARRAY: put_list(w, json); break;
  case JSON_STRING: put_text(w, json_string_value(json), json_string_length(json)); break;
  case JSON_INTEGER: put_integer(w, json_integer_value(json)); break;
  case JSON_REAL: put_real(w, json_real_value(json)); break;
  case JSON_TRUE: put(w, "true", 4); break;
  case JSON_FALSE: put(w, "false", 5); break;
  case JSON_NULL: put(w, "null", 4); break;
  }
}

static char *text_of(const json_t *json, bool indented) {
  writer w = {.indented = indented};
  if (!json) return NULL;
  put_value(&w, json);
  if (!w.failed) return w.out.bytes;
  sb_buffer_free(&w.out);
  return NULL;
}

char *sb_json_write(const json_t *json) {
  return text_of(json, false);
}

char *sb_json_write_indented(const json_t *json) {
  return text_of(json, true);
}
