/* Fields of active liveness in answers and requests. */
#include "http/api/liveness_fields.h"

#include "json/write.h"

static const char *const states[] = {"running", "passed", "failed"};

json_t *sb_http_liveness_json(const sb_http_liveness_view *view) {
  const bool passed = view->state == SB_CHALLENGE_PASSED;
  return json_pack(
      "{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o}", "session", view->id, "state", states[view->state],
      "instruction", sb_challenge_move_name(view->instruction), "hint", sb_challenge_hint_name(view->hint), "reason",
      sb_challenge_reason_code(view->reason), "message", sb_challenge_reason_text(view->reason), "done",
      (json_int_t)view->done, "of", (json_int_t)SB_CHALLENGE_MOVES, "frames", (json_int_t)view->frames, "expires",
      sb_json_time(view->expires_ms), "seconds", passed ? sb_json_rounded(view->took_ms / 1000, 2) : json_null(),
      "token", *view->token ? json_string(view->token) : json_null());
}

bool sb_http_liveness_read(sb_http_params *p, sb_http_live_proof *out) {
  sb_error error = {0};
  const char *token = sb_http_params_text(p, "liveness");
  if (!token) return false;
  const sb_http_request *request = p->request;
  sb_status status = sb_http_liveness_take(request->context->liveness, &request->principal, token, out, &error);
  sb_http_params_check(p, status, &error);
  return status == SB_OK;
}
