/* /v1/jobs: imports that go on when the page is closed. */
#include "http/handlers.h"
#include "http/jobs.h"
#include "http/route.h"

#include <string.h>

static void reply_job(sb_request *request, const char *id, unsigned status) {
  sb_error error = {0};
  json_t *job = NULL;
  if (sb_jobs_get(request->server->jobs, id, &job, NULL, NULL, &error) == SB_OK)
    sb_reply_json(request, status, job);
  else
    sb_reply_error(request, &error);
}

void sb_handle_jobs_list(sb_request *request) {
  sb_reply_json(request, 200, json_pack("{s:o}", "jobs", sb_jobs_list(request->server->jobs)));
}

void sb_handle_jobs_import(sb_request *request) {
  static const char *const faces[] = {"all", "largest", NULL}, *const quality[] = {"good", "any", NULL};
  static const char *const duplicate[] = {"warn", "refuse", NULL};
  sb_error error = {0};
  const char *collection = NULL, *consent = NULL;
  char id[SB_JOB_ID + 1] = "";
  int chosen[3] = {0};
  sb_status status = sb_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_request_text(request, "consent", &consent, &error);
  if (status == SB_OK) status = sb_request_choice(request, "faces", faces, &chosen[0], &error);
  if (status == SB_OK) status = sb_request_choice(request, "quality", quality, &chosen[1], &error);
  if (status == SB_OK) status = sb_request_choice(request, "on_duplicate", duplicate, &chosen[2], &error);
  if (status == SB_OK && (!request->cargo || !request->cargo->count))
    status =
        sb_fail(&error, SB_INVALID, "there is no file: send photos, a ZIP or a CSV file as fields `file` of a form");
  /* A collection that is not there is said now, not once for each photo. */
  sb_people *people = NULL;
  sb_list_request list = {.struct_size = sizeof list, .collection = collection, .limit = 1};
  if (status == SB_OK) status = sb_engine_list(request->server->engine, &list, &people, &error);
  sb_people_free(people);
  unsigned flags = (chosen[0] == 1 ? SB_ENROLL_LARGEST : 0) | (chosen[1] == 1 ? SB_ENROLL_ANY_QUALITY : 0) |
                   (chosen[2] == 1 ? SB_ENROLL_REFUSE_DUPLICATE : 0);
  if (status == SB_OK) {
    sb_cargo *cargo = request->cargo;
    request->cargo = NULL;
    status = sb_jobs_import(request->server->jobs, cargo, collection, consent, flags, id, &error);
  }
  if (status == SB_OK) {
    reply_job(request, id, 202);
  } else if (status == SB_BUSY) { /* this caller asks for too much: the server itself is well */
    sb_reply_refusal(request, 429, "busy", error.message);
    request->reply.retry = true;
  } else {
    sb_reply_error(request, &error);
  }
}

void sb_handle_job_get(sb_request *request) {
  reply_job(request, request->names[0], 200);
}

static void order(sb_request *request, sb_job_order what) {
  sb_error error = {0};
  if (sb_jobs_order(request->server->jobs, request->names[0], what, &error) == SB_OK)
    reply_job(request, request->names[0], 200);
  else
    sb_reply_error(request, &error);
}

void sb_handle_job_pause(sb_request *request) {
  order(request, SB_JOB_PAUSE);
}
void sb_handle_job_resume(sb_request *request) {
  order(request, SB_JOB_RESUME);
}
void sb_handle_job_cancel(sb_request *request) {
  order(request, SB_JOB_CANCEL);
}

void sb_handle_job_refused(sb_request *request) {
  sb_error error = {0};
  sb_buffer text = {0};
  if (sb_jobs_refused(request->server->jobs, request->names[0], &text, &error) == SB_OK) {
    sb_reply_owned(request, 200, "text/csv; charset=utf-8", text.bytes, text.size);
    request->reply.file = "attachment; filename=\"refused.csv\"";
    return;
  }
  sb_buffer_free(&text);
  sb_reply_error(request, &error);
}

void sb_handle_job_events(sb_request *request) {
  sb_error error = {0};
  json_t *job = NULL;
  if (sb_jobs_get(request->server->jobs, request->names[0], &job, NULL, NULL, &error) != SB_OK) {
    sb_reply_error(request, &error);
    return;
  }
  json_decref(job);
  sb_reply_empty(request, 200);
  request->reply.type = "text/event-stream";
  request->reply.going_on = sb_events_response(request, request->names[0]);
  if (!request->reply.going_on) sb_reply_error(request, &(sb_error){SB_NO_MEMORY, "memory is out"});
}
