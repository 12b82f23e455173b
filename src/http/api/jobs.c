/* /v1/jobs: long work that goes on when the client has gone. */
#include "http/jobs/jobs.h"
#include "http/api/handlers.h"
#include "http/jobs/events.h"

#include <string.h>

static void reply_job(sb_http_request *request, const char *id, unsigned status) {
  sb_error error = {0};
  json_t *job = NULL;
  if (sb_http_jobs_get(request->context->jobs, id, &job, NULL, NULL, &error) == SB_OK)
    sb_http_reply_json(request, status, job);
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_jobs_list(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:o}", "jobs", sb_http_jobs_list(request->context->jobs)));
}

/* Gives the job; the request's files go along. */
static void give(sb_http_request *request, sb_http_job_request *job, sb_status status, sb_error *error) {
  char id[SB_HTTP_JOB_ID + 1] = "";
  if (status == SB_OK) {
    job->bundle = request->bundle;
    request->bundle = NULL;
    status = sb_http_jobs_add(request->context->jobs, job, id, error);
  }
  if (status == SB_OK) {
    reply_job(request, id, 202);
  } else if (status == SB_BUSY) { /* this caller asks for too much: the server itself is well */
    sb_http_reply_refusal(request, 429, "busy", error->message);
    request->reply.retry = true;
  } else {
    sb_http_reply_error(request, error);
  }
}

static sb_status need_files(const sb_http_request *request, sb_error *error) {
  if (request->bundle && request->bundle->count) return SB_OK;
  return sb_fail(error, SB_INVALID, "there is no file: send photos, a ZIP or a CSV file as fields `file` of a form");
}

/* A collection that is not there is said now, not once for each photo. */
static sb_status need_collection(sb_http_request *request, const char *name, sb_error *error) {
  sb_people *people = NULL;
  const sb_list_request list = {.struct_size = sizeof list, .collection = name, .limit = 1};
  sb_status status = sb_engine_list(request->context->engine, &list, &people, error);
  sb_people_free(people);
  return status;
}

/* How strict the job is with its photos. */
static sb_status read_flags(sb_http_request *request, unsigned *out, sb_error *error) {
  static const char *const faces[] = {"all", "largest", NULL}, *const quality[] = {"good", "any", NULL};
  static const char *const duplicate[] = {"warn", "refuse", NULL};
  int chosen[3] = {0};
  sb_status status = sb_http_request_choice(request, "faces", faces, &chosen[0], error);
  if (status == SB_OK) status = sb_http_request_choice(request, "quality", quality, &chosen[1], error);
  if (status == SB_OK) status = sb_http_request_choice(request, "on_duplicate", duplicate, &chosen[2], error);
  *out = (chosen[0] == 1 ? SB_ENROLL_LARGEST : 0) | (chosen[1] == 1 ? SB_ENROLL_ANY_QUALITY : 0) |
         (chosen[2] == 1 ? SB_ENROLL_REFUSE_DUPLICATE : 0);
  return status;
}

void sb_http_handle_jobs_import(sb_http_request *request) {
  sb_error error = {0};
  sb_http_job_request job = {.kind = SB_HTTP_JOB_IMPORT};
  sb_status status = sb_http_request_collection(request, &job.collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "consent", &job.consent, &error);
  if (status == SB_OK) status = read_flags(request, &job.flags, &error);
  if (status == SB_OK) status = need_files(request, &error);
  if (status == SB_OK) status = need_collection(request, job.collection, &error);
  give(request, &job, status, &error);
}

void sb_http_handle_jobs_reembed(sb_http_request *request) {
  sb_error error = {0};
  sb_http_job_request job = {.kind = SB_HTTP_JOB_REEMBED};
  sb_status status = sb_http_request_collection(request, &job.collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "into", &job.into, &error);
  if (status == SB_OK && (!job.into || !*job.into || !strcmp(job.into, job.collection)))
    status = sb_fail(&error, SB_INVALID, "into is missing: it names another collection, made with the other model");
  if (status == SB_OK) status = read_flags(request, &job.flags, &error);
  if (status == SB_OK) status = need_files(request, &error);
  if (status == SB_OK) status = need_collection(request, job.collection, &error);
  if (status == SB_OK) status = need_collection(request, job.into, &error);
  give(request, &job, status, &error);
}

/* The model of a collection; "" where it has none yet. */
static sb_status model_of(sb_http_request *request, const char *collection, char model[64], sb_error *error) {
  sb_collection *list = NULL;
  size_t count = 0;
  sb_status status = sb_engine_collections(request->context->engine, &list, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (!strcmp(list[i].name, collection)) memcpy(model, list[i].model, sizeof list[i].model);
  sb_collections_free(list);
  return status;
}

void sb_http_handle_jobs_cluster(sb_http_request *request) {
  sb_error error = {0};
  char model[64] = "";
  sb_http_job_request job = {
      .kind = SB_HTTP_JOB_CLUSTER, .target = sb_http_operating_point(request->context), .model = model};
  sb_status status = sb_http_request_collection(request, &job.collection, &error);
  if (status == SB_OK) status = sb_http_request_operating_point(request, &job.target, &error);
  if (status == SB_OK) status = need_files(request, &error);
  if (status == SB_OK) status = need_collection(request, job.collection, &error);
  if (status == SB_OK) status = model_of(request, job.collection, model, &error);
  give(request, &job, status, &error);
}

void sb_http_handle_jobs_dedup(sb_http_request *request) {
  enum { PAIRS = 1000, PAIRS_MAX = 100000 };
  sb_error error = {0};
  sb_http_job_request job = {
      .kind = SB_HTTP_JOB_DEDUP, .target = sb_http_operating_point(request->context), .limit = PAIRS};
  sb_status status = sb_http_request_collection(request, &job.collection, &error);
  if (status == SB_OK) status = sb_http_request_operating_point(request, &job.target, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "limit", 1, PAIRS_MAX, &job.limit, &error);
  if (status == SB_OK) status = need_collection(request, job.collection, &error);
  give(request, &job, status, &error);
}

void sb_http_handle_job_result(sb_http_request *request) {
  sb_error error = {0};
  char *text = NULL;
  if (sb_http_jobs_result(request->context->jobs, request->path_parameters[0], &text, &error) == SB_OK)
    sb_http_reply_owned(request, 200, "application/json", text, strlen(text));
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_job_get(sb_http_request *request) {
  reply_job(request, request->path_parameters[0], 200);
}

static void order(sb_http_request *request, sb_http_job_order what) {
  sb_error error = {0};
  if (sb_http_jobs_order(request->context->jobs, request->path_parameters[0], what, &error) == SB_OK)
    reply_job(request, request->path_parameters[0], 200);
  else
    sb_http_reply_error(request, &error);
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
  if (sb_http_jobs_refused(request->context->jobs, request->path_parameters[0], &text, &error) == SB_OK) {
    sb_http_reply_owned(request, 200, "text/csv; charset=utf-8", text.bytes, text.size);
    request->reply.file = "attachment; filename=\"refused.csv\"";
    return;
  }
  sb_buffer_free(&text);
  sb_http_reply_error(request, &error);
}

void sb_http_handle_job_events(sb_http_request *request) {
  sb_error error = {0};
  json_t *job = NULL;
  if (sb_http_jobs_get(request->context->jobs, request->path_parameters[0], &job, NULL, NULL, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  json_decref(job);
  sb_http_reply_empty(request, 200);
  request->reply.type = "text/event-stream";
  request->reply.stream = sb_http_sse_response(request, request->path_parameters[0]);
  if (!request->reply.stream) sb_http_reply_error(request, &(sb_error){SB_NO_MEMORY, "out of memory"});
}
