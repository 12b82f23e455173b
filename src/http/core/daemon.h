/* The daemon: a listening socket, libmicrohttpd on it, and what every exchange of a request borrows.
 *
 * A request's way: daemon.c hands libmicrohttpd's callbacks to dispatch.c, which checks it (request_checks.c), finds
 * its route (route.c), authenticates it (auth.c), receives its body (receive.c), and lets the route's handler reply,
 * in a worker of the request pool where the route wants one; send.c hands the reply back. */
#ifndef SB_HTTP_CORE_DAEMON_H
#define SB_HTTP_CORE_DAEMON_H

#include "config/config.h"
#include "http/core/connections.h"
#include "http/core/idempotency.h"
#include "http/core/listener.h"
#include "http/core/request_checks.h"
#include "http/core/route.h"

/* How long an exchange took, for metrics and log. */
typedef struct sb_http_times {
  double total_ms; /* from the first line on */
  sb_stage_times stages;
} sb_http_times;

typedef struct sb_http_daemon {
  sb_http_context *context;
  sb_http_router router;
  sb_http_words origins, names; /* --cors, --server-names */
  sb_http_idempotency *idempotency;
  sb_http_connections *connections;
  /* Called when an answer has been sent, in the socket's thread. */
  void (*completed)(const sb_http_request *request, const sb_http_times *times);
  sb_http_listener *listener; /* borrowed; libmicrohttpd takes its sockets over */
  struct MHD_Daemon *mhd;
} sb_http_daemon;

/* Answers requests from now on, in `workers` threads of context->pool, which it makes. SB_INVALID for an address that
 * other machines reach, unless there are keys and TLS, or --insecure. */
sb_status sb_http_daemon_start(sb_http_daemon *daemon, const sb_config *config, size_t workers, sb_error *error);
/* Refuses what waits in the pool, then stops: no handler runs afterwards. Does nothing when it was not started. */
void sb_http_daemon_stop(sb_http_daemon *daemon);
/* Closes the listener and frees the pool, the lists of settings and the idempotency table. */
void sb_http_daemon_free(sb_http_daemon *daemon);

#endif
