/* Follows the gallery's events for all open streams at once, so that each of them need not ask the store. */
#ifndef SB_HTTP_CORE_EVENT_FOLLOWER_H
#define SB_HTTP_CORE_EVENT_FOLLOWER_H

#include "engine/engine.h"

/* Locked. Its thread runs while there are streams. */
typedef struct sb_http_event_follower sb_http_event_follower;
sb_status sb_http_event_follower_new(sb_engine *engine, sb_http_event_follower **out, sb_error *error);
void sb_http_event_follower_free(sb_http_event_follower *follower); /* NULL is accepted */
/* Counts one stream more unless there are as many as there may be: SB_BUSY. Then sb_http_event_follower_leave must
 * follow. */
sb_status sb_http_event_follower_enter(sb_http_event_follower *follower, sb_error *error);
void sb_http_event_follower_leave(sb_http_event_follower *follower);
/* The number of the newest event, as far as it is known; does not wait. */
uint64_t sb_http_event_follower_newest(sb_http_event_follower *follower);

#endif
