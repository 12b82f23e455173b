/* Rate limits: requests in a minute and photos in a day, of each API key, and of each address that has no valid one. */
#ifndef SB_HTTP_CORE_RATE_LIMIT_H
#define SB_HTTP_CORE_RATE_LIMIT_H

#include "base/base.h"

/* Locked. Token buckets: each caller begins with as many tokens as `most`, and gets `most` back in `period_s`. It
 * remembers the last 4,096 callers; one that is forgotten begins again, so more callers than that gain something. */
typedef struct sb_http_rate_limit sb_http_rate_limit;
/* `most` 0: no limit. */
sb_status sb_http_rate_limit_new(size_t most, double period_s, sb_http_rate_limit **out, sb_error *error);
void sb_http_rate_limit_free(sb_http_rate_limit *limit); /* NULL is accepted */
/* Takes a token of this caller: 0, or the seconds until there is one. */
unsigned sb_http_rate_limit_take(sb_http_rate_limit *limit, const void *caller, size_t size);

#endif
