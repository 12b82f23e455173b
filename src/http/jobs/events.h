/* Server-sent events: an answer that goes on, for following a job. */
#ifndef SB_HTTP_JOBS_EVENTS_H
#define SB_HTTP_JOBS_EVENTS_H

#include "base/base.h"

#include <microhttpd.h>

struct sb_http_request;

/* Answers that wait for news; a thread wakes them a few times a second. Locked. */
typedef struct sb_http_sse_subscribers sb_http_sse_subscribers;
sb_status sb_http_sse_subscribers_new(sb_http_sse_subscribers **out, sb_error *error);
/* Wakes all and ends the thread. */
void sb_http_sse_subscribers_free(sb_http_sse_subscribers *subscribers);

/* The response that follows the job; NULL when out of memory. It ends with the job, or when the server stops. */
struct MHD_Response *sb_http_sse_response(const struct sb_http_request *request, const char *job);

#endif
