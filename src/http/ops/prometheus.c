#include "http/ops/prometheus.h"

#include <stdarg.h>
#include <stdio.h>

void sb_http_prometheus_add(sb_http_prometheus *out, const char *format, ...) {
  char line[512]; /* the longest sample names a route */
  va_list arguments;
  if (out->error.code != SB_OK) return;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= sizeof line)
    sb_fail(&out->error, SB_INTERNAL, "a line of the metrics is longer than %zu bytes", sizeof line);
  else
    sb_buffer_add(&out->text, line, (size_t)length, &out->error);
}

void sb_http_prometheus_metric(sb_http_prometheus *out, const char *name, const char *type, const char *help) {
  sb_http_prometheus_add(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}
