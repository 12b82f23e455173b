/* Passes log lines to the sink. The sink is global; the request id is thread-local. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Written once at start, before threads exist; only read afterwards. */
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

static void emit(sb_log_level level, const char *fields, const char *format, va_list arguments) {
  char message[1024];
  if (!log_sink || level < log_least) return;
  vsnprintf(message, sizeof message, format, arguments);
  log_sink(log_context, &(sb_log_line){level, log_request, message, fields});
}

void sb_log(sb_log_level level, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  emit(level, "", format, arguments);
  va_end(arguments);
}

void sb_log_with(sb_log_level level, const char *fields, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  emit(level, fields, format, arguments);
  va_end(arguments);
}
