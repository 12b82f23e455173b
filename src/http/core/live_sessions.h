/* The open channels of /v1/live, counted: a limit, a gauge, and a server that waits for their end when it stops. */
#ifndef SB_HTTP_CORE_LIVE_SESSIONS_H
#define SB_HTTP_CORE_LIVE_SESSIONS_H

#include "base/base.h"

/* Locked. */
typedef struct sb_http_live_sessions sb_http_live_sessions;
sb_status sb_http_live_sessions_new(sb_http_live_sessions **out, sb_error *error);
/* Counts one channel more unless `most` are open or the server stops; true: sb_http_live_sessions_leave must follow. */
bool sb_http_live_sessions_enter(sb_http_live_sessions *sessions, size_t most);
void sb_http_live_sessions_leave(sb_http_live_sessions *sessions);
/* Makes every channel end, and waits until all have left, for `ms` at most. Before libmicrohttpd is stopped, which
 * must not happen while a channel has its connection. False: some have not left in time. */
bool sb_http_live_sessions_stop(sb_http_live_sessions *sessions, double ms);
/* Each channel asks, and ends when it is so. */
bool sb_http_live_sessions_stopping(sb_http_live_sessions *sessions);
size_t sb_http_live_sessions_count(sb_http_live_sessions *sessions);
void sb_http_live_sessions_free(sb_http_live_sessions *sessions); /* NULL is accepted */

#endif
