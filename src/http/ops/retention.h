/* Retention: each minute everybody whose time is over is erased. */
#ifndef SB_HTTP_OPS_RETENTION_H
#define SB_HTTP_OPS_RETENTION_H

#include "base/base.h"

/* A thread of its own; its acts stand in the audit as "timer". */
typedef struct sb_timer sb_timer;
sb_status sb_timer_start(sb_engine *engine, sb_timer **out, sb_error *error);
void sb_timer_stop(sb_timer *timer); /* NULL is accepted */

#endif
