/* The gauges of /metrics: the state of the server, the engine and the process. The counters of requests are
 * metrics.h. */
#ifndef SB_HTTP_OPS_GAUGES_H
#define SB_HTTP_OPS_GAUGES_H

#include "http/core/context.h"
#include "http/ops/prometheus.h"

/* Appends them. */
void sb_http_gauges_write(sb_http_context *context, sb_http_prometheus *out);
/* Resident memory of this process in bytes; 0 where /proc does not say. */
size_t sb_http_resident_bytes(void);

#endif
