/* The server: puts the parts together at the start, and takes them apart in order at the end. */
#include "camera/camera.h"
#include "http/core/camera_looks.h"
#include "http/core/daemon.h"
#include "http/core/event_follower.h"
#include "http/core/live_sessions.h"
#include "http/core/liveness_sessions.h"
#include "http/core/redirect.h"
#include "http/core/sse.h"
#include "http/core/tls.h"
#include "http/http.h"
#include "http/jobs/jobs.h"
#include "http/ops/metrics.h"
#include "http/ops/page.h"
#include "http/ops/retention.h"
#include "http/ops/timing.h"
#include "http/outbox/outbox.h"
#include "http/routes.h"

#include <stdlib.h>
#include <time.h>

enum { STOP_MS_MAX = 30000 };

struct sb_http_server {
  sb_http_context context;
  sb_http_daemon daemon;
  int port;
  sb_http_redirect *redirect; /* NULL: none */
  sb_http_retention *retention;
  sb_webhook_sender *sender; /* borrowed */
};

/* ---- Start */

/* Everything that the settings say. */
static sb_status read_settings(sb_http_server *server, const sb_config *config, sb_error *error) {
  sb_http_context *context = &server->context;
  context->configured = (sb_target){config->threshold, config->fmr, config->fpir};
  const sb_target saved = sb_engine_operating_point(context->engine);
  if (sb_operating_point_given(&saved) && sb_operating_point_given(&context->configured))
    sb_log(SB_LOG_WARNING, "--threshold, --fmr and --fpir have no effect: an admin saved another choice on the page");
  context->limits = (sb_http_limits){
      .body = (size_t)config->max_body, .import = (size_t)config->max_import, .slow_ms = (double)config->slow_ms};
  sb_status status = sb_http_route_dialects(&server->daemon.router, config->dialects, error);
  if (status != SB_OK) return status;
  if ((status = sb_http_checks_origins(&server->daemon.origins, config->cors, error)) != SB_OK) return status;
  if ((status = sb_http_checks_names(&server->daemon.names, config->server_names, error)) != SB_OK) return status;
  if ((status = sb_http_proxies_read(&context->proxies, config->trusted_proxy, error)) != SB_OK) return status;
  if ((status = sb_http_tls_load(&context->tls, config, error)) != SB_OK) return status;
  return (context->collection = sb_strdup(config->collection, error)) ? SB_OK : SB_NO_MEMORY;
}

/* The services that handlers use. */
static sb_status start_services(sb_http_server *server, const sb_config *config, int workers, sb_error *error) {
  sb_http_context *context = &server->context;
  sb_status status = sb_http_metrics_new(sb_http_routes, sb_http_route_count, &context->metrics, error);
  if (status != SB_OK) return status;
  if ((status = sb_http_idempotency_new(&server->daemon.idempotency, error)) != SB_OK) return status;
  if ((status = sb_http_sse_subscribers_new(&context->subscribers, error)) != SB_OK) return status;
  if ((status = sb_http_event_follower_new(context->engine, &context->event_follower, error)) != SB_OK) return status;
  if ((status = sb_http_live_sessions_new(&context->live_sessions, error)) != SB_OK) return status;
  if ((status = sb_http_camera_looks_new(&context->looks, error)) != SB_OK) return status;
  if ((status = sb_http_liveness_new(context->engine, &context->liveness, error)) != SB_OK) return status;
  if ((status = sb_http_sessions_new(context->engine, &context->auth.sessions, error)) != SB_OK) return status;
  if ((status = sb_http_login_throttle_new(&context->auth.throttle, error)) != SB_OK) return status;
  if ((status = sb_http_rate_limit_new((size_t)config->rate_limit, 60, &context->requests, error)) != SB_OK)
    return status;
  if ((status = sb_http_rate_limit_new((size_t)config->photo_limit, 86400, &context->photos, error)) != SB_OK)
    return status;
  if ((status = sb_http_outbox_start(context->engine, server->sender, config->webhook_retry_ms, &context->outbox,
                                     error)) != SB_OK)
    return status;
  if ((status = sb_http_retention_start(context->engine, config->event_days, &server->retention, error)) != SB_OK)
    return status;
  return sb_http_jobs_new(context->engine, workers, &context->jobs, error);
}

static sb_status start_cameras(sb_http_server *server, const sb_config *config, sb_video_launcher *launcher,
                               sb_error *error) {
  const sb_camera_watcher_options options = {.engine = server->context.engine,
                                             .launcher = launcher,
                                             .target = server->context.configured,
                                             .sandbox = config->contain,
                                             .thumbnails = config->thumbnails};
  return launcher ? sb_camera_watcher_start(&options, &server->context.cameras, error) : SB_OK;
}

static sb_status start(sb_http_server *server, const sb_config *config, sb_video_launcher *launcher, sb_error *error) {
  sb_engine_info info = {0};
  sb_status status = sb_engine_info_get(server->context.engine, &info, error);
  if (status != SB_OK) return status;
  if ((status = read_settings(server, config, error)) != SB_OK) return status;
  if ((status = start_services(server, config, info.workers, error)) != SB_OK) return status;
  if ((status = start_cameras(server, config, launcher, error)) != SB_OK) return status;
  if ((status = sb_http_daemon_start(&server->daemon, config, (size_t)info.workers + 2, error)) != SB_OK) return status;
  if (!server->context.tls.on || !server->daemon.listener->redirect) return SB_OK;
  return sb_http_redirect_start(server->daemon.listener, &server->redirect, error);
}

static void server_free(sb_http_server *server) {
  sb_http_context *context = &server->context;
  sb_camera_watcher_stop(context->cameras);
  sb_http_daemon_free(&server->daemon);
  sb_http_metrics_free(context->metrics);
  sb_http_jobs_free(context->jobs);
  sb_http_sse_subscribers_free(context->subscribers);
  sb_http_outbox_stop(context->outbox);
  sb_http_event_follower_free(context->event_follower);
  sb_http_live_sessions_free(context->live_sessions);
  sb_http_liveness_free(context->liveness);
  sb_http_camera_looks_free(context->looks);
  sb_http_retention_stop(server->retention);
  sb_http_login_throttle_free(context->auth.throttle);
  sb_http_rate_limit_free(context->requests);
  sb_http_rate_limit_free(context->photos);
  sb_http_sessions_free(context->auth.sessions);
  sb_http_tls_unload(&context->tls);
  sb_http_models_free(&context->models);
  free(context->collection);
  free(server);
}

sb_status sb_http_server_start(sb_engine *engine, const sb_config *config, sb_http_listener *listener,
                               sb_video_launcher *launcher, sb_webhook_sender *sender, sb_http_server **out,
                               sb_error *error) {
  sb_http_server *server = sb_alloc(1, sizeof *server, error);
  if (!server) return SB_NO_MEMORY;
  server->context.engine = engine;
  server->sender = sender;
  server->context.auth.loopback = listener->loopback;
  server->port = listener->port;
  server->daemon = (sb_http_daemon){
      .context = &server->context,
      .router = {.routes = sb_http_routes,
                 .route_count = sb_http_route_count,
                 .dialects = sb_http_dialects,
                 .dialect_count = sb_http_dialect_count,
                 .page = sb_http_page_reply},
      .completed = sb_http_timing_end,
      .listener = listener,
  };
  sb_http_models_init(&server->context.models, engine);
  sb_status status = start(server, config, launcher, error);
  if (status != SB_OK) {
    sb_http_daemon_stop(&server->daemon);
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

/* ---- Stop */

bool sb_http_server_stop(sb_http_server *server) {
  if (!server) return true;
  sb_http_load *load = &server->context.load;
  atomic_store(&load->stopping, true); /* from now on connections and requests are refused */
  sb_engine_cancel_waits(server->context.engine);
  sb_http_redirect_stop(server->redirect);
  if (!sb_http_live_sessions_stop(server->context.live_sessions, STOP_MS_MAX)) return false;
  double start_ms = sb_monotonic_ms();
  while (atomic_load(&load->begun) && sb_monotonic_ms() - start_ms < STOP_MS_MAX)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  sb_http_daemon_stop(&server->daemon);
  sb_http_models_join(&server->context.models);
  server_free(server);
  return true;
}
