/* Text: UTF-8 validation, checks of names and ids from outside, hexadecimal, base64. */
#ifndef SB_BASE_TEXT_H
#define SB_BASE_TEXT_H

#include <semblance/semblance.h>

bool sb_utf8_valid(const char *text, size_t size); /* RFC 3629 */

/* Checks an id or a name from outside: 1..max bytes of valid UTF-8 without control characters, not only spaces.
 * SB_INVALID otherwise; the message names `field` and never quotes the value. */
sb_status sb_text_check(const char *text, size_t max, const char *field, sb_error *error);
void sb_hex(const uint8_t *bytes, size_t size, char *out); /* lower case; 2 * size + 1 chars */

/* Decodes base64 (RFC 4648, sections 4 and 5), or a data URL that holds base64, in place. White space is skipped,
 * padding is optional. SB_INVALID for anything else, including URLs and file paths. */
sb_status sb_base64_decode(char *text, size_t size, size_t *out_size, sb_error *error);
/* Encodes as base64 with padding (RFC 4648, section 4); released by free(). NULL: out of memory. */
char *sb_base64_encode(const uint8_t *bytes, size_t size);

#endif
