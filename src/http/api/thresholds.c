/* How sure a match must be: what counts now, what a target would mean, and an admin's choice. */
#include "http/api/handlers.h"
#include "json/results.h"

#include <string.h>

static json_t *rate_json(const sb_operating_point_meaning *meaning, double rate) {
  return meaning->measured ? json_real(rate) : json_null();
}

static json_t *meaning_json(const sb_operating_point_meaning *m) {
  return json_pack("{s:f,s:f,s:f,s:o,s:b,s:o,s:I,s:I}", "threshold", m->threshold, "unsure", m->unsure,
                   "verify_threshold", m->verify, "false_match_rate", rate_json(m, m->fmr), "false_match_rate_is_bound",
                   m->fmr_bound, "false_positive_identification_rate", rate_json(m, m->fpir), "people",
                   (json_int_t)m->people, "faces", (json_int_t)m->faces);
}

/* What counts, or with `asked` what that would mean. */
static void reply(sb_http_request *request, const sb_target *asked) {
  sb_error error = {0};
  sb_http_context *context = request->context;
  const char *collection = NULL;
  const sb_target saved = sb_engine_operating_point(context->engine), *configured = &context->configured;
  const sb_target *target = asked && sb_operating_point_given(asked) ? asked
                            : sb_operating_point_given(&saved)       ? &saved
                                                                     : configured;
  const char *source = target == asked                        ? "asked"
                       : target == &saved                     ? "saved"
                       : sb_operating_point_given(configured) ? "configured"
                                                              : "default";
  sb_operating_point_meaning meaning;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK)
    status = sb_engine_operating_point_explain(context->engine, collection, target, &meaning, &error);
  /* A choice that this model cannot keep is told all the same: else nobody could take it back. */
  if (status == SB_OK && target == asked && meaning.why.code != SB_OK) status = (error = meaning.why).code;
  if (status != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  sb_http_reply_json(request, 200,
                     json_pack("{s:s,s:o,s:o,s:o,s:s,s:o}", "source", source, "target", sb_json_target(target), "saved",
                               sb_json_target(&saved), "configured", sb_json_target(configured), "collection",
                               collection, "meaning",
                               meaning.why.code == SB_OK ? meaning_json(&meaning) : json_null()));
}

void sb_http_handle_thresholds_get(sb_http_request *request) {
  sb_error error = {0};
  sb_target asked = {0};
  if (sb_http_request_operating_point(request, &asked, &error) == SB_OK)
    reply(request, &asked);
  else
    sb_http_reply_error(request, &error);
}

static void keep(sb_http_request *request, const sb_target *target) {
  sb_error error = {0};
  if (sb_engine_operating_point_set(request->context->engine, target, &error) == SB_OK)
    reply(request, NULL);
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_thresholds_set(sb_http_request *request) {
  sb_error error = {0};
  sb_target target = {0};
  sb_status status = sb_http_request_operating_point(request, &target, &error);
  if (status == SB_OK && !sb_operating_point_given(&target))
    status = sb_fail(&error, SB_INVALID, "give one of threshold, fmr and fpir, above 0; DELETE takes the choice back");
  if (status == SB_OK)
    keep(request, &target);
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_thresholds_reset(sb_http_request *request) {
  keep(request, &(sb_target){0});
}
