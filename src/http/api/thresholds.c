/* /v1/thresholds: how sure a match must be (the operating point): what is in force, what another choice would mean,
 * and the choice of an admin, which is stored with the gallery and comes before the server's settings. */
#include "http/api/handlers.h"
#include "http/core/params.h"
#include "json/results.h"
#include "json/write.h"

static json_t *rate_json(const sb_operating_point_meaning *meaning, double rate) {
  return meaning->measured ? sb_json_significant(rate, 3) : json_null();
}

static json_t *meaning_json(const sb_operating_point_meaning *m) {
  if (m->why.code != SB_OK) return json_null();
  return json_pack("{s:o,s:o,s:o,s:o,s:b,s:o,s:I,s:I}", "threshold", sb_json_rounded(m->threshold, 4), "unsure",
                   sb_json_rounded(m->unsure, 4), "verify_threshold", sb_json_rounded(m->verify, 4), "false_match_rate",
                   rate_json(m, m->fmr), "false_match_rate_is_bound", m->fmr_bound,
                   "false_positive_identification_rate", rate_json(m, m->fpir), "people", (json_int_t)m->people,
                   "faces", (json_int_t)m->faces);
}

/* Replies with the operating point in force, or with `asked` and what it would mean. */
static void reply(sb_http_params *p, const sb_target *asked) {
  sb_error error = {0};
  sb_http_request *request = p->request;
  sb_http_context *context = request->context;
  const sb_target saved = sb_engine_operating_point(context->engine), *configured = &context->configured;
  const sb_target *target = configured;
  const char *collection = sb_http_params_collection(p), *source = "default";
  if (sb_http_params_failed(p)) return;
  if (sb_operating_point_given(configured)) source = "configured";
  if (sb_operating_point_given(&saved)) target = &saved, source = "saved";
  if (sb_operating_point_given(asked)) target = asked, source = "asked";
  sb_operating_point_meaning meaning;
  sb_status status = sb_engine_operating_point_explain(context->engine, collection, target, &meaning, &error);
  if (sb_http_failed(request, status, &error)) return;
  /* A saved choice that this collection's model cannot keep is reported, so that the admin sees it and can take it
   * back. */
  if (target == asked && sb_http_failed(request, meaning.why.code, &meaning.why)) return;
  sb_http_reply_json(request, 200,
                     json_pack("{s:s,s:o,s:o,s:o,s:s,s:o}", "source", source, "target", sb_json_target(target), "saved",
                               sb_json_target(&saved), "configured", sb_json_target(configured), "collection",
                               collection, "meaning", meaning_json(&meaning)));
}

void sb_http_handle_thresholds_get(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  const sb_target asked = sb_http_params_operating_point(&p, (sb_target){0});
  if (!sb_http_params_failed(&p)) reply(&p, &asked);
}

static void save(sb_http_params *p, const sb_target *target) {
  sb_error error = {0};
  sb_status status = sb_engine_operating_point_set(p->request->context->engine, target, &error);
  if (!sb_http_failed(p->request, status, &error)) reply(p, &(sb_target){0});
}

void sb_http_handle_thresholds_set(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  const sb_target target = sb_http_params_operating_point(&p, (sb_target){0});
  if (!sb_operating_point_given(&target))
    sb_http_params_reject(&p, SB_INVALID, "give one of threshold, fmr and fpir, above 0; DELETE takes the choice back");
  if (!sb_http_params_failed(&p)) save(&p, &target);
}

void sb_http_handle_thresholds_reset(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  save(&p, &(sb_target){0});
}
