/* The way of a request through the server, phase by phase.
 *
 * Invariants: an exchange is counted in load.open from its headers until its answer has been sent, and in load.begun
 * from the moment when it has arrived completely: a server that stops answers those, and refuses the rest. A
 * connection is suspended exactly while its exchange is in the request pool, and resumed by the thread that takes it
 * out. */
#include "http/core/dispatch.h"
#include "http/core/auth.h"
#include "http/core/gzip.h"
#include "http/core/receive.h"

#include <string.h>

/* ---- Headers */

/* What is wrong with the request is replied to; then nothing further is done. */
static void begin(sb_http_exchange *exchange) {
  sb_http_request *request = &exchange->request;
  if (atomic_load(&request->context->load.stopping)) {
    sb_http_reply_error(request, &(sb_error){SB_STOPPING, "the server is shutting down"});
    return;
  }
  request->accepts_gzip = sb_http_gzip_accepted(request);
  if (!sb_http_checks_pass(exchange)) return;
  sb_http_route_find(&exchange->daemon->router, request);
  if (request->route && !request->reply.status && !sb_http_auth_pass(request)) return;
  sb_http_receive_announced(exchange);
  if (request->reply.status || !sb_http_exchange_query(exchange)) return;
  if (sb_http_route_has(request->route, SB_HTTP_ROUTE_BODY)) sb_http_receive_begin(exchange);
}

enum MHD_Result sb_http_dispatch_headers(sb_http_exchange *exchange, struct MHD_Connection *connection,
                                         const char *method, const char *version) {
  sb_http_request *request = &exchange->request;
  request->old = strcmp(version, "HTTP/1.1");
  request->connection = connection;
  exchange->phase = SB_HTTP_PHASE_BODY;
  atomic_fetch_add(&request->context->load.open, 1);
  strncpy(request->method, method, sizeof request->method - 1);
  begin(exchange);
  /* A reply that closes the connection is sent at once: the body is not waited for. */
  return request->reply.close ? sb_http_reply_send(exchange) : MHD_YES;
}

/* ---- Handlers. All this runs in a worker where the route wants one: parsing a body may take long, and a socket's
 * thread serves thousands of connections. */

static void need_models(sb_http_request *request) {
  sb_error error = {0};
  switch (sb_http_models_state(&request->context->models, &error)) {
  case SB_STATE_READY: return;
  case SB_STATE_PENDING:
  case SB_STATE_LOADING:
    sb_http_reply_refusal(request, 503, "loading", "the models are being loaded: try again in a second");
    request->reply.retry = true;
    return;
  case SB_STATE_ERROR: sb_http_reply_error(request, &error); return;
  }
}

/* Turns the body into fields and checks what can be checked without the handler. False: the request has its reply. */
static bool prepare(sb_http_exchange *exchange) {
  sb_error error = {0};
  sb_http_request *request = &exchange->request;
  unsigned flags = request->route->flags;
  if (sb_http_failed(request, sb_http_receive_end(exchange, &error), &error)) return false;
  if (!sb_http_auth_scope(request)) return false;
  if (flags & SB_HTTP_ROUTE_MODELS) need_models(request);
  if (request->reply.status) return false;
  return !(flags & SB_HTTP_ROUTE_IDEMPOTENT) || sb_http_idempotency_begin(exchange->daemon->idempotency, exchange);
}

/* Runs in the name of the caller, and notes how long each stage took. */
static void handle(sb_http_exchange *exchange) {
  sb_http_request *request = &exchange->request;
  exchange->stages.ms[SB_TIMED_RECEIVE] = exchange->complete_ms - exchange->started_ms;
  exchange->stages.ms[SB_TIMED_QUEUE] = sb_monotonic_ms() - exchange->complete_ms;
  if (!prepare(exchange)) return;
  sb_stage_timer_begin(&exchange->stages);
  sb_actor_set(request->principal.actor, request->principal.collection);
  request->route->handler(request);
  sb_actor_set(NULL, NULL);
  sb_stage_timer_end();
  sb_http_idempotency_end(exchange->daemon->idempotency, exchange);
  exchange->answered_ms = sb_monotonic_ms();
}

static void suspend(void *job) {
  sb_http_exchange *exchange = job;
  exchange->phase = SB_HTTP_PHASE_WORK;
  MHD_suspend_connection(exchange->request.connection);
}

static void resume(sb_http_exchange *exchange) {
  exchange->phase = SB_HTTP_PHASE_REPLY;
  MHD_resume_connection(exchange->request.connection);
}

void sb_http_dispatch_perform(void *job) {
  sb_http_exchange *exchange = job;
  sb_log_request(exchange->request.id);
  handle(exchange);
  sb_log_request("");
  resume(exchange);
}

void sb_http_dispatch_refuse(void *job) {
  sb_http_exchange *exchange = job;
  sb_http_reply_error(&exchange->request, &(sb_error){SB_STOPPING, "the server is shutting down"});
  resume(exchange);
}

/* ---- The body is complete */

enum MHD_Result sb_http_dispatch_body(sb_http_exchange *exchange) {
  sb_error error = {0};
  sb_http_request *request = &exchange->request;
  unsigned flags = request->route->flags;
  sb_http_exchange_begun(exchange);
  exchange->complete_ms = sb_monotonic_ms();
  if (!(flags & SB_HTTP_ROUTE_WORK)) {
    handle(exchange);
  } else {
    bool heavy = flags & SB_HTTP_ROUTE_MODELS;
    if (sb_http_request_pool_add(request->context->pool, exchange, heavy, suspend, &error) == SB_OK)
      return MHD_YES; /* from here on the exchange is the worker's */
    sb_http_reply_error(request, &error);
  }
  return sb_http_reply_send(exchange);
}

/* ---- The end */

void sb_http_dispatch_completed(sb_http_exchange *exchange) {
  sb_http_load *load = &exchange->request.context->load;
  if (exchange->phase != SB_HTTP_PHASE_LINE) {
    double now = sb_monotonic_ms();
    exchange->stages.ms[SB_TIMED_SEND] = exchange->answered_ms > 0 ? now - exchange->answered_ms : 0;
    const sb_http_times times = {now - exchange->started_ms, exchange->stages};
    exchange->daemon->completed(&exchange->request, &times);
    atomic_fetch_sub(&load->open, 1);
  }
  if (exchange->begun) atomic_fetch_sub(&load->begun, 1);
  sb_http_exchange_free(exchange);
}
