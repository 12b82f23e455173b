/* The server's life: socket, daemon, background loading, graceful stop; and a request's way through its phases. */
#include "http/core/server.h"
#include "http/api/handlers.h"
#include "http/core/route.h"
#include "http/core/tls.h"
#include "http/ops/timing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  SOCKET_THREADS = 2,
  CONNECTIONS_MAX = 12000, /* idle ones cost some kilobytes each, so that many of them keep nobody out */
  FILES_SPARE = 200,       /* descriptors that connections may not use up */
  CONNECTION_MEMORY = 64 << 10,
  IDLE_SECONDS = 30, /* a connection that says nothing for so long is closed */
  QUEUE_MAX = 256,   /* requests that wait for a thread; of those with photos fewer: work.h */
  STOP_MS_MAX = 30000,
};

/* ---- The models' state */

sb_target sb_http_operating_point(const sb_http_context *context) {
  sb_target chosen = sb_engine_operating_point(context->engine);
  return sb_operating_point_given(&chosen) ? chosen : context->configured;
}

static bool models_are_there(sb_http_request *request) {
  sb_error error = {0};
  switch (sb_http_models_state(&request->context->models, &error)) {
  case SB_STATE_READY: return true;
  case SB_STATE_PENDING:
  case SB_STATE_LOADING:
    sb_http_reply_refusal(request, 503, "loading", "the models are being loaded: try again in a second");
    request->reply.retry = true;
    return false;
  case SB_STATE_ERROR: sb_http_reply_error(request, &error); return false;
  }
  return false;
}

/* ---- A request's way */

static void suspend(void *job) {
  sb_http_request *request = job;
  request->phase = SB_HTTP_PHASE_WORK;
  MHD_suspend_connection(request->connection);
}

static void resume(sb_http_request *request) {
  request->phase = SB_HTTP_PHASE_REPLY;
  MHD_resume_connection(request->connection);
}

/* In the name of who asks. */
static void handle(sb_http_request *request) {
  double now = sb_monotonic_ms();
  request->stages.ms[SB_TIMED_RECEIVE] = request->complete_ms - request->started_ms;
  request->stages.ms[SB_TIMED_QUEUE] = now - request->complete_ms;
  sb_stage_timer_begin(&request->stages);
  sb_actor_set(request->principal.actor, request->principal.collection);
  request->route->handler(request);
  sb_actor_set(NULL, NULL);
  sb_stage_timer_end();
  request->answered_ms = sb_monotonic_ms();
}

static void perform(void *job) {
  sb_http_request *request = job;
  sb_log_request(request->id);
  handle(request);
  sb_http_idempotency_end(request->server->idempotency, request);
  sb_log_request("");
  resume(request);
}

static void refuse(void *job) {
  sb_http_request *request = job;
  sb_http_reply_error(request, &(sb_error){SB_STOPPING, "the server is shutting down"});
  sb_http_idempotency_end(request->server->idempotency, request);
  resume(request);
}

/* The body is complete: the answer is made here, or by a worker. */
static enum MHD_Result body_ended(sb_http_request *request) {
  sb_error error = {0};
  sb_http_request_whole(request);
  request->complete_ms = sb_monotonic_ms();
  if (sb_http_request_finish(request, &error) != SB_OK) sb_http_reply_error(request, &error);
  if (!request->reply.status) sb_http_auth_scope(request);
  if (!request->reply.status && request->route->flags & SB_HTTP_ROUTE_MODELS) models_are_there(request);
  if (!request->reply.status && request->route->flags & SB_HTTP_ROUTE_WORK) {
    if (request->route->flags & SB_HTTP_ROUTE_IDEMPOTENT &&
        !sb_http_idempotency_begin(request->server->idempotency, request))
      return sb_http_reply_send(request);
    if (sb_http_request_pool_add(request->context->pool, request, request->route->flags & SB_HTTP_ROUTE_MODELS, suspend,
                                 &error) == SB_OK)
      return MHD_YES;
    sb_http_reply_error(request, &error);
    sb_http_idempotency_end(request->server->idempotency, request);
  }
  if (!request->reply.status) handle(request);
  return sb_http_reply_send(request);
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *size, void **state) {
  (void)context, (void)url, (void)version;
  sb_http_request *request = *state;
  if (!request) return MHD_NO; /* memory was out when its line came */
  switch (request->phase) {
  case SB_HTTP_PHASE_LINE:
    sb_http_request_begin(request, connection, method);
    /* A body that is too long is not waited for. */
    return request->reply.close ? sb_http_reply_send(request) : MHD_YES;
  case SB_HTTP_PHASE_BODY:
    if (*size) {
      bool go_on = sb_http_request_receive(request, bytes, *size);
      *size = 0;
      return go_on ? MHD_YES : MHD_NO;
    }
    return request->reply.status ? sb_http_reply_send(request) : body_ended(request);
  case SB_HTTP_PHASE_REPLY: return sb_http_reply_send(request);
  case SB_HTTP_PHASE_WORK:
  case SB_HTTP_PHASE_REPLIED: return MHD_YES;
  }
  return MHD_NO;
}

/* The first that is heard of a request: its target as it was sent. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  (void)connection;
  return sb_http_request_new(context, target);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  (void)connection, (void)code;
  sb_http_server *server = context;
  sb_http_request *request = *state;
  if (!request) return;
  if (request->phase != SB_HTTP_PHASE_LINE) {
    request->stages.ms[SB_TIMED_SEND] = request->answered_ms > 0 ? sb_monotonic_ms() - request->answered_ms : 0;
    sb_http_timing_end(request);
    atomic_fetch_sub(&server->context.load.open, 1);
  }
  if (request->begun) atomic_fetch_sub(&server->context.load.begun, 1);
  sb_http_request_free(request);
  *state = NULL;
}

/* ---- Opening */

static bool is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET)
    return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int bound_port(int listener) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &size)) return 0;
  return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                                             : ((struct sockaddr_in *)(void *)&address)->sin_port);
}

static sb_status listen_at(sb_http_server *server, const struct addrinfo *found, const sb_config *config,
                           sb_error *error) {
  int on = 1;
  server->context.auth.loopback = is_loopback(found->ai_addr);
  bool closed = false;
  sb_status status = sb_engine_access_required(server->context.engine, &closed, error);
  if (status != SB_OK) return status;
  if (!server->context.auth.loopback && !config->insecure && !(closed && server->context.tls.on)) {
    return sb_fail(
        error, SB_INVALID,
        "%s is reached by other machines: that needs keys (`semblance access add`, `semblance access password`; "
        "there are %s) and TLS (`semblance tls init`, or --tls-cert and --tls-key; it is %s), or --insecure",
        config->listen, closed ? "some" : "none", server->context.tls.on ? "on" : "off");
  }
  server->socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server->socket < 0) return sb_fail_errno(error, errno, "open a socket for", config->listen);
  setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(server->socket, found->ai_addr, found->ai_addrlen) || listen(server->socket, SOMAXCONN)) {
    int code = errno;
    if (code == EADDRINUSE)
      return sb_fail(error, SB_IO, "port %d is in use: another server runs there; choose another with --port",
                     (int)config->port);
    return sb_fail_errno(error, code, "listen on", config->listen);
  }
  server->port = bound_port(server->socket);
  return SB_OK;
}

static sb_status open_socket(sb_http_server *server, const sb_config *config, sb_error *error) {
  char port[16];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE}, *found = NULL;
  snprintf(port, sizeof port, "%d", (int)config->port);
  if (getaddrinfo(config->listen, port, &hints, &found) || !found)
    return sb_fail(error, SB_INVALID, "%s is no address of this machine", config->listen);
  sb_status status = listen_at(server, found, config, error);
  freeaddrinfo(found);
  return status;
}

/* As many connections as the system lets this process have open, up to the limit. */
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

/* Nobody new when the server stops. MHD_quiesce_daemon would see to it, too, but of the library's threads each takes the socket
 * out of its epoll set while the caller does the same, and who comes second aborts the process (0.9.75, 1.0.1). */
static enum MHD_Result may_connect(void *context, const struct sockaddr *address, socklen_t size) {
  (void)address, (void)size;
  sb_http_server *server = context;
  return atomic_load(&server->context.load.stopping) ? MHD_NO : MHD_YES;
}

static sb_status start_daemon(sb_http_server *server, sb_error *error) {
  unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_ALLOW_UPGRADE;
  char priorities[] = SB_HTTP_TLS_PRIORITIES; /* the library wants it writable */
  const struct MHD_OptionItem secured[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, server->context.tls.certificate},
                                           {MHD_OPTION_HTTPS_MEM_KEY, 0, server->context.tls.private_key},
                                           {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
                                           {MHD_OPTION_END, 0, NULL}},
                              plain[] = {{MHD_OPTION_END, 0, NULL}};
  if (server->context.tls.on) flags |= MHD_USE_TLS;
  server->daemon = MHD_start_daemon(
      flags, 0, may_connect, server, on_access, server, MHD_OPTION_LISTEN_SOCKET, server->socket,
      MHD_OPTION_THREAD_POOL_SIZE, (unsigned)SOCKET_THREADS, MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_NOTIFY_COMPLETED,
      on_completed, server, MHD_OPTION_ARRAY, server->context.tls.on ? secured : plain, MHD_OPTION_END);
  if (!server->daemon)
    return sb_fail(error, SB_IO, "the HTTP server could not be started%s",
                   server->context.tls.on ? ": its certificate and private key may not belong together" : "");
  server->socket = -1; /* the daemon closes it */
  return SB_OK;
}

/* A daemon with suspended connections must not be stopped, so all are resumed; uploads that end meanwhile hear that it stops. */
static void end_daemon(sb_http_server *server) {
  if (!server->daemon) return;
  sb_http_request_pool_close(server->context.pool, refuse);
  MHD_stop_daemon(server->daemon);
}

static void server_free(sb_http_server *server) {
  if (server->socket >= 0) close(server->socket);
  sb_http_request_pool_free(server->context.pool);
  sb_http_metrics_free(server->context.metrics);
  sb_http_idempotency_free(server->idempotency);
  sb_http_jobs_free(server->context.jobs);
  sb_http_sse_subscribers_free(server->context.subscribers);
  sb_http_live_sessions_free(server->context.live_sessions);
  sb_http_retention_stop(server->retention);
  sb_http_sessions_free(server->context.auth.sessions);
  sb_http_tls_unload(&server->context.tls);
  for (size_t i = 0; i < server->cors_count; i++) free(server->cors[i]);
  free(server->cors);
  sb_http_models_free(&server->context.models);
  free(server->context.collection);
  free(server);
}

/* "https://a.example,https://b.example:8443" */
static sb_status read_cors(sb_http_server *server, const char *words, sb_error *error) {
  while (*words) {
    size_t length = strcspn(words, ",");
    void *grown = server->cors;
    char *origin = strndup(words, length), *host = origin ? strstr(origin, "://") : NULL;
    if (!host || !host[3] || strchr(host + 3, '/') || strchr(origin, '*')) {
      free(origin);
      return sb_fail(error, SB_INVALID,
                     "--cors is a list of origins such as https://desk.example, ',' between, without '*'");
    }
    sb_status status = sb_grow(&grown, server->cors_count + 1, sizeof *server->cors, error);
    if (status != SB_OK) {
      free(origin);
      return status;
    }
    server->cors = grown;
    server->cors[server->cors_count++] = origin;
    words += length + (words[length] == ',');
  }
  return SB_OK;
}

/* What stands in the settings, and the parts that only need memory. */
static sb_status set_up(sb_http_server *server, const sb_config *config, sb_error *error) {
  server->context.configured = (sb_target){config->threshold, config->fmr, config->fpir};
  const sb_target chosen = sb_engine_operating_point(server->context.engine);
  if (sb_operating_point_given(&chosen) && sb_operating_point_given(&server->context.configured))
    sb_log(SB_LOG_WARNING, "--threshold, --fmr and --fpir do not count here: an admin chose otherwise on the page");
  server->context.limits.body = (size_t)config->max_body;
  server->context.limits.slow_ms = (double)config->slow_ms;
  server->context.limits.import = (size_t)config->max_import;
  sb_status status = sb_http_route_dialects(config->dialects, &server->dialects, error);
  if (status == SB_OK) status = read_cors(server, config->cors, error);
  if (status == SB_OK) status = sb_http_metrics_new(&server->context.metrics, error);
  if (status == SB_OK) status = sb_http_idempotency_new(&server->idempotency, error);
  if (status == SB_OK) status = sb_http_sse_subscribers_new(&server->context.subscribers, error);
  if (status == SB_OK) status = sb_http_live_sessions_new(&server->context.live_sessions, error);
  if (status == SB_OK) status = sb_http_tls_load(&server->context.tls, config, error);
  if (status == SB_OK) status = sb_http_sessions_new(&server->context.auth.sessions, error);
  if (status == SB_OK) status = sb_http_retention_start(server->context.engine, &server->retention, error);
  if (status == SB_OK && !(server->context.collection = sb_strdup(config->collection, error))) status = SB_NO_MEMORY;
  return status;
}

sb_status sb_http_server_start(sb_engine *engine, const sb_config *config, sb_http_server **out, sb_error *error) {
  sb_engine_info info = {0};
  sb_http_server *server = sb_alloc(1, sizeof *server, error);
  if (!server) return SB_NO_MEMORY;
  server->context.engine = engine;
  server->socket = -1;
  sb_http_models_init(&server->context.models, engine);
  sb_status status = sb_engine_info_get(engine, &info, error);
  if (status == SB_OK) status = set_up(server, config, error);
  if (status == SB_OK) status = sb_http_jobs_new(engine, info.workers, &server->context.jobs, error);
  if (status == SB_OK) status = open_socket(server, config, error);
  if (status == SB_OK)
    status = sb_http_request_pool_new((size_t)info.workers + 2, QUEUE_MAX, perform, &server->context.pool, error);
  if (status == SB_OK) status = start_daemon(server, error);
  if (status == SB_OK && server->context.tls.on && config->redirect_port)
    status = sb_http_redirect_start(server, (int)config->redirect_port, &server->redirect, error);
  if (status != SB_OK) {
    end_daemon(server);
    server_free(server);
    return status;
  }
  sb_http_models_load(&server->context.models);
  *out = server;
  return SB_OK;
}

bool sb_http_server_tls(const sb_http_server *server) {
  return server->context.tls.on;
}

int sb_http_server_port(const sb_http_server *server) {
  return server->port;
}

/* ---- Stopping */

void sb_http_server_stop(sb_http_server *server) {
  if (!server) return;
  atomic_store(&server->context.load.stopping, true); /* nobody new */
  sb_engine_cancel_waits(server->context.engine);
  sb_http_redirect_stop(server->redirect);
  sb_http_live_sessions_stop(server->context.live_sessions);
  double start = sb_monotonic_ms();
  while (atomic_load(&server->context.load.begun) && sb_monotonic_ms() - start < STOP_MS_MAX)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  end_daemon(server);
  sb_http_models_join(&server->context.models);
  server_free(server);
}
