#include "http/ops/timing.h"
#include "http/core/route.h"

#include <stdio.h>
#include <string.h>

enum { STAGES_TEXT = 512 };
static const double told_from_ms = 0.05; /* shorter stages would read 0.0 */

/* "decode 11.2, detect 8.0", and the same as members of a JSON object. */
static void write_stages(const sb_stage_times *stages, char text[STAGES_TEXT], char members[STAGES_TEXT]) {
  size_t used = 0, length = 0;
  *text = *members = 0;
  for (int i = 0; i < SB_TIMED_COUNT; i++) {
    if (stages->ms[i] < told_from_ms) continue;
    used += (size_t)snprintf(text + used, STAGES_TEXT - used, "%s%s %.1f", used ? ", " : "", sb_timed_stage_names[i],
                             stages->ms[i]);
    length += (size_t)snprintf(members + length, STAGES_TEXT - length, "%s\"%s\":%.1f", length ? "," : "",
                               sb_timed_stage_names[i], stages->ms[i]);
  }
}

/* What the log may say of a method: a client may send any. */
static const char *method_of(const sb_http_request *request) {
  return request->method[strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")] ? "?" : request->method;
}

static void tell_slow(const sb_http_request *request, const char *fields, double ms) {
  char text[STAGES_TEXT], members[STAGES_TEXT], all[2 * STAGES_TEXT];
  write_stages(&request->stages, text, members);
  snprintf(all, sizeof all, "%s,\"slow\":true,\"stages\":{%s}", fields, members);
  sb_log_with(SB_LOG_WARNING, all, "slow: %s %s %u %.1f ms: %s", method_of(request), sb_http_route_label(request),
              request->reply.status, ms, text);
}

void sb_http_timing_end(sb_http_request *request) {
  char fields[256];
  sb_http_context *context = request->context;
  double ms = sb_monotonic_ms() - request->started_ms;
  /* An answer that goes on for minutes says nothing about how fast the server is. */
  bool went_on = request->route && request->route->flags & SB_HTTP_ROUTE_STREAM;
  bool slow = !went_on && context->limits.slow_ms > 0 && ms > context->limits.slow_ms;
  sb_http_metrics_count(context->metrics, request, went_on ? 0 : ms, slow);
  /* Nothing here needs escaping: labels stand in the route table. */
  snprintf(fields, sizeof fields, "\"method\":\"%s\",\"route\":\"%s\",\"status\":%u,\"ms\":%.1f", method_of(request),
           sb_http_route_label(request), request->reply.status, ms);
  sb_log_request(request->id);
  sb_log_with(SB_LOG_INFO, fields, "%s %s %u %.1f ms", method_of(request), sb_http_route_label(request),
              request->reply.status, ms);
  if (slow) tell_slow(request, fields, ms);
  sb_log_request("");
}
