/* How long a request took: into the metrics, the log, and, when it was slow, a line with the time of each lap. */
#ifndef SB_HTTP_OPS_TIMING_H
#define SB_HTTP_OPS_TIMING_H

#include "http/core/daemon.h"

/* The answer has gone. */
void sb_http_timing_end(const sb_http_request *request, const sb_http_times *times);

#endif
