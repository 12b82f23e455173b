/* Faces as CompreFace writes them: boxes by their corners, ages as ranges, and what the request's plugins add. */
#include "http/dialects/compreface/plugins.h"

#include "http/dialects/dialects.h"
#include "json/write.h"

#include <math.h>
#include <string.h>
#include <strings.h>

sb_http_plugins sb_http_plugins_read(sb_http_params *p) {
  const char *names = sb_http_params_text(p, "face_plugins"), *status = sb_http_params_text(p, "status");
  sb_http_plugins plugins = {.times = status && !strcasecmp(status, "true")};
  plugins.least = sb_http_params_real(p, "det_prob_threshold", 0, 1, 0);
  plugins.most = sb_http_params_count(p, "limit", 0, SB_HTTP_COMPREFACE_PAGE_MAX, 0);
  plugins.whole = sb_http_params_is(p, "detect_faces", "true", "false");
  if (!names) return plugins;
  plugins.landmarks = strstr(names, "landmarks");
  plugins.age = strstr(names, "age");
  plugins.gender = strstr(names, "gender");
  plugins.pose = strstr(names, "pose");
  plugins.calculator = strstr(names, "calculator");
  return plugins;
}

unsigned sb_http_plugins_want(const sb_http_plugins *plugins) {
  return (plugins->age || plugins->gender ? SB_WANT_ATTRIBUTES : 0u) | (plugins->calculator ? SB_WANT_EMBEDDING : 0u) |
         (plugins->pose ? SB_WANT_POSE : 0u) | (plugins->whole ? SB_WANT_WHOLE_PHOTO : 0u);
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
  return sb_json_rounded(sb_http_dialect_similarity(score, unsure, threshold, verdict), 5);
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

static json_t *pose_json(const sb_pose *pose) {
  return json_pack("{s:o,s:o,s:o}", "pitch", sb_json_rounded(pose->pitch, 2), "roll", sb_json_rounded(pose->roll, 2),
                   "yaw", sb_json_rounded(pose->yaw, 2));
}

void sb_http_plugins_add(const sb_http_plugins *plugins, json_t **json, const sb_face *face, const float *embedding,
                         size_t dim) {
  const sb_attributes *a = &face->attributes;
  if (plugins->age && face->has_attributes && a->age >= 0) sb_json_set(json, "age", age_json(a->age));
  if (plugins->gender && face->has_attributes && a->man >= 0) sb_json_set(json, "gender", gender_json(a));
  if (plugins->pose && face->has_pose) sb_json_set(json, "pose", pose_json(&face->pose));
  if (plugins->landmarks) sb_json_set(json, "landmarks", landmarks_json(face));
  if (plugins->calculator && embedding) sb_json_set(json, "embedding", sb_json_floats(embedding, dim));
}

/* In milliseconds, of the whole photo. Age and gender are estimated by one model. */
void sb_http_plugins_add_time(const sb_http_plugins *plugins, json_t **json) {
  if (!plugins->times) return;
  double detector = sb_stage_timer_ms(SB_TIMED_DETECT) + sb_stage_timer_ms(SB_TIMED_ALIGN);
  double attributes = sb_stage_timer_ms(SB_TIMED_ATTRIBUTES);
  json_t *times = json_pack("{s:o,s:o}", "detector", sb_json_rounded(detector, 1), "calculator",
                            sb_json_rounded(sb_stage_timer_ms(SB_TIMED_EMBED), 1));
  if (plugins->age) sb_json_set(&times, "age", sb_json_rounded(attributes, 1));
  if (plugins->gender) sb_json_set(&times, "gender", sb_json_rounded(attributes, 1));
  if (plugins->pose) sb_json_set(&times, "pose", sb_json_rounded(attributes, 1));
  sb_json_set(json, "execution_time", times);
}

void sb_http_plugins_add_versions(const sb_http_plugins *plugins, json_t **json, const sb_http_request *request) {
  sb_engine_info info = {0};
  if (!plugins->times) return;
  sb_engine_info_get(request->context->engine, &info, NULL);
  sb_json_set(json, "plugins_versions", json_pack("{s:s,s:s}", "detector", "semblance", "calculator", info.model));
}
