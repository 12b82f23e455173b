/* What the server says about itself. */
#include "http/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void sb_handle_health(sb_request *request) {
  sb_error error = {0}, cause = {0};
  sb_engine_info info = {0};
  sb_engine_state models = sb_server_models(request->server, &cause);
  if (sb_engine_info_get(request->server->engine, &info, &error) != SB_OK) {
    sb_reply_error(request, &error);
    return;
  }
  bool failed = models == SB_STATE_ERROR;
  json_t *body = json_pack("{s:s,s:s,s:I,s:I,s:s}", "status", failed ? "error" : "ok", "models",
                           sb_server_models_word(request->server), "people", (json_int_t)info.people, "faces",
                           (json_int_t)info.faces, "model", info.model);
  if (body && failed) json_object_set_new(body, "message", json_string(cause.message));
  if (body) json_object_set_new(body, "gallery", json_string(info.loading ? "loading" : "ready"));
  if (body && info.loading) json_object_set_new(body, "faces_loaded", json_integer((json_int_t)info.loaded));
  sb_reply_json(request, failed ? 503 : 200, body);
}

void sb_handle_version(sb_request *request) {
  sb_reply_json(request, 200, json_pack("{s:s,s:s}", "name", "semblance", "version", sb_version()));
}

/* Alive: it answers. */
void sb_handle_healthz(sb_request *request) {
  sb_reply_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

/* Ready: photos can be answered. */
void sb_handle_readyz(sb_request *request) {
  bool ready = sb_server_models(request->server, NULL) == SB_STATE_READY && !atomic_load(&request->server->stopping);
  sb_reply_json(request, ready ? 200 : 503,
                json_pack("{s:s}", "status", ready ? "ready" : sb_server_models_word(request->server)));
  request->reply.retry = !ready;
}

/* Bytes of memory that this process has in use; 0 where the system does not tell. */
static size_t resident_bytes(void) {
  unsigned long total = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  if (fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  fclose(file);
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static sb_status write_gauges(sb_server *server, sb_buffer *out, sb_error *error) {
  sb_engine_info info = {0};
  sb_engine_counts counts = {0};
  sb_status status = sb_engine_info_get(server->engine, &info, error);
  if (status == SB_OK) status = sb_engine_counts_get(server->engine, &counts, error);
  if (status != SB_OK) return status;
  const struct {
    const char *name, *help;
    double value;
  } gauges[] = {
      {"semblance_up_seconds", "Time since the server started.", sb_metrics_uptime_s(server->metrics)},
      {"semblance_ready", "1 when models and gallery are loaded.", sb_server_models(server, NULL) == SB_STATE_READY},
      {"semblance_people", "People in all collections.", (double)info.people},
      {"semblance_faces", "Templates in all collections.", (double)info.faces},
      {"semblance_index_bytes", "Memory of the search indexes.", (double)counts.index_bytes},
      {"semblance_index_age_seconds",
       "Time since the indexes were last in step with the database; a search sees to that first. -1: not yet, or none.",
       counts.index_age_ms < 0 ? -1 : counts.index_age_ms / 1000},
      {"semblance_live_channels", "Cameras that are connected.", (double)sb_lives_count(server->lives)},
      {"semblance_workers", "Photos that can be worked on at the same time.", info.workers},
      {"semblance_queue_waiting", "Requests that wait for a worker.", (double)sb_work_waiting(server->work)},
      {"semblance_requests_open", "Requests that have begun and are not answered.", (double)atomic_load(&server->open)},
      {"semblance_body_bytes", "Bytes held of requests' bodies.", (double)atomic_load(&server->body_bytes)},
      {"process_resident_memory_bytes", "Memory of the process.", (double)resident_bytes()},
  };
  for (size_t i = 0; i < sizeof gauges / sizeof *gauges && status == SB_OK; i++)
    status = sb_buffer_addf(out, error, "# HELP %s %s\n# TYPE %s gauge\n%s %.10g\n", gauges[i].name, gauges[i].help,
                            gauges[i].name, gauges[i].name, gauges[i].value);
  if (status == SB_OK)
    status =
        sb_buffer_addf(out, error,
                       "# HELP semblance_model_seconds_total Time that models ran, by kind, all workers together.\n"
                       "# TYPE semblance_model_seconds_total counter\n"
                       "# HELP semblance_model_runs_total Runs of models, by kind.\n"
                       "# TYPE semblance_model_runs_total counter\n");
  for (int i = 0; i < SB_MODEL_KINDS && status == SB_OK; i++)
    status = sb_buffer_addf(
        out, error, "semblance_model_seconds_total{model=\"%s\"} %.6f\nsemblance_model_runs_total{model=\"%s\"} %zu\n",
        counts.models[i].kind, counts.models[i].seconds, counts.models[i].kind, counts.models[i].runs);
  return status;
}

void sb_handle_metrics(sb_request *request) {
  sb_error error = {0};
  sb_buffer text = {0};
  sb_status status = write_gauges(request->server, &text, &error);
  if (status == SB_OK) status = sb_metrics_write(request->server->metrics, &text, &error);
  if (status == SB_OK) {
    sb_reply_owned(request, 200, "text/plain; version=0.0.4; charset=utf-8", text.bytes, text.size);
    return;
  }
  sb_buffer_free(&text);
  sb_reply_error(request, &error);
}

/* What usual false match rates mean as scores; those beyond the measurement are left out. */
static json_t *targets_of(sb_server *server) {
  static const double rates[] = {1e-3, 1e-4, 1e-5, 1e-6};
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    double threshold = 0;
    if (sb_engine_threshold(server->engine, &(sb_target){.fmr = rates[i]}, &threshold, NULL) == SB_OK)
      json_array_append_new(list, json_pack("{s:f,s:f}", "fmr", rates[i], "threshold", threshold));
  }
  return list;
}

/* For the page's charts: the hour by minutes, and the numbers that stand beside them. */
void sb_handle_stats(sb_request *request) {
  sb_error error = {0};
  sb_engine_info info = {0};
  sb_minute hour[SB_METRICS_MINUTES];
  sb_server *server = request->server;
  if (sb_engine_info_get(server->engine, &info, &error) != SB_OK) {
    sb_reply_error(request, &error);
    return;
  }
  sb_metrics_hour(server->metrics, hour);
  json_t *minutes = json_array();
  for (size_t i = 0; i < SB_METRICS_MINUTES; i++)
    json_array_append_new(minutes,
                          json_pack("{s:I,s:I,s:I,s:f,s:f}", "requests", (json_int_t)hour[i].requests, "searches",
                                    (json_int_t)hour[i].searches, "errors", (json_int_t)hour[i].errors, "p50_ms",
                                    hour[i].p50_ms, "p99_ms", hour[i].p99_ms));
  sb_reply_json(request, 200,
                json_pack("{s:s,s:f,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:f,s:f,s:o,s:o}", "version", sb_version(), "uptime_s",
                          sb_metrics_uptime_s(server->metrics), "people", (json_int_t)info.people, "faces",
                          (json_int_t)info.faces, "workers", (json_int_t)info.workers, "waiting",
                          (json_int_t)sb_work_waiting(server->work), "memory_bytes", (json_int_t)resident_bytes(),
                          "model", info.model, "dim", (json_int_t)info.dim, "threshold",
                          server->target.threshold > 0 ? server->target.threshold : info.threshold, "unsure",
                          info.unsure, "targets", targets_of(server), "minutes", minutes));
}

static void reply_file(sb_request *request, const char *path) {
  if (!sb_page_reply(request, path)) sb_reply_refusal(request, 404, "not_found", "the file is not part of this build");
}

void sb_handle_openapi_yaml(sb_request *request) {
  reply_file(request, "/v1/openapi.yaml");
}
void sb_handle_openapi_json(sb_request *request) {
  reply_file(request, "/v1/openapi.json");
}
void sb_handle_docs(sb_request *request) {
  reply_file(request, "/docs");
}
