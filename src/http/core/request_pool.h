/* A bounded queue of requests and the threads that work on them, so that inference never blocks a socket's thread. */
#ifndef SB_HTTP_CORE_REQUEST_POOL_H
#define SB_HTTP_CORE_REQUEST_POOL_H

#include "base/base.h"

/* Locked. */
typedef struct sb_http_request_pool sb_http_request_pool;
/* Called with the job alone, in the thread that is named at each use. */
typedef void (*sb_http_pool_call)(void *job);

/* `perform` runs in one of `threads` threads for each job; at most `capacity` jobs wait. Of the heavy ones (photos)
 * as many may wait as are done within a quarter of a second, going by how long the last ones took, but always two a
 * thread: whoever comes later hears at once that it is full, and whoever waits does so briefly. */
sb_status sb_http_request_pool_new(size_t threads, size_t capacity, sb_http_pool_call perform,
                                   sb_http_request_pool **out, sb_error *error);
/* `accepted` runs in the caller's thread once the job has a place and before any thread can begin it: the moment to
 * suspend a connection. SB_BUSY when that many wait, SB_STOPPING once it was closed; then nothing was called. */
sb_status sb_http_request_pool_add(sb_http_request_pool *pool, void *job, bool heavy, sb_http_pool_call accepted,
                                   sb_error *error);
/* Jobs that wait. */
size_t sb_http_request_pool_waiting(sb_http_request_pool *pool);
/* Ends the threads after the jobs that they are at; each job that still waits is given to `refuse` in the caller's
 * thread. From then on sb_http_request_pool_add says SB_STOPPING. One caller; again: nothing is left to do. */
void sb_http_request_pool_close(sb_http_request_pool *pool, sb_http_pool_call refuse);
/* After sb_http_request_pool_close, or with no job waiting. NULL is accepted. */
void sb_http_request_pool_free(sb_http_request_pool *pool);

#endif
