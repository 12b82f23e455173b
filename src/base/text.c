#include "base/base.h"

#include <string.h>

/* The length of the well-formed sequence (RFC 3629) at `at`, 0 when it is malformed. */
static size_t utf8_sequence(const unsigned char *at, size_t left) {
  unsigned char first = at[0];
  if (first < 0x80) return 1;
  size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                  : first >= 0xe0 && first <= 0xef ? 3
                  : first >= 0xf0 && first <= 0xf4 ? 4
                                                   : 0;
  if (!length || length > left) return 0;
  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  /* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
  bool malformed = (first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
                   (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f);
  return malformed ? 0 : length;
}

bool sb_utf8_valid(const char *text, size_t size) {
  const unsigned char *at = (const unsigned char *)text;
  while (size) {
    size_t length = utf8_sequence(at, size);
    if (!length) return false;
    at += length;
    size -= length;
  }
  return true;
}

/* C0 and C1 control characters, DEL, and the marks that turn the direction of text, with which a name could pose as another. */
static bool has_control(const unsigned char *text) {
  for (; *text; text++) {
    if (*text < 0x20 || *text == 0x7f) return true;
    if (text[0] == 0xc2 && text[1] < 0xa0) return true;
    if (text[0] == 0xe2 && text[1] == 0x80 &&
        ((text[2] >= 0xaa && text[2] <= 0xae) || text[2] == 0xa8 || text[2] == 0xa9))
      return true;
    if (text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9) return true;
  }
  return false;
}

sb_status sb_text_check(const char *text, size_t max, const char *field, sb_error *error) {
  size_t size = text ? strlen(text) : 0;
  if (!size) return sb_fail(error, SB_INVALID, "the %s is missing", field);
  if (size > max) return sb_fail(error, SB_INVALID, "the %s is too long: %zu bytes of at most %zu", field, size, max);
  if (!sb_utf8_valid(text, size)) return sb_fail(error, SB_INVALID, "the %s is not valid UTF-8 text", field);
  if (has_control((const unsigned char *)text))
    return sb_fail(error, SB_INVALID, "the %s holds control characters, such as a line break", field);
  if (strspn(text, " ") == size) return sb_fail(error, SB_INVALID, "the %s is empty", field);
  return SB_OK;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool sb_text_contains_nocase(const char *text, const char *part) {
  for (; *text; text++) {
    size_t i = 0;
    while (part[i] && lower(text[i]) == lower(part[i])) i++;
    if (!part[i]) return true;
  }
  return !*part;
}

void sb_hex(const uint8_t *bytes, size_t size, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[2 * size] = 0;
}
