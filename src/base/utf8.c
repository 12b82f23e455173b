/* Validation of UTF-8 (RFC 3629). */
#include "base/text.h"

/* The length of the UTF-8 sequence at `at`, or 0 when it is malformed. */
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
  /* Overlong forms, surrogates and code points above U+10FFFF are recognised by the second byte. */
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
