/* Percent-decoding of untrusted text, in place. */
#include "http/core/decode.h"

static int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

sb_status sb_http_percent_decode(char *text, bool plus, sb_error *error) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    char letter = *from;
    if (letter == '%') {
      int high = hex_digit(from[1]);
      int low = high < 0 ? -1 : hex_digit(from[2]);
      if (low < 0 || !(high | low)) {
        return sb_fail(error, SB_INVALID, "the address has an invalid percent-escape: encode it as UTF-8");
      }
      letter = (char)(high << 4 | low);
      from += 2;
    } else if (plus && letter == '+') {
      letter = ' ';
    }
    *to++ = letter;
  }
  *to = '\0';
  if (!sb_utf8_valid(text, (size_t)(to - text))) return sb_fail(error, SB_INVALID, "the address is not UTF-8");
  return SB_OK;
}
