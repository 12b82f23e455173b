/* Checks of names and ids from outside, hexadecimal. */
#include "base/text.h"

#include "base/errors.h"

#include <string.h>

/* C0 and C1 control characters, DEL, line and paragraph separators, and the Unicode marks that change the direction of
 * text, with which one name could be displayed like another (U+202A-202E, U+2066-2069). */
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
  if (size > max)
    return sb_fail(error, SB_INVALID, "the %s is too long: %zu bytes, at most %zu are allowed", field, size, max);
  if (!sb_utf8_valid(text, size)) return sb_fail(error, SB_INVALID, "the %s is not valid UTF-8 text", field);
  if (has_control((const unsigned char *)text))
    return sb_fail(error, SB_INVALID, "the %s contains a control character, such as a line break; remove it", field);
  if (strspn(text, " ") == size) return sb_fail(error, SB_INVALID, "the %s is empty", field);
  return SB_OK;
}

void sb_hex(const uint8_t *bytes, size_t size, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[2 * size] = 0;
}
