/* What the parts of src/http/ share about the server. */
#ifndef SB_HTTP_CORE_SERVER_H
#define SB_HTTP_CORE_SERVER_H

#include "http/api/live.h"
#include "http/core/context.h"
#include "http/core/idempotency.h"
#include "http/http.h"
#include "http/jobs/events.h"
#include "http/jobs/jobs.h"
#include "http/ops/metrics.h"
#include "http/ops/retention.h"

#include <microhttpd.h>

/* What the core needs besides to take a request in. */
struct sb_http_server {
  sb_http_context context;
  unsigned dialects; /* bit i: the router's dialect i is on */
  char **cors;       /* origins of other sites that may use the API */
  size_t cors_count;
  sb_http_idempotency *idempotency;
  struct MHD_Daemon *redirect; /* plain HTTP that is sent on; NULL: none */
  sb_http_retention *retention;
  int socket, port;
  struct MHD_Daemon *daemon;
};

#endif
