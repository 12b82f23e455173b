/* CompreFace's services over embeddings that a client has in the place of photos (since its version 1.2): for admins,
 * because who may choose an embedding can approach a stored one step by step. */
#include "http/core/params.h"
#include "http/dialects/compreface/compreface.h"
#include "http/dialects/compreface/plugins.h"
#include "http/dialects/dialects.h"
#include "json/write.h"

enum { EMBEDDINGS_MAX = 64 };

static size_t read_embeddings(sb_http_params *p, const char *name, sb_http_vector out[EMBEDDINGS_MAX]) {
  size_t count = sb_http_params_vectors(p, name, out, EMBEDDINGS_MAX);
  if (!count) sb_http_params_reject(p, SB_INVALID, "%s is missing: a list of embeddings, each a list of numbers", name);
  return count;
}

static json_t *embedding_json(const sb_http_vector *embedding) {
  return sb_json_floats(embedding->values, embedding->count);
}

static json_t *similarities_json(const sb_search_result *result) {
  json_t *list = json_array();
  const sb_search_face *face = &result->faces[0];
  for (size_t i = 0; i < face->count; i++) {
    const sb_candidate *c = &face->candidates[i];
    json_t *similarity = sb_http_plugins_similarity(c->score, result->unsure, result->threshold, c->verdict);
    sb_json_append(&list, json_pack("{s:s,s:o}", "subject", c->id, "similarity", similarity));
  }
  return list;
}

void sb_http_handle_compreface_embeddings_recognize(sb_http_request *request) {
  sb_error error = {0};
  sb_status status = SB_OK;
  sb_http_vector embeddings[EMBEDDINGS_MAX];
  sb_http_params p = sb_http_params_begin(request);
  sb_template_search search = {.collection = sb_http_params_collection(&p),
                               .k = sb_http_params_count(&p, "prediction_count", 1, SB_K_MAX, 1),
                               .target = sb_http_operating_point(request->context)};
  size_t count = read_embeddings(&p, "embeddings", embeddings);
  if (sb_http_params_failed(&p)) return;
  json_t *rows = json_array();
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    sb_search_result *result = NULL;
    search.vector = embeddings[i].values;
    search.dim = embeddings[i].count;
    status = sb_engine_search_template(request->context->engine, &search, &result, NULL, &error);
    if (status == SB_OK)
      sb_json_append(&rows, json_pack("{s:o,s:o}", "embedding", embedding_json(&embeddings[i]), "similarities",
                                      similarities_json(result)));
    sb_search_result_free(result);
  }
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "result", rows));
}

/* Compares each embedding as `base` says, and replies with their similarities. */
static void reply_similarities(sb_http_request *request, sb_template_comparison *base, const sb_http_vector *embeddings,
                               size_t count) {
  sb_error error = {0};
  sb_status status = SB_OK;
  json_t *rows = json_array();
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    sb_comparison c;
    base->vector = embeddings[i].values;
    base->dim = embeddings[i].count;
    status = sb_engine_verify_template(request->context->engine, base, &c, &error);
    if (status != SB_OK) break;
    sb_json_append(&rows, json_pack("{s:o,s:o}", "embedding", embedding_json(&embeddings[i]), "similarity",
                                    sb_http_plugins_similarity(c.score, c.unsure, c.threshold, c.verdict)));
  }
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "result", rows));
}

void sb_http_handle_compreface_embeddings_face_verify(sb_http_request *request) {
  sb_http_vector embeddings[EMBEDDINGS_MAX];
  sb_http_params p = sb_http_params_begin(request);
  sb_template_comparison base = {.collection = sb_http_params_collection(&p)};
  size_t count = read_embeddings(&p, "embeddings", embeddings);
  if (p.error.code == SB_OK) sb_http_dialect_face_number(request->path_parameters[0], &base.face, &p.error);
  if (!sb_http_params_failed(&p)) reply_similarities(request, &base, embeddings, count);
}

void sb_http_handle_compreface_embeddings_verify(sb_http_request *request) {
  sb_http_vector source[EMBEDDINGS_MAX], targets[EMBEDDINGS_MAX];
  sb_http_params p = sb_http_params_begin(request);
  size_t sources = read_embeddings(&p, "source", source), count = read_embeddings(&p, "targets", targets);
  if (sources > 1) sb_http_params_reject(&p, SB_INVALID, "source is one embedding: a list of numbers");
  if (sb_http_params_failed(&p)) return;
  sb_template_comparison base = {.other = source[0].values, .other_dim = source[0].count};
  reply_similarities(request, &base, targets, count);
}
