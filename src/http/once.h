/* Idempotency keys: a request that is sent again with the same Idempotency-Key gets the first one's answer. */
#ifndef SB_HTTP_ONCE_H
#define SB_HTTP_ONCE_H

#include "base/base.h"

struct sb_request;

/* Locked. Answers are kept in memory: the last 1,024, each for a day at most. */
typedef struct sb_once sb_once;
typedef struct sb_once_entry sb_once_entry;
sb_status sb_once_new(sb_once **out, sb_error *error);
void sb_once_free(sb_once *once);
/* For a request whose body is complete. False: it has its reply now, the first answer again, or a refusal (the first is in
 * work still, or the key was used for another request). True: go on; then sb_once_end must follow. */
bool sb_once_begin(sb_once *once, struct sb_request *request);
/* Keeps the reply of a request that sb_once_begin let pass; one of 500 or more is forgotten, so that a retry can succeed. */
void sb_once_end(sb_once *once, struct sb_request *request);

#endif
