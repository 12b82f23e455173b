/* Retention: each minute everybody whose time is over is erased. */
#ifndef SB_HTTP_OPS_RETENTION_H
#define SB_HTTP_OPS_RETENTION_H

#include "base/base.h"

/* A thread of its own; its acts stand in the audit as "timer". */
typedef struct sb_http_retention sb_http_retention;
sb_status sb_http_retention_start(sb_engine *engine, sb_http_retention **out, sb_error *error);
void sb_http_retention_stop(sb_http_retention *timer); /* NULL is accepted */

#endif
