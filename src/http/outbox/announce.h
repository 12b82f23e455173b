/* Which cameras an MQTT receiver knows. Each is announced when it is there, again when what is retained of
 * it would change (as when a person was erased), now and then in any case, because a broker may forget, and forgotten
 * when it was removed. One thread. */
#ifndef SB_HTTP_OUTBOX_ANNOUNCE_H
#define SB_HTTP_OUTBOX_ANNOUNCE_H

#include "http/outbox/mqtt.h"

typedef struct sb_http_announcer sb_http_announcer;
sb_http_announcer *sb_http_announcer_new(sb_error *error); /* NULL: out of memory; else released by free() */
/* The next packet; an empty one where there is nothing to say now. It is on its way until sb_http_announcer_end. */
sb_status sb_http_announcer_next(sb_http_announcer *announcer, sb_engine *engine, const sb_store_receiver *receiver,
                                 sb_buffer *out, sb_error *error);
/* `retry_ms`: until it is tried again, where it was not delivered. */
void sb_http_announcer_end(sb_http_announcer *announcer, bool delivered, int64_t retry_ms);
/* How often it failed since it was delivered last. */
int64_t sb_http_announcer_failures(const sb_http_announcer *announcer);

#endif
