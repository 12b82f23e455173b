/* Reading JSON within limits. The text is scanned once for brackets, commas and strings before jansson parses it: a
 * body of 16 MB of "[[],[],..." would otherwise become a gigabyte of values. */
#include "json/read.h"

#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* The end of the string that begins before `at`: behind its closing quote. */
static const char *skip_text(const char *at, const char *end) {
  while (at < end) {
    const char *quote = memchr(at, '"', (size_t)(end - at));
    if (!quote) return end;
    size_t slashes = 0;
    while (quote - slashes > at && quote[-1 - (ptrdiff_t)slashes] == '\\') slashes++;
    if (slashes % 2 == 0) return quote + 1;
    at = quote + 1; /* an escaped quote */
  }
  return end;
}

/* Counts what the parser would build, without building it: brackets open values, commas divide them. jansson takes
 * about 100 bytes for a value of two characters, and recurses at each level. */
static sb_status check_limits(const char *text, size_t size, const sb_json_limits *limits, const char *what,
                              sb_error *error) {
  size_t depth = 0, values = 1;
  const char *end = text + size;
  if (size > limits->size) return sb_fail(error, SB_TOO_LARGE, "%s is longer than %zu bytes", what, limits->size);
  for (const char *at = text; at < end;) {
    char c = *at++;
    if (c == '"') at = skip_text(at, end);
    if (c == '{' || c == '[') depth++, values++;
    if (c == ',') values++;
    if ((c == '}' || c == ']') && depth) depth--;
    if (depth > limits->depth)
      return sb_fail(error, SB_TOO_LARGE, "%s has more than %zu objects and lists in each other", what, limits->depth);
    if (values > limits->values)
      return sb_fail(error, SB_TOO_LARGE, "%s has more than %zu values", what, limits->values);
  }
  return SB_OK;
}

json_t *sb_json_read(const char *text, size_t size, const sb_json_limits *limits, const char *what, sb_error *error) {
  static const char mark[] = "\xef\xbb\xbf"; /* the byte order mark that some clients of Windows put before UTF-8 */
  json_error_t fault;
  if (size >= sizeof mark - 1 && !memcmp(text, mark, sizeof mark - 1)) text += sizeof mark - 1, size -= sizeof mark - 1;
  if (check_limits(text, size, limits, what, error) != SB_OK) return NULL;
  json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault);
  if (!json) sb_fail(error, SB_INVALID, "%s is not JSON (line %d, column %d)", what, fault.line, fault.column);
  return json;
}

bool sb_json_read_hex(const json_t *object, const char *key, uint8_t *bytes, size_t size) {
  const char *text = json_string_value(json_object_get(object, key));
  if (!text || strlen(text) != 2 * size || strspn(text, "0123456789abcdef") != 2 * size) return false;
  for (size_t i = 0; i < size; i++) {
    char pair[3] = {text[2 * i], text[2 * i + 1], 0};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return true;
}

bool sb_json_read_text(const json_t *object, const char *key, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(object, key));
  if (!text || strlen(text) >= size) return false;
  strcpy(out, text);
  return true;
}
