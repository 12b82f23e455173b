/* Percent-decoding of request targets (RFC 3986, 2.1). */
#ifndef SB_HTTP_CORE_DECODE_H
#define SB_HTTP_CORE_DECODE_H

#include "base/base.h"

/* Decodes in place: the result is never longer. `plus`: '+' is a space, as in queries. SB_INVALID for a broken escape,
 * an encoded NUL, or a result that is not UTF-8. */
/* Decodes in place into bytes of any kind; false for a broken escape or an encoded NUL. */
bool sb_http_percent_bytes(char *text, bool plus, size_t *length);
sb_status sb_http_percent_decode(char *text, bool plus, sb_error *error);

#endif
