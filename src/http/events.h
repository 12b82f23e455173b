/* Server-sent events: an answer that goes on, for following a job. */
#ifndef SB_HTTP_EVENTS_H
#define SB_HTTP_EVENTS_H

#include "base/base.h"

#include <microhttpd.h>

struct sb_request;

/* Answers that wait for news; a thread wakes them a few times a second. Locked. */
typedef struct sb_sleepers sb_sleepers;
sb_status sb_sleepers_new(sb_sleepers **out, sb_error *error);
/* Wakes all and ends the thread. */
void sb_sleepers_free(sb_sleepers *sleepers);

/* The response that follows the job; NULL when memory is out. It ends with the job, or when the server stops. */
struct MHD_Response *sb_events_response(const struct sb_request *request, const char *job);

#endif
