/* Progress of a job as server-sent events (text/event-stream, WHATWG HTML 9.2). */
#ifndef SB_HTTP_JOBS_EVENTS_H
#define SB_HTTP_JOBS_EVENTS_H

#include "base/base.h"

#include <microhttpd.h>

struct sb_http_request;

/* The open event streams that wait for a change: their connections are suspended, and a thread resumes them a few times
 * a second. Locked. */
typedef struct sb_http_sse_subscribers sb_http_sse_subscribers;
sb_status sb_http_sse_subscribers_new(sb_http_sse_subscribers **out, sb_error *error);
/* Resumes all of them and ends the thread. */
void sb_http_sse_subscribers_free(sb_http_sse_subscribers *subscribers);

/* The response that follows a job; NULL when out of memory. It ends with the job, when the server stops, or when the
 * caller's key is revoked. */
struct MHD_Response *sb_http_sse_response(const struct sb_http_request *request, const char *job);

#endif
