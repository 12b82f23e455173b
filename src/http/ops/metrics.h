/* Counters of requests: for /metrics (Prometheus) and for the page's charts. */
#ifndef SB_HTTP_OPS_METRICS_H
#define SB_HTTP_OPS_METRICS_H

#include "http/core/daemon.h"
#include "http/ops/prometheus.h"

/* Locked (counters are atomic). */
typedef struct sb_http_metrics sb_http_metrics;
/* Counters for each of the `count` routes, which must outlive them. */
sb_status sb_http_metrics_new(const sb_http_route *routes, size_t count, sb_http_metrics **out, sb_error *error);
void sb_http_metrics_free(sb_http_metrics *metrics);
/* An answer has been sent. `slow`: it took longer than --slow-ms. */
void sb_http_metrics_count(sb_http_metrics *metrics, const sb_http_request *request, const sb_http_times *times,
                           bool slow);

/* Counts a frame of the live channel as a search. */
void sb_http_metrics_count_frame(sb_http_metrics *metrics, double ms);
enum { SB_HTTP_METRICS_MINUTES = 60 };
/* One minute of the last hour. Latencies are upper bounds of histogram buckets; 0 where nothing was answered. */
typedef struct sb_http_metrics_minute {
  size_t requests, searches, errors; /* errors: statuses from 500 on, without 503 */
  double p50_ms, p99_ms;             /* of requests with a photo */
} sb_http_metrics_minute;
/* Oldest first; the last one is the current minute. */
void sb_http_metrics_hour(sb_http_metrics *metrics, sb_http_metrics_minute out[SB_HTTP_METRICS_MINUTES]);
double sb_http_metrics_uptime_s(const sb_http_metrics *metrics);
/* Appends the counters by route. */
void sb_http_metrics_write(sb_http_metrics *metrics, sb_http_prometheus *out);

#endif
