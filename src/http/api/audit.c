/* /v1/audit: the audit, newest first, and its signed head. */
#include "http/api/access_json.h"
#include "http/api/handlers.h"
#include "http/api/options.h"

static sb_status put_in_front(void *context, const sb_audit_entry *entry, sb_error *error) {
  if (!json_array_insert_new(context, 0, sb_http_audit_entry_json(entry))) return SB_OK;
  return sb_fail(error, SB_NO_MEMORY, "out of memory");
}

void sb_http_handle_audit_list(sb_http_request *request) {
  enum { LIMIT = 100, LIMIT_MAX = 1000 };
  sb_error error = {0};
  int64_t last = 0;
  sb_http_params p = sb_http_params_begin(request);
  int64_t before = (int64_t)sb_http_params_count(&p, "before", 1, SB_HTTP_OFFSET_MAX, 0);
  int64_t limit = (int64_t)sb_http_params_count(&p, "limit", 1, LIMIT_MAX, LIMIT);
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_audit_last(request->context->engine, &last, &error), &error)) return;
  int64_t end = before && before <= last ? before - 1 : last; /* number of the newest entry of the answer */
  int64_t after = end > limit ? end - limit : 0;
  json_t *entries = json_array();
  sb_status status = SB_OK;
  if (end > after)
    status = sb_engine_audit(request->context->engine, after, (size_t)(end - after), put_in_front, entries, &error);
  json_t *next = after ? json_integer((json_int_t)after + 1) : json_null();
  sb_http_reply_result(request, status, &error, 200,
                       json_pack("{s:o,s:I,s:o}", "entries", entries, "last", (json_int_t)last, "next_before", next));
}

/* Verifies the whole chain. */
void sb_http_handle_audit_head(sb_http_request *request) {
  sb_error error = {0};
  sb_audit_head head;
  if (sb_http_failed(request, sb_engine_audit_verify(request->context->engine, NULL, &head, &error), &error)) return;
  sb_http_reply_json(request, 200, sb_http_audit_head_json(&head));
}
