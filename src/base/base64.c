/* Base64 (RFC 4648, sections 4 and 5), also inside a data URL (RFC 2397). */
#include "base/alloc.h"
#include "base/errors.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

/* The value of a digit, 0..63, or -1. Both alphabets are accepted: section 4, and the two letters of section 5
 * (base64url). */
static int base64_digit(char letter) {
  if (letter >= 'A' && letter <= 'Z') return letter - 'A';
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
  if (letter >= '0' && letter <= '9') return letter - '0' + 52;
  if (letter == '+' || letter == '-') return 62;
  if (letter == '/' || letter == '_') return 63;
  return -1;
}

static bool is_space(char letter) {
  return letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
}

/* The offset where the base64 begins: after a header such as "data:image/jpeg;base64,", otherwise 0. */
static size_t data_url_header(const char *text, size_t size) {
  static const char scheme[] = "data:", mark[] = ";base64";
  if (size < sizeof scheme || strncasecmp(text, scheme, sizeof scheme - 1)) return 0;
  const char *comma = memchr(text, ',', size < 256 ? size : 256); /* media types are short */
  size_t mark_size = sizeof mark - 1;
  if (!comma || (size_t)(comma - text) < mark_size || strncasecmp(comma - mark_size, mark, mark_size)) return 0;
  return (size_t)(comma - text) + 1;
}

char *sb_base64_encode(const uint8_t *bytes, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *text = sb_alloc((size + 2) / 3 * 4 + 1, 1, NULL), *at = text;
  for (size_t i = 0; text && i < size; i += 3) {
    uint32_t bits = (uint32_t)bytes[i] << 16;
    if (i + 1 < size) bits |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < size) bits |= bytes[i + 2];
    for (int j = 0; j < 4; j++) *at++ = i + (size_t)j <= size ? digits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

sb_status sb_base64_decode(char *text, size_t size, size_t *out_size, sb_error *error) {
  size_t written = 0, digits = 0, padding = 0;
  uint32_t bits = 0;
  for (size_t i = data_url_header(text, size); i < size; i++) {
    if (is_space(text[i])) continue;
    if (text[i] == '=') {
      padding++;
      continue;
    }
    int digit = padding ? -1 : base64_digit(text[i]);
    if (digit < 0) goto refused;
    bits = bits << 6 | (uint32_t)digit;
    if (++digits % 4 != 1) text[written++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
  }
  if (padding > 2 || digits % 4 == 1 || (padding && (digits + padding) % 4)) goto refused;
  *out_size = written;
  return SB_OK;
refused:
  return sb_fail(
      error, SB_INVALID,
      "the photo is not base64 or a base64 data URL; send the photo itself: URLs and file paths are not read");
}
