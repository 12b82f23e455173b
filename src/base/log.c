#include "base/base.h"

#include <stdio.h>
#include <string.h>

/* Set once at start, before threads; then read only. */
static sb_log_sink log_sink;
static void *log_context;
static sb_log_level log_least = SB_LOG_INFO;
static _Thread_local char log_request[32];

void sb_log_set(sb_log_sink sink, void *context, sb_log_level least) {
  log_sink = sink;
  log_context = context;
  log_least = least;
}

void sb_log_request(const char *request_id) {
  snprintf(log_request, sizeof log_request, "%s", request_id);
}

void sb_log(sb_log_level level, const char *format, ...) {
  if (!log_sink || level < log_least) return;
  char line[1024];
  int used = *log_request ? snprintf(line, sizeof line, "[%s] ", log_request) : 0;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
  va_end(arguments);
  log_sink(log_context, level, line);
}
