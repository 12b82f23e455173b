/* Faces as CompreFace writes them: boxes by their corners, ages as ranges, and what the request's plugins add. */
#include "http/dialects/compreface/plugins.h"

#include "json/write.h"

#include <math.h>
#include <string.h>
#include <strings.h>

sb_http_plugins sb_http_plugins_read(sb_http_params *p) {
  const char *names = sb_http_params_text(p, "face_plugins"), *status = sb_http_params_text(p, "status");
  sb_http_plugins plugins = {.times = status && !strcasecmp(status, "true")};
  plugins.least = sb_http_params_real(p, "det_prob_threshold", 0, 1, 0);
  plugins.most = sb_http_params_count(p, "limit", 0, SB_HTTP_COMPREFACE_PAGE_MAX, 0);
  if (!names) return plugins;
  plugins.landmarks = strstr(names, "landmarks");
  plugins.age = strstr(names, "age");
  plugins.gender = strstr(names, "gender");
  plugins.calculator = strstr(names, "calculator");
  return plugins;
}

unsigned sb_http_plugins_want(const sb_http_plugins *plugins) {
  return (plugins->age || plugins->gender ? SB_WANT_ATTRIBUTES : 0u) | (plugins->calculator ? SB_WANT_EMBEDDING : 0u);
}

bool sb_http_plugins_accept(const sb_http_plugins *plugins, const sb_face *face, size_t so_far) {
  return face->score >= plugins->least && (!plugins->most || so_far < plugins->most);
}

json_t *sb_http_plugins_box(const sb_face *face) {
  const sb_box *box = &face->box;
  return json_pack("{s:o,s:i,s:i,s:i,s:i}", "probability", sb_json_float(face->score), "x_min", (int)lroundf(box->x),
                   "y_min", (int)lroundf(box->y), "x_max", (int)lroundf(box->x + box->w), "y_max",
                   (int)lroundf(box->y + box->h));
}

json_t *sb_http_plugins_similarity(double score, double unsure, double threshold, sb_verdict verdict) {
  static const double match = 0.8, below = 0.79999; /* the answer has no verdict, so its number must say the same */
  double value = score < unsure      ? 0.5 * score / unsure
                 : score < threshold ? 0.5 + 0.3 * (score - unsure) / (threshold - unsure)
                                     : 0.8 + 0.2 * (score - threshold) / (1 - threshold);
  double least = verdict == SB_VERDICT_MATCH ? match : 0, most = verdict == SB_VERDICT_MATCH ? 1 : below;
  return sb_json_rounded(fmax(least, fmin(most, value)), 5);
}

/* A range of five years to each side, about the mean error of the estimate. */
static json_t *age_json(float age) {
  return json_pack("{s:i,s:i,s:f}", "low", (int)fmaxf(0, roundf(age) - 5), "high", (int)roundf(age) + 5, "probability",
                   0.5);
}

static json_t *gender_json(const sb_attributes *a) {
  return json_pack("{s:s,s:o}", "value", a->man >= a->woman ? "male" : "female", "probability",
                   sb_json_float(fmaxf(a->man, a->woman)));
}

static json_t *landmarks_json(const sb_face *face) {
  json_t *points = json_array();
  for (int i = 0; i < 5; i++)
    sb_json_append(&points, json_pack("[i,i]", (int)lroundf(face->landmarks[i].x), (int)lroundf(face->landmarks[i].y)));
  return points;
}

void sb_http_plugins_add(const sb_http_plugins *plugins, json_t **json, const sb_face *face, const float *embedding,
                         size_t dim) {
  const sb_attributes *a = &face->attributes;
  if (plugins->age && face->has_attributes && a->age >= 0) sb_json_set(json, "age", age_json(a->age));
  if (plugins->gender && face->has_attributes && a->man >= 0) sb_json_set(json, "gender", gender_json(a));
  if (plugins->landmarks) sb_json_set(json, "landmarks", landmarks_json(face));
  if (plugins->calculator && embedding) sb_json_set(json, "embedding", sb_json_floats(embedding, dim));
}

void sb_http_plugins_add_time(const sb_http_plugins *plugins, json_t **json, double ms) {
  if (plugins->times) sb_json_set(json, "execution_time", json_pack("{s:o}", "total", sb_json_rounded(ms, 1)));
}

void sb_http_plugins_add_versions(const sb_http_plugins *plugins, json_t **json, const sb_http_request *request) {
  sb_engine_info info = {0};
  if (!plugins->times) return;
  sb_engine_info_get(request->context->engine, &info, NULL);
  sb_json_set(json, "plugins_versions", json_pack("{s:s,s:s}", "detector", "semblance", "calculator", info.model));
}
