/* /v1/models and /v1/report: the models that this server knows, and the figures of the last published evaluation. */
#include "http/api/handlers.h"
#include "json/write.h"

#include <stdlib.h>

static json_t *model_json(const sb_model_info *m) {
  if (*m->problem) return json_pack("{s:s,s:s,s:b}", "name", m->name, "problem", m->problem, "added", m->added);
  return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:b,s:b,s:b,s:b}", "name", m->name, "task", m->task, "licence", m->licence,
                   "source", m->source, "bytes", (json_int_t)m->file_size, "dim", (json_int_t)m->dim, "installed",
                   m->file_size > 0, "calibrated", m->calibrated, "experimental", m->experimental, "added", m->added);
}

void sb_http_handle_models_list(sb_http_request *request) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  size_t count = 0;
  sb_status status = sb_engine_models_list(request->context->engine, &models, &count, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) sb_json_append(&list, model_json(&models[i]));
  free(models);
  sb_http_reply_json(request, 200, json_pack("{s:o}", "models", list));
}

void sb_http_handle_report(sb_http_request *request) {
  sb_error error = {0};
  char *text = NULL;
  size_t size = 0;
  if (sb_http_failed(request, sb_engine_report(request->context->engine, &text, &size, &error), &error)) return;
  sb_http_reply_owned(request, 200, "application/json", text, size);
}
