/* Reports how long a request took: to the metrics, to the log, and for a slow request with the time of each stage. */
#ifndef SB_HTTP_OPS_TIMING_H
#define SB_HTTP_OPS_TIMING_H

#include "http/core/daemon.h"

/* To be called when the answer has been sent. */
void sb_http_timing_end(const sb_http_request *request, const sb_http_times *times);

#endif
