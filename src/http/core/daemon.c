/* The listening socket, and libmicrohttpd on it: an epoll loop in each of a few threads, which suspend a connection
 * while a worker of the request pool has its request. */
#include "http/core/daemon.h"
#include "http/core/dispatch.h"
#include "http/core/receive.h"
#include "http/core/tls.h"

#include <sys/resource.h>

enum {
  SOCKET_THREADS = 2,
  CONNECTIONS_MAX = 12000, /* an idle one costs some kilobytes, so many of them do not keep others out */
  FILES_SPARE = 200,       /* descriptors that connections may not use up */
  CONNECTION_MEMORY = 64 << 10,
  IDLE_SECONDS = 30,          /* a connection that sends nothing for so long is closed */
  HEADER_MS = 60000,          /* headers must have arrived after so long, however slowly they trickle */
  CONNECTIONS_EACH_MAX = 512, /* of one customer, where other machines can connect */
  QUEUE_MAX = 256,            /* requests that wait for a worker; of those with photos fewer: request_pool.h */
};

/* ---- libmicrohttpd's callbacks */

/* The connection's headers are waited for, or have arrived. */
static void note_waiting(sb_http_daemon *daemon, struct MHD_Connection *connection, bool waits) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  if (info) sb_http_connections_wait(daemon->connections, info->socket_context, waits);
}

/* The first callback of a request, with its target as it was sent. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  (void)connection;
  return sb_http_exchange_new(context, target);
}

/* libmicrohttpd prescribes the eight parameters. Called when the headers have arrived, for each part of the body
 * (which it takes by setting *size to 0), when the body has ended, and after the connection was resumed. */
static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *size, void **state) {
  (void)url;
  sb_http_exchange *exchange = *state;
  if (!exchange) return MHD_NO; /* there was no memory for it when its line came */
  switch (exchange->phase) {
  case SB_HTTP_PHASE_LINE:
    note_waiting(context, connection, false);
    return sb_http_dispatch_headers(exchange, connection, method, version);
  case SB_HTTP_PHASE_BODY:
    if (*size) {
      bool go_on = sb_http_receive(exchange, bytes, *size);
      *size = 0;
      return go_on ? MHD_YES : MHD_NO;
    }
    return exchange->request.reply.status ? sb_http_reply_send(exchange) : sb_http_dispatch_body(exchange);
  case SB_HTTP_PHASE_REPLY: return sb_http_reply_send(exchange);
  case SB_HTTP_PHASE_WORK:
  case SB_HTTP_PHASE_REPLIED: return MHD_YES;
  }
  return MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  (void)code;
  note_waiting(context, connection, true);
  if (*state) sb_http_dispatch_completed(*state);
  *state = NULL;
}

/* A server that stops accepts no new connections. MHD_quiesce_daemon would see to it, too, but each of the library's
 * threads takes the socket out of its epoll set while the caller does the same, and the second one aborts the process
 * (0.9.75, 1.0.1). */
static enum MHD_Result may_connect(void *context, const struct sockaddr *address, socklen_t size) {
  (void)size;
  sb_http_daemon *daemon = context;
  if (atomic_load(&daemon->context->load.stopping)) return MHD_NO;
  return sb_http_connections_may_begin(daemon->connections, address) ? MHD_YES : MHD_NO;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code) {
  sb_http_daemon *daemon = context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    sb_http_connections_end(daemon->connections, *state);
    *state = NULL;
    return;
  }
  const union MHD_ConnectionInfo *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const union MHD_ConnectionInfo *socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  *state =
      sb_http_connections_begin(daemon->connections, peer ? peer->client_addr : NULL, socket ? socket->connect_fd : -1);
}

/* ---- Start and stop */

/* As many connections as the system lets this process have open, up to our own limit. */
static unsigned connection_limit(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files)) return 512;
  rlim_t wanted = CONNECTIONS_MAX + FILES_SPARE;
  if (files.rlim_cur < wanted) {
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur >= wanted) return CONNECTIONS_MAX;
  return files.rlim_cur > 2 * FILES_SPARE ? (unsigned)(files.rlim_cur - FILES_SPARE) : FILES_SPARE;
}

/* An address that other machines reach needs keys and TLS, unless --insecure says otherwise. */
static sb_status check_exposure(const sb_http_context *context, const sb_config *config, sb_error *error) {
  bool closed = false;
  sb_status status = sb_engine_access_required(context->engine, &closed, error);
  if (status != SB_OK || context->auth.loopback || config->insecure || (closed && context->tls.on)) return status;
  return sb_fail(
      error, SB_INVALID,
      "other machines can reach %s, which needs API keys (`semblance access add`, `semblance access password`; "
      "there are %s) and TLS (`semblance tls init`, or --tls-cert and --tls-key; it is %s), or --insecure",
      config->listen, closed ? "some" : "none", context->tls.on ? "on" : "off");
}

sb_status sb_http_daemon_start(sb_http_daemon *daemon, const sb_config *config, size_t workers, sb_error *error) {
  const sb_http_tls *tls = &daemon->context->tls;
  unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_ALLOW_UPGRADE;
  char priorities[] = SB_HTTP_TLS_PRIORITIES; /* the library wants it writable */
  const struct MHD_OptionItem secured[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, tls->certificate},
                                           {MHD_OPTION_HTTPS_MEM_KEY, 0, tls->private_key},
                                           {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
                                           {MHD_OPTION_END, 0, NULL}},
                              plain[] = {{MHD_OPTION_END, 0, NULL}};
  sb_status status = check_exposure(daemon->context, config, error);
  if (status != SB_OK) return status;
  status = sb_http_connections_new(daemon->context->auth.loopback ? 0 : CONNECTIONS_EACH_MAX, HEADER_MS,
                                   &daemon->context->proxies, &daemon->connections, error);
  if (status != SB_OK) return status;
  status = sb_http_request_pool_new(workers, QUEUE_MAX, sb_http_dispatch_perform, &daemon->context->pool, error);
  if (status != SB_OK) return status;
  if (tls->on) flags |= MHD_USE_TLS;
  daemon->mhd = MHD_start_daemon(flags, 0, may_connect, daemon, on_access, daemon, MHD_OPTION_LISTEN_SOCKET,
                                 daemon->listener->socket, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)SOCKET_THREADS,
                                 MHD_OPTION_CONNECTION_LIMIT, connection_limit(), MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                 MHD_OPTION_URI_LOG_CALLBACK, on_target, daemon, MHD_OPTION_NOTIFY_CONNECTION,
                                 on_connection, daemon, MHD_OPTION_NOTIFY_COMPLETED, on_completed, daemon,
                                 MHD_OPTION_ARRAY, tls->on ? secured : plain, MHD_OPTION_END);
  if (!daemon->mhd)
    return sb_fail(error, SB_IO, "cannot start the HTTP server%s",
                   tls->on ? ": its certificate and private key may not belong together" : "");
  daemon->listener->socket = 0; /* libmicrohttpd closes it */
  return SB_OK;
}

void sb_http_daemon_stop(sb_http_daemon *daemon) {
  if (!daemon->mhd) return;
  /* libmicrohttpd must not be stopped while connections are suspended, so the pool is closed first: it resumes them
   * all. Uploads that end meanwhile find it closed and get the answer that the server stops. */
  sb_http_request_pool_close(daemon->context->pool, sb_http_dispatch_refuse);
  MHD_stop_daemon(daemon->mhd);
}

void sb_http_daemon_free(sb_http_daemon *daemon) {
  if (daemon->listener) sb_http_listener_close(daemon->listener);
  sb_http_request_pool_free(daemon->context->pool);
  sb_http_idempotency_free(daemon->idempotency);
  sb_http_words_free(&daemon->origins);
  sb_http_words_free(&daemon->names);
  sb_http_connections_free(daemon->connections);
}
