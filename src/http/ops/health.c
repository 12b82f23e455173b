/* Routes that report the state of the server: health for people and load balancers, numbers for Prometheus and the
 * page. */
#include "http/ops/health.h"
#include "http/ops/gauges.h"
#include "http/ops/metrics.h"
#include "http/ops/page.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

/* How many people there are is nobody's business but of those who may see them. */
static bool may_know_counts(const sb_http_principal *caller) {
  return !*caller->collection && caller->roles & (SB_ROLE_READ | SB_ROLE_ADMIN);
}

static const char *liveness_word(sb_liveness_policy policy) {
  switch (policy) {
  case SB_LIVENESS_OFF: return "off";
  case SB_LIVENESS_WARN: return "warn";
  case SB_LIVENESS_PASSIVE: return "passive";
  case SB_LIVENESS_CHALLENGE: return "challenge";
  }
  return "off";
}

/* The names of the estimates that enrolments may store. */
static json_t *estimates_json(unsigned forbidden) {
  json_t *list = json_array();
  const char *name;
  unsigned flag = 0;
  for (size_t i = 0; (name = sb_engine_estimate_name(i, &flag)) != NULL; i++)
    if (!(forbidden & flag)) sb_json_append(&list, json_string(name));
  return list;
}

void sb_http_handle_health(sb_http_request *request) {
  sb_error error = {0}, cause = {0};
  sb_engine_info info = {0};
  sb_engine_state models = sb_http_models_state(&request->context->models, &cause);
  if (sb_http_failed(request, sb_engine_info_get(request->context->engine, &info, &error), &error)) return;
  bool failed = models == SB_STATE_ERROR;
  bool counts = may_know_counts(&request->principal);
  json_t *body = json_pack("{s:s,s:s}", "status", failed ? "error" : "ok", "models",
                           sb_http_models_word(&request->context->models));
  if (body && counts) json_object_set_new(body, "people", json_integer((json_int_t)info.people));
  if (body && counts) json_object_set_new(body, "faces", json_integer((json_int_t)info.faces));
  if (body && counts) json_object_set_new(body, "model", json_string(info.model));
  if (body && counts) json_object_set_new(body, "collection", json_string(request->context->collection));
  if (body && failed && counts) json_object_set_new(body, "message", json_string(cause.message));
  /* The gallery is loaded after the models, so until they are ready its faces cannot be searched either. */
  bool loading = info.loading || models == SB_STATE_PENDING || models == SB_STATE_LOADING;
  if (body) json_object_set_new(body, "gallery", json_string(loading ? "loading" : "ready"));
  if (body) json_object_set_new(body, "thumbnails", json_boolean(info.thumbnails));
  if (body) json_object_set_new(body, "liveness", json_string(liveness_word(info.liveness)));
  if (body) json_object_set_new(body, "estimates", estimates_json(info.no_estimates));
  if (body && loading && counts) json_object_set_new(body, "faces_loaded", json_integer((json_int_t)info.loaded));
  sb_http_reply_json(request, failed ? 503 : 200, body);
}

void sb_http_handle_version(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s,s:s}", "name", "semblance", "version", sb_version()));
}

/* Liveness: the process answers. */
void sb_http_handle_healthz(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

/* Readiness: a photo sent now is answered. */
void sb_http_handle_readyz(sb_http_request *request) {
  bool ready = sb_http_models_state(&request->context->models, NULL) == SB_STATE_READY &&
               !atomic_load(&request->context->load.stopping);
  sb_http_reply_json(request, ready ? 200 : 503,
                     json_pack("{s:s}", "status", ready ? "ready" : sb_http_models_word(&request->context->models)));
  request->reply.retry = !ready;
}

void sb_http_handle_metrics(sb_http_request *request) {
  sb_http_prometheus out = {0};
  sb_http_gauges_write(request->context, &out);
  sb_http_metrics_write(request->context->metrics, &out);
  if (sb_http_failed(request, out.error.code, &out.error))
    sb_buffer_free(&out.text);
  else
    sb_http_reply_owned(request, 200, "text/plain; version=0.0.4; charset=utf-8", out.text.bytes, out.text.size);
}

/* The scores that usual false match rates mean for this model; rates beyond the model's measurement are left out. */
static json_t *targets_of(sb_http_context *context) {
  static const double rates[] = {1e-3, 1e-4, 1e-5, 1e-6};
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    double threshold = 0;
    if (sb_engine_threshold(context->engine, &(sb_target){.fmr = rates[i]}, &threshold, NULL) == SB_OK)
      json_array_append_new(list, json_pack("{s:f,s:o}", "fmr", rates[i], "threshold", sb_json_rounded(threshold, 4)));
  }
  return list;
}

/* Where faces are compared, in memory or in the database, and the measured recall of the database's HNSW indexes. */
static json_t *search_of(const sb_engine_counts *counts) {
  const char *by = counts->search_remotely ? "database" : "memory";
  if (!counts->hnsw) return json_pack("{s:s}", "by", by);
  json_t *recall = counts->hnsw_recall < 0 ? json_null() : sb_json_rounded(counts->hnsw_recall, 4);
  return json_pack("{s:s,s:i,s:I,s:o}", "by", by, "hnsw", counts->hnsw, "hnsw_collections",
                   (json_int_t)counts->hnsw_collections, "hnsw_recall", recall);
}

/* For the page's charts: the last hour by minutes, and the current numbers. */
void sb_http_handle_stats(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_info info = {0};
  sb_engine_counts counts = {0};
  sb_http_metrics_minute hour[SB_HTTP_METRICS_MINUTES];
  sb_http_context *context = request->context;
  if (sb_engine_info_get(context->engine, &info, &error) != SB_OK ||
      sb_engine_counts_get(context->engine, &counts, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  const sb_target target = sb_http_operating_point(context);
  sb_operating_point_meaning meaning = {0};
  if (info.loading || /* then the store is busy, and the engine's own values do */
      sb_engine_operating_point_explain(context->engine, context->collection, &target, &meaning, NULL) != SB_OK ||
      meaning.why.code != SB_OK)
    meaning = (sb_operating_point_meaning){.threshold = info.threshold, .unsure = info.unsure};
  sb_http_metrics_hour(context->metrics, hour);
  json_t *minutes = json_array();
  for (size_t i = 0; i < SB_HTTP_METRICS_MINUTES; i++)
    json_array_append_new(minutes,
                          json_pack("{s:I,s:I,s:I,s:o,s:o}", "requests", (json_int_t)hour[i].requests, "searches",
                                    (json_int_t)hour[i].searches, "errors", (json_int_t)hour[i].errors, "p50_ms",
                                    sb_json_rounded(hour[i].p50_ms, 2), "p99_ms", sb_json_rounded(hour[i].p99_ms, 2)));
  sb_http_reply_json(
      request, 200,
      json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "version", sb_version(), "uptime_s",
                sb_json_rounded(sb_http_metrics_uptime_s(context->metrics), 3), "people", (json_int_t)info.people,
                "faces", (json_int_t)info.faces, "workers", (json_int_t)info.workers, "waiting",
                (json_int_t)sb_http_request_pool_waiting(context->pool), "memory_bytes",
                (json_int_t)sb_http_resident_bytes(), "model", info.model, "dim", (json_int_t)info.dim, "threshold",
                sb_json_rounded(meaning.threshold, 4), "unsure", sb_json_rounded(meaning.unsure, 4), "targets",
                targets_of(context), "search", search_of(&counts), "minutes", minutes));
}

static void reply_file(sb_http_request *request, const char *path) {
  if (!sb_http_page_reply(request, path))
    sb_http_reply_refusal(request, 404, "not_found", "the file is not part of this build");
}

void sb_http_handle_openapi_yaml(sb_http_request *request) {
  reply_file(request, "/v1/openapi.yaml");
}
void sb_http_handle_openapi_json(sb_http_request *request) {
  reply_file(request, "/v1/openapi.json");
}
void sb_http_handle_docs(sb_http_request *request) {
  reply_file(request, "/docs");
}
