/* Idempotency keys: a request that is sent again with the same Idempotency-Key gets the first one's answer. */
#ifndef SB_HTTP_CORE_IDEMPOTENCY_H
#define SB_HTTP_CORE_IDEMPOTENCY_H

#include "base/base.h"

struct sb_http_exchange;

/* Locked. Answers are kept in memory: the last 1,024, each for a day at most. */
typedef struct sb_http_idempotency sb_http_idempotency;
typedef struct sb_http_idempotency_entry sb_http_idempotency_entry;
sb_status sb_http_idempotency_new(sb_http_idempotency **out, sb_error *error);
void sb_http_idempotency_free(sb_http_idempotency *table);
/* For a request whose body is complete. False: it has its reply now, the first answer again, or a refusal (the first
 * is in work still, or the key was used for another request). True: go on; then sb_http_idempotency_end must follow. */
bool sb_http_idempotency_begin(sb_http_idempotency *table, struct sb_http_exchange *exchange);
/* Keeps the reply of a request that sb_http_idempotency_begin let pass; one of 500 or more is forgotten, so that a
 * retry can succeed. */
void sb_http_idempotency_end(sb_http_idempotency *table, struct sb_http_exchange *exchange);

#endif
