/* What the parts of src/http/ share about the server. */
#ifndef SB_HTTP_CORE_SERVER_H
#define SB_HTTP_CORE_SERVER_H

#include "engine/engine.h"
#include "http/api/live.h"
#include "http/core/idempotency.h"
#include "http/core/request_pool.h"
#include "http/core/session.h"
#include "http/http.h"
#include "http/jobs/events.h"
#include "http/jobs/jobs.h"
#include "http/ops/metrics.h"
#include "http/ops/retention.h"

#include <microhttpd.h>
#include <stdatomic.h>

struct sb_http_server {
  sb_engine *engine; /* borrowed */
  char *collection;  /* where a request names none */
  sb_target target;  /* of the settings: where neither a request nor an admin names one */
  size_t max_body;   /* bytes of one request */
  size_t max_import; /* bytes of one import */
  unsigned dialects; /* SB_HTTP_ROUTE_DIALECTS that are on */
  char **cors;       /* origins of other sites that may use the API */
  size_t cors_count;
  sb_http_metrics *metrics;
  sb_http_idempotency *idempotency;
  sb_http_jobs *jobs;
  sb_http_sse_subscribers *subscribers;
  sb_http_live_sessions *live_sessions;
  double slow_ms; /* requests that take longer are told with the time of each lap; 0: none */
  bool loopback;  /* only this machine can connect */
  bool tls;
  char *certificate, *private_key; /* PEM; NULL without TLS */
  int64_t certificate_ends_ms;     /* 0: no TLS */
  struct MHD_Daemon *redirect;     /* plain HTTP that is sent on; NULL: none */
  sb_access *access;               /* keys and the admin's password */
  sb_http_sessions *sessions;      /* the admin's */
  sb_http_retention *timer;        /* erases whose time is over */
  int socket, port;
  struct MHD_Daemon *daemon;
  sb_http_request_pool *pool;
  pthread_t loader; /* loads the models in the background */
  bool loader_started;
  pthread_mutex_t lock; /* of the two that follow */
  sb_engine_state models;
  sb_error models_error; /* when models is SB_STATE_ERROR */
  atomic_bool stopping;
  atomic_size_t open;       /* requests whose headers have come and whose answer has not gone */
  atomic_size_t begun;      /* of those the ones that have come completely */
  atomic_size_t body_bytes; /* held for all requests */
};

/* Of the models; `error` (NULL allowed) says why when it is SB_STATE_ERROR. */
sb_engine_state sb_http_server_models(sb_http_server *server, sb_error *error);
/* How sure a match must be where a request does not say: what an admin chose, else what the settings say. */
sb_target sb_http_server_operating_point(sb_http_server *server);
const char *sb_http_server_models_word(sb_http_server *server); /* "pending", "loading", "ready", "error" */

#endif
