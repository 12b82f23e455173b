/* Text from the wire to bytes: percent-encoding and base64. */
#ifndef SB_HTTP_DECODE_H
#define SB_HTTP_DECODE_H

#include "base/base.h"

/* Decodes in place (the result is never longer). `plus`: '+' is a space, as in queries. SB_INVALID for a broken escape,
 * an encoded NUL or what is not UTF-8. */
sb_status sb_percent_decode(char *text, bool plus, sb_error *error);
/* Decodes base64, or a data URL that holds base64, in place. White space is passed over, padding is optional. SB_INVALID
 * for all else, addresses and paths among it. */
sb_status sb_base64_decode(char *text, size_t size, size_t *out_size, sb_error *error);
/* The other way round (RFC 4648, 4); released by free(). NULL: memory is out. */
char *sb_base64_encode(const uint8_t *bytes, size_t size);

#endif
