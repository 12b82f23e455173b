/* Answers that last: server-sent events (text/event-stream, WHATWG HTML 9.2). */
#ifndef SB_HTTP_CORE_SSE_H
#define SB_HTTP_CORE_SSE_H

#include "base/base.h"

#include <microhttpd.h>

struct sb_http_request;

/* The open event streams that wait for a change: their connections are suspended, and a thread resumes them a few times
 * a second. Locked. */
typedef struct sb_http_sse_subscribers sb_http_sse_subscribers;
sb_status sb_http_sse_subscribers_new(sb_http_sse_subscribers **out, sb_error *error);
/* Resumes all of them and ends the thread. */
void sb_http_sse_subscribers_free(sb_http_sse_subscribers *subscribers);

typedef enum sb_http_sse_news {
  SB_HTTP_SSE_NOTHING, /* for now */
  SB_HTTP_SSE_TEXT,    /* there is something to send */
  SB_HTTP_SSE_LAST,    /* the same, and the stream ends behind it */
  SB_HTTP_SSE_END      /* the stream ends */
} sb_http_sse_news;

/* What a stream sends. Its functions run in a socket's thread, so they must not wait. */
typedef struct sb_http_sse_source {
  void *state;
  /* Whether there is anything new: whole events, each with its blank line, in `*text`, released by free(). */
  sb_http_sse_news (*next)(void *state, char **text);
  void (*release)(void *state);
} sb_http_sse_source;

/* Replies with a stream of events; takes the source over, also when out of memory, which is the reply then. It ends
 * when the source does, when the server stops, or when the caller's key is revoked. */
void sb_http_sse_reply(struct sb_http_request *request, sb_http_sse_source source);

#endif
