/* Idempotency keys: a request that is repeated with the same Idempotency-Key gets the answer of the first one, and is
 * not carried out again (draft-ietf-httpapi-idempotency-key-header). */
#ifndef SB_HTTP_CORE_IDEMPOTENCY_H
#define SB_HTTP_CORE_IDEMPOTENCY_H

#include "base/base.h"

struct sb_http_exchange;

/* Locked. Stores the last 1,024 answers in memory, each for a day at most. */
typedef struct sb_http_idempotency sb_http_idempotency;
typedef struct sb_http_idempotency_entry sb_http_idempotency_entry;
sb_status sb_http_idempotency_new(sb_http_idempotency **out, sb_error *error);
void sb_http_idempotency_free(sb_http_idempotency *table);
/* To be called when the body is complete. False: the request has its reply, which is the first answer once more, or a
 * refusal (the first request is still being processed, or the key was used for a different request). True: carry the
 * request out, then call sb_http_idempotency_end. */
bool sb_http_idempotency_begin(sb_http_idempotency *table, struct sb_http_exchange *exchange);
/* Stores the reply of a request that sb_http_idempotency_begin let pass; one of 500 or more is not stored, so that a
 * retry can succeed. */
void sb_http_idempotency_end(sb_http_idempotency *table, struct sb_http_exchange *exchange);

#endif
