/* What handlers may use: the engine, the settings that a request can override, and the services of the server.
 *
 * One context a server, made before the first request and freed after the last one. Its plain members do not change
 * meanwhile; what changes is atomic or has a lock of its own, so handlers use the context from any thread. */
#ifndef SB_HTTP_CORE_CONTEXT_H
#define SB_HTTP_CORE_CONTEXT_H

#include "engine/engine.h"
#include "http/core/client_address.h"
#include "http/core/login_throttle.h"
#include "http/core/models.h"
#include "http/core/rate_limit.h"
#include "http/core/request_pool.h"
#include "http/core/session.h"
#include "http/core/tls.h"

#include <stdatomic.h>

struct sb_camera_watcher; /* camera/camera.h */

/* Services of higher layers. The core hands them on and never calls them. */
struct sb_http_jobs;            /* jobs/jobs.h */
struct sb_http_sse_subscribers; /* core/sse.h */
struct sb_http_metrics;         /* ops/metrics.h */
struct sb_http_live_sessions;   /* core/live_sessions.h */
struct sb_http_event_follower;  /* core/event_follower.h */
struct sb_http_outbox;          /* outbox/outbox.h */
struct sb_http_liveness;        /* core/liveness_sessions.h */

typedef struct sb_http_limits {
  size_t body;    /* bytes of one request (--max-body) */
  size_t import;  /* bytes of one import (--max-import) */
  double slow_ms; /* a request that takes longer is logged with its stage times; 0: none is (--slow-ms) */
} sb_http_limits;

typedef struct sb_http_auth {
  sb_http_sessions *sessions; /* of the admin on the page */
  sb_http_login_throttle *throttle;
  bool loopback; /* only this machine can connect */
} sb_http_auth;

/* How busy the server is, for /metrics and for the end of the process. */
typedef struct sb_http_load {
  atomic_bool stopping;
  atomic_size_t open;       /* requests whose headers have arrived and whose answer has not been sent */
  atomic_size_t begun;      /* of those the ones that have arrived completely: a server that stops finishes them */
  atomic_size_t body_bytes; /* of request bodies held in memory */
} sb_http_load;

typedef struct sb_http_context {
  sb_engine *engine;    /* borrowed */
  char *collection;     /* used where a request names none */
  sb_target configured; /* operating point of the settings: see sb_http_operating_point */
  sb_http_limits limits;
  sb_http_tls tls;
  sb_http_auth auth;
  sb_http_proxies proxies;               /* --trusted-proxy */
  sb_http_rate_limit *requests, *photos; /* --rate-limit, --photo-limit */
  sb_http_models models;
  sb_http_load load;
  sb_http_request_pool *pool;
  struct sb_http_metrics *metrics;
  struct sb_http_jobs *jobs;
  struct sb_http_sse_subscribers *subscribers;
  struct sb_http_live_sessions *live_sessions;
  struct sb_http_event_follower *event_follower;
  struct sb_http_outbox *outbox;
  struct sb_http_liveness *liveness;
  struct sb_http_camera_looks *looks;
  struct sb_camera_watcher *cameras; /* NULL: this server watches none */
} sb_http_context;

/* The operating point of a request that names none: what an admin saved on the page, else what the settings say. */
sb_target sb_http_operating_point(const sb_http_context *context);

#endif
