/* Percent-decoding of request targets (RFC 3986, 2.1). */
#ifndef SB_HTTP_CORE_DECODE_H
#define SB_HTTP_CORE_DECODE_H

#include "base/base.h"

/* Decodes in place: the result is never longer. `plus`: '+' is a space, as in queries. SB_INVALID for a broken escape,
 * an encoded NUL, or a result that is not UTF-8. */
sb_status sb_http_percent_decode(char *text, bool plus, sb_error *error);

#endif
