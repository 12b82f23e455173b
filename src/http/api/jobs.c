/* /v1/jobs: long work that continues without the client: imports, moves to another model, clustering,
 * duplicates. */
#include "http/jobs/jobs.h"
#include "http/api/handlers.h"
#include "http/api/options.h"
#include "http/core/sse.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reply_job(sb_http_request *request, const char *id, unsigned status) {
  sb_error error = {0};
  json_t *job = NULL;
  if (sb_http_failed(
          request, sb_http_jobs_get(request->context->jobs, &request->principal, id, &job, NULL, NULL, &error), &error))
    return;
  sb_http_reply_json(request, status, job);
}

void sb_http_handle_jobs_list(sb_http_request *request) {
  sb_http_reply_json(request, 200,
                     json_pack("{s:o}", "jobs", sb_http_jobs_list(request->context->jobs, &request->principal)));
}

/* ---- Adding a job */

static void need_files(sb_http_params *p) {
  const sb_import *bundle = p->request->bundle;
  if (!bundle || !bundle->count)
    sb_http_params_reject(p, SB_INVALID, "file is missing: send photos, a ZIP archive or a CSV file as fields `file`");
}

/* A collection that does not exist is an error now, and not once for each photo. */
static void need_collection(sb_http_params *p, const char *name) {
  sb_error error = {0};
  if (p->error.code != SB_OK) return;
  sb_http_params_check(p, sb_engine_collection_check(p->request->context->engine, name, &error), &error);
}

/* Adds the job unless a field was wrong, and hands the request's files over to it. */
static void add(sb_http_params *p, sb_http_job_request *job) {
  sb_error error = {0};
  char id[SB_HTTP_JOB_ID + 1] = "";
  sb_http_request *request = p->request;
  if (sb_http_params_failed(p)) return;
  job->bundle = request->bundle;
  request->bundle = NULL;
  sb_status status = sb_http_jobs_add(request->context->jobs, job, id, &error);
  if (status == SB_BUSY) { /* this caller asks for too much; the server itself is well, so this is not a 503 */
    sb_http_reply_refusal(request, 429, "busy", error.message);
    request->reply.retry = true;
  } else if (!sb_http_failed(request, status, &error)) {
    reply_job(request, id, 202);
  }
}

void sb_http_handle_jobs_import(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  sb_http_job_request job = {.kind = SB_HTTP_JOB_IMPORT, .collection = sb_http_params_collection(&p)};
  job.consent = sb_http_params_text(&p, "consent");
  job.flags = sb_http_options_enroll(&p);
  job.preview = sb_http_options_flag(&p, "preview");
  need_files(&p);
  need_collection(&p, job.collection);
  add(&p, &job);
}

void sb_http_handle_jobs_reembed(sb_http_request *request) {
  static const char meaning[] = "the name of another collection, made with the other model";
  sb_http_params p = sb_http_params_begin(request);
  sb_http_job_request job = {.kind = SB_HTTP_JOB_REEMBED, .collection = sb_http_params_collection(&p)};
  job.into = sb_http_params_required(&p, "into", meaning);
  if (p.error.code == SB_OK && (!*job.into || !strcmp(job.into, job.collection)))
    sb_http_params_reject(&p, SB_INVALID, "into is missing: %s", meaning);
  job.flags = sb_http_options_enroll(&p);
  need_files(&p);
  need_collection(&p, job.collection);
  need_collection(&p, job.into);
  add(&p, &job);
}

void sb_http_handle_jobs_cluster(sb_http_request *request) {
  sb_error error = {0};
  char model[64] = "";
  sb_http_params p = sb_http_params_begin(request);
  sb_http_job_request job = {.kind = SB_HTTP_JOB_CLUSTER, .collection = sb_http_params_collection(&p), .model = model};
  job.target = sb_http_params_operating_point(&p, sb_http_operating_point(request->context));
  job.collages = sb_http_options_flag(&p, "collages");
  need_files(&p);
  if (p.error.code == SB_OK)
    sb_http_params_check(&p, sb_engine_collection_model(request->context->engine, job.collection, model, &error),
                         &error);
  add(&p, &job);
}

void sb_http_handle_jobs_dedup(sb_http_request *request) {
  enum { PAIRS = 1000, PAIRS_MAX = 100000 };
  sb_http_params p = sb_http_params_begin(request);
  sb_http_job_request job = {.kind = SB_HTTP_JOB_DEDUP, .collection = sb_http_params_collection(&p)};
  job.target = sb_http_params_operating_point(&p, sb_http_operating_point(request->context));
  job.limit = sb_http_params_count(&p, "limit", 1, PAIRS_MAX, PAIRS);
  need_collection(&p, job.collection);
  add(&p, &job);
}

/* ---- One job */

void sb_http_handle_job_get(sb_http_request *request) {
  reply_job(request, request->path_parameters[0], 200);
}

void sb_http_handle_job_result(sb_http_request *request) {
  sb_error error = {0};
  char *text = NULL;
  sb_status status =
      sb_http_jobs_result(request->context->jobs, &request->principal, request->path_parameters[0], &text, &error);
  if (!sb_http_failed(request, status, &error))
    sb_http_reply_owned(request, 200, "application/json", text, strlen(text));
}

static void order(sb_http_request *request, sb_http_job_order what) {
  sb_error error = {0};
  const char *id = request->path_parameters[0];
  if (!sb_http_failed(request, sb_http_jobs_order(request->context->jobs, &request->principal, id, what, &error),
                      &error))
    reply_job(request, id, 200);
}

void sb_http_handle_job_pause(sb_http_request *request) {
  order(request, SB_HTTP_JOB_PAUSE);
}

void sb_http_handle_job_resume(sb_http_request *request) {
  order(request, SB_HTTP_JOB_RESUME);
}

void sb_http_handle_job_cancel(sb_http_request *request) {
  order(request, SB_HTTP_JOB_CANCEL);
}

void sb_http_handle_job_refused(sb_http_request *request) {
  sb_error error = {0};
  sb_buffer text = {0};
  sb_status status =
      sb_http_jobs_refused(request->context->jobs, &request->principal, request->path_parameters[0], &text, &error);
  if (sb_http_failed(request, status, &error)) {
    sb_buffer_free(&text);
    return;
  }
  sb_http_reply_owned(request, 200, "text/csv; charset=utf-8", text.bytes, text.size);
  request->reply.file = "attachment; filename=\"refused.csv\"";
}

/* ---- Progress of a job as server-sent events: one for each change, `end` for the last */

typedef struct job_progress {
  struct sb_http_jobs *jobs;
  sb_http_principal principal;
  char job[SB_HTTP_JOB_ID + 1];
  bool begun;
  uint64_t version;
} job_progress;

static sb_http_sse_news next_progress(void *state, char **text) {
  job_progress *progress = state;
  json_t *json = NULL;
  uint64_t version = 0;
  bool ended = false;
  if (sb_http_jobs_get(progress->jobs, &progress->principal, progress->job, &json, &version, &ended, NULL) != SB_OK)
    return SB_HTTP_SSE_END;
  bool news = !progress->begun || version != progress->version;
  char *body = news ? sb_json_write(json) : NULL;
  json_decref(json);
  if (!news) return SB_HTTP_SSE_NOTHING;
  progress->begun = true;
  progress->version = version;
  if (!body || asprintf(text, "event: %s\ndata: %s\n\n", ended ? "end" : "progress", body) < 0) *text = NULL;
  free(body);
  if (!*text) return SB_HTTP_SSE_END;
  return ended ? SB_HTTP_SSE_LAST : SB_HTTP_SSE_TEXT;
}

static void release_progress(void *state) {
  job_progress *progress = state;
  sb_wipe(progress, sizeof *progress);
  free(progress);
}

void sb_http_handle_job_events(sb_http_request *request) {
  sb_error error = {0};
  json_t *job = NULL;
  const char *id = request->path_parameters[0];
  if (sb_http_failed(
          request, sb_http_jobs_get(request->context->jobs, &request->principal, id, &job, NULL, NULL, &error), &error))
    return;
  json_decref(job);
  job_progress *progress = sb_alloc(1, sizeof *progress, &error);
  if (sb_http_failed(request, progress ? SB_OK : SB_NO_MEMORY, &error)) return;
  *progress = (job_progress){.jobs = request->context->jobs, .principal = request->principal};
  snprintf(progress->job, sizeof progress->job, "%s", id);
  sb_http_sse_reply(request, (sb_http_sse_source){progress, next_progress, release_progress});
}
