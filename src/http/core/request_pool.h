/* A bounded queue of requests and the worker threads that process them, so that inference never blocks a socket's
 * thread. */
#ifndef SB_HTTP_CORE_REQUEST_POOL_H
#define SB_HTTP_CORE_REQUEST_POOL_H

#include "base/base.h"

/* Locked. */
typedef struct sb_http_request_pool sb_http_request_pool;
/* Called with a job; each use says in which thread. */
typedef void (*sb_http_pool_call)(void *job);

/* Calls `perform` for each job in one of `threads` worker threads; at most `capacity` jobs wait. Of the heavy ones
 * (photos) no more may wait than are processed within a quarter of a second, estimated from how long the last ones
 * took, but always two for each thread. So a request that would wait for long is refused at once, and those that wait
 * do so briefly. When no worker has had a job for a second, what heavy ones have freed goes back to the system. */
sb_status sb_http_request_pool_new(size_t threads, size_t capacity, sb_http_pool_call perform,
                                   sb_http_request_pool **out, sb_error *error);
/* Queues a job. Calls `accepted` in this thread once the job has its place and before a worker can take it: the moment
 * to suspend a connection. SB_BUSY when too many wait, SB_STOPPING after sb_http_request_pool_close; then nothing is
 * called. */
sb_status sb_http_request_pool_add(sb_http_request_pool *pool, void *job, bool heavy, sb_http_pool_call accepted,
                                   sb_error *error);
/* The number of jobs that wait. */
size_t sb_http_request_pool_waiting(sb_http_request_pool *pool);
/* Ends the workers after their current jobs, and calls `refuse` in this thread for each job that still waits. From then
 * on sb_http_request_pool_add gives SB_STOPPING. For one thread; a second call does nothing. */
void sb_http_request_pool_close(sb_http_request_pool *pool, sb_http_pool_call refuse);
/* After sb_http_request_pool_close, or with no job waiting. NULL is accepted. */
void sb_http_request_pool_free(sb_http_request_pool *pool);

#endif
