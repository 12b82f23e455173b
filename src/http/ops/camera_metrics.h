/* The metrics of the cameras that the server watches. Names and help texts are read by monitoring: a renamed one breaks
 * dashboards. */
#ifndef SB_HTTP_OPS_CAMERA_METRICS_H
#define SB_HTTP_OPS_CAMERA_METRICS_H

#include "http/core/context.h"
#include "http/ops/prometheus.h"

void sb_http_camera_metrics_write(const sb_http_context *context, sb_http_prometheus *out);

#endif
