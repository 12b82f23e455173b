/* The access log: one line a request, with its fields as JSON beside it; a second line for a slow one. Lines name the
 * route's pattern, never the address, which may hold ids of people. */
#include "http/ops/timing.h"
#include "http/ops/metrics.h"

#include <stdio.h>
#include <string.h>

enum { STAGES_TEXT = 512 };
static const double shown_from_ms = 0.05; /* shorter stages would read 0.0 */

/* "decode 11.2, detect 8.0", and the same as members of a JSON object. */
static void write_stages(const sb_stage_times *stages, char text[STAGES_TEXT], char members[STAGES_TEXT]) {
  size_t used = 0, length = 0;
  *text = *members = 0;
  for (int i = 0; i < SB_TIMED_COUNT; i++) {
    if (stages->ms[i] < shown_from_ms) continue;
    used += (size_t)snprintf(text + used, STAGES_TEXT - used, "%s%s %.1f", used ? ", " : "", sb_timed_stage_names[i],
                             stages->ms[i]);
    length += (size_t)snprintf(members + length, STAGES_TEXT - length, "%s\"%s\":%.1f", length ? "," : "",
                               sb_timed_stage_names[i], stages->ms[i]);
  }
}

/* The method if it is plain: a client may send any text as one. */
static const char *method_of(const sb_http_request *request) {
  return request->method[strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")] ? "?" : request->method;
}

static void log_slow(const sb_http_request *request, const sb_http_times *times, const char *fields) {
  char text[STAGES_TEXT], members[STAGES_TEXT], all[2 * STAGES_TEXT];
  write_stages(&times->stages, text, members);
  snprintf(all, sizeof all, "%s,\"slow\":true,\"stages\":{%s}", fields, members);
  sb_log_with(SB_LOG_WARNING, all, "slow: %s %s %u %.1f ms: %s", method_of(request), sb_http_route_label(request),
              request->reply.status, times->total_ms, text);
}

void sb_http_timing_end(const sb_http_request *request, const sb_http_times *times) {
  char fields[256];
  const sb_http_context *context = request->context;
  /* An answer that lasts for minutes says nothing about how fast the server is. */
  bool stream = sb_http_route_has(request->route, SB_HTTP_ROUTE_STREAM);
  bool slow = !stream && context->limits.slow_ms > 0 && times->total_ms > context->limits.slow_ms;
  sb_http_metrics_count(context->metrics, request, times, slow);
  /* Nothing here needs escaping: labels are those of the route table. */
  snprintf(fields, sizeof fields, "\"method\":\"%s\",\"route\":\"%s\",\"status\":%u,\"ms\":%.1f", method_of(request),
           sb_http_route_label(request), request->reply.status, times->total_ms);
  sb_log_request(request->id);
  sb_log_with(SB_LOG_INFO, fields, "%s %s %u %.1f ms", method_of(request), sb_http_route_label(request),
              request->reply.status, times->total_ms);
  if (slow) log_slow(request, times, fields);
  sb_log_request("");
}
