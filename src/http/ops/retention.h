/* Retention job: once a minute, erases the people whose retention period has ended, and deletes old events, unless the
 * system's clock cannot be trusted (clock_guard.h). */
#ifndef SB_HTTP_OPS_RETENTION_H
#define SB_HTTP_OPS_RETENTION_H

#include "base/base.h"

/* Runs in a thread of its own; the audit names it "timer". `event_days`: how long events are kept, 0: for ever. */
typedef struct sb_http_retention sb_http_retention;
sb_status sb_http_retention_start(sb_engine *engine, int64_t event_days, sb_http_retention **out, sb_error *error);
void sb_http_retention_stop(sb_http_retention *retention); /* NULL is accepted */

#endif
