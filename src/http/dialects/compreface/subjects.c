/* CompreFace's subjects: the people of a collection, by name. CompreFace has no pages here, so lists are read to
 * their end. */
#include "http/core/params.h"
#include "http/dialects/compreface/compreface.h"
#include "http/dialects/dialects.h"
#include "json/write.h"

#include <string.h>

void sb_http_handle_compreface_subjects(sb_http_request *request) {
  sb_error error = {0};
  json_t *names = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_http_dialect_ids(request->context->engine, collection, &names, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "subjects", names));
}

void sb_http_handle_compreface_subject_add(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  const char *subject = sb_http_params_required_id(&p, "subject", "the name of the person");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_add(request->context->engine, collection, subject, subject, NULL, &error);
  sb_http_reply_result(request, status, &error, 201, json_pack("{s:s}", "subject", subject));
}

/* A subject that gets the name of another one becomes part of it. */
void sb_http_handle_compreface_subject_rename(sb_http_request *request) {
  sb_error error = {0};
  const char *old = request->path_parameters[0];
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  const char *subject = sb_http_params_required_id(&p, "subject", "the new name of the person");
  if (sb_http_params_failed(&p)) return;
  const sb_store_person_edit change = {.name = subject, .new_id = strcmp(subject, old) ? subject : NULL};
  sb_status status = sb_engine_person_change(request->context->engine, collection, old, &change, NULL, &error);
  if (status == SB_EXISTS) status = sb_engine_merge(request->context->engine, collection, subject, old, NULL, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:b}", "updated", 1));
}

void sb_http_handle_compreface_subject_delete(sb_http_request *request) {
  sb_error error = {0};
  const char *subject = request->path_parameters[0];
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_delete(request->context->engine, collection, subject, NULL, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:s}", "subject", subject));
}

void sb_http_handle_compreface_subjects_delete(sb_http_request *request) {
  sb_error error = {0};
  size_t deleted = 0;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_people_delete(request->context->engine, collection, &deleted, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:I}", "deleted", (json_int_t)deleted));
}
