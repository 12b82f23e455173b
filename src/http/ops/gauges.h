/* What /metrics tells of the state of things, beside the counts of metrics.h. */
#ifndef SB_HTTP_OPS_GAUGES_H
#define SB_HTTP_OPS_GAUGES_H

#include "http/core/context.h"

/* In Prometheus' text format. */
sb_status sb_http_gauges_write(sb_http_context *context, sb_buffer *out, sb_error *error);
/* Bytes of memory that this process has in use; 0 where the system does not tell. */
size_t sb_http_resident_bytes(void);

#endif
