/* Percent-decoding of untrusted text, in place. */
#include "http/core/decode.h"

static int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

bool sb_http_percent_bytes(char *text, bool plus, size_t *length) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    char letter = *from;
    if (letter == '%') {
      int high = hex_digit(from[1]);
      int low = high < 0 ? -1 : hex_digit(from[2]);
      if (low < 0 || !(high | low)) return false;
      letter = (char)(high << 4 | low);
      from += 2;
    } else if (plus && letter == '+') {
      letter = ' ';
    }
    *to++ = letter;
  }
  *to = '\0';
  *length = (size_t)(to - text);
  return true;
}

sb_status sb_http_percent_decode(char *text, bool plus, sb_error *error) {
  size_t length = 0;
  if (!sb_http_percent_bytes(text, plus, &length))
    return sb_fail(error, SB_INVALID, "the address has an invalid percent-escape: encode it as UTF-8");
  if (!sb_utf8_valid(text, length)) return sb_fail(error, SB_INVALID, "the address is not UTF-8");
  return SB_OK;
}
