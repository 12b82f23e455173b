/* Writing metrics in Prometheus' text format (version 0.0.4), with a sticky error: after the first failure nothing
 * more is written, and the caller checks once. */
#ifndef SB_HTTP_OPS_PROMETHEUS_H
#define SB_HTTP_OPS_PROMETHEUS_H

#include "base/base.h"

/* Zero-initialise. One thread. */
typedef struct sb_http_prometheus {
  sb_buffer text;
  sb_error error; /* code SB_OK: everything was written */
} sb_http_prometheus;

/* The lines HELP and TYPE ("counter", "gauge", "histogram") of a metric, before its samples. */
void sb_http_prometheus_metric(sb_http_prometheus *out, const char *name, const char *type, const char *help);
/* Samples, such as "name{label=\"value\"} 1\n". */
void sb_http_prometheus_add(sb_http_prometheus *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
