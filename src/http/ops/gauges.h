/* The gauges of /metrics: the state of the server, the engine and the process. The counters of requests are
 * metrics.h. */
#ifndef SB_HTTP_OPS_GAUGES_H
#define SB_HTTP_OPS_GAUGES_H

#include "http/core/context.h"

/* Appends them in Prometheus' text format. */
sb_status sb_http_gauges_write(sb_http_context *context, sb_buffer *out, sb_error *error);
/* Resident memory of this process in bytes; 0 where /proc does not say. */
size_t sb_http_resident_bytes(void);

#endif
