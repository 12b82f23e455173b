#include "http/dialects/rekognition/shapes.h"

#include "json/write.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading */

const char *sb_http_rekognition_collection(sb_http_params *p) {
  return sb_http_params_required(p, "CollectionId", "the name of the collection");
}

static bool has_fields_below(const sb_http_request *request, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < request->field_count; i++)
    if (!strncmp(request->fields[i].name, name, length) && request->fields[i].name[length] == '.') return true;
  return false;
}

sb_photo sb_http_rekognition_image(sb_http_params *p, const char *name) {
  char stored[32], bytes[32];
  snprintf(stored, sizeof stored, "%s.S3Object", name);
  snprintf(bytes, sizeof bytes, "%s.Bytes", name);
  if (has_fields_below(p->request, stored))
    sb_http_params_reject(p, SB_INVALID, "%s is not fetched: send the photo itself as %s", stored, bytes);
  return sb_http_params_photo(p, bytes);
}

bool sb_http_rekognition_filter(sb_http_params *p, bool fallback) {
  static const char *const words[] = {"NONE", "AUTO", "LOW", "MEDIUM", "HIGH", NULL};
  int chosen = sb_http_params_choice(p, "QualityFilter", words);
  if (chosen > 2)
    sb_http_params_reject(p, SB_INVALID,
                          "QualityFilter is NONE, or AUTO for the one minimum that the model has; there is no MEDIUM "
                          "or HIGH");
  return chosen < 0 ? fallback : chosen > 0;
}

double sb_http_rekognition_least(sb_http_params *p, const char *name) {
  return sb_http_params_real(p, name, 0, 100, 80);
}

json_t *sb_http_rekognition_token(int64_t after) {
  return json_sprintf("%llx", (unsigned long long)after);
}

int64_t sb_http_rekognition_after(sb_http_params *p) {
  const char *text = sb_http_params_text(p, "NextToken");
  if (!text || !*text) return 0;
  char *end = NULL;
  unsigned long long after = strtoull(text, &end, 16);
  if (isxdigit((unsigned char)*text) && !*end && strlen(text) <= 16 && after && after <= INT64_MAX)
    return (int64_t)after;
  sb_http_params_reject(p, SB_INVALID, "NextToken is not one of this list: give back that of the page before");
  return 0;
}

sb_http_attributes sb_http_rekognition_attributes(sb_http_params *p, const char *name) {
  sb_http_attributes attributes = {.age = false};
  size_t at = 0;
  for (const char *word; (word = sb_http_params_next(p, name, &at));) {
    bool all = !strcmp(word, "ALL");
    bool known = all || !strcmp(word, "DEFAULT") || !strcmp(word, "AGE_RANGE") || !strcmp(word, "GENDER") ||
                 !strcmp(word, "EMOTIONS");
    if (!known)
      sb_http_params_reject(
          p, SB_INVALID,
          "%s has an attribute that no model here tells: AGE_RANGE, GENDER, EMOTIONS, DEFAULT and ALL "
          "are known",
          name);
    attributes.age |= all || !strcmp(word, "AGE_RANGE");
    attributes.gender |= all || !strcmp(word, "GENDER");
    attributes.emotions |= all || !strcmp(word, "EMOTIONS");
  }
  return attributes;
}

unsigned sb_http_rekognition_want(const sb_http_attributes *attributes) {
  return SB_WANT_POSE | (attributes->age || attributes->gender ? SB_WANT_ATTRIBUTES : 0u);
}

/* ---- Writing */

static json_t *ratio(float value, int side) {
  return sb_json_rounded(side > 0 ? (double)value / side : 0, 6);
}

static json_t *percent(double probability) {
  return sb_json_rounded(100 * probability, 3);
}

json_t *sb_http_rekognition_box(const sb_box *box, sb_http_frame frame) {
  return json_pack("{s:o,s:o,s:o,s:o}", "Width", ratio(box->w, frame.width), "Height", ratio(box->h, frame.height),
                   "Left", ratio(box->x, frame.width), "Top", ratio(box->y, frame.height));
}

json_t *sb_http_rekognition_confidence(const sb_face *face) {
  return percent((double)face->score);
}

/* Left and right as seen in the photo, as Rekognition has them. */
static json_t *landmarks_json(const sb_face *face, sb_http_frame frame) {
  static const char *const types[] = {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"};
  json_t *list = json_array();
  for (int i = 0; i < 5; i++)
    sb_json_append(&list, json_pack("{s:s,s:o,s:o}", "Type", types[i], "X", ratio(face->landmarks[i].x, frame.width),
                                    "Y", ratio(face->landmarks[i].y, frame.height)));
  return list;
}

/* Rekognition's yaw is positive where the face is turned to the right of the photo. */
static json_t *pose_json(const sb_pose *pose) {
  return json_pack("{s:o,s:o,s:o}", "Roll", sb_json_rounded((double)pose->roll, 3), "Yaw",
                   sb_json_rounded(-(double)pose->yaw, 3), "Pitch", sb_json_rounded((double)pose->pitch, 3));
}

static json_t *quality_json(const sb_quality *quality) {
  return json_pack("{s:o,s:o}", "Brightness", percent((double)quality->exposure), "Sharpness",
                   percent((double)quality->sharpness));
}

static json_t *emotions_json(const sb_expression *expression) {
  static const char *const types[SB_EXPRESSIONS] = {"CALM", "HAPPY", "SAD", "SURPRISED", "FEAR", "DISGUSTED", "ANGRY"};
  json_t *list = json_array();
  for (int i = 0; i < SB_EXPRESSIONS; i++)
    sb_json_append(&list,
                   json_pack("{s:s,s:o}", "Type", types[i], "Confidence", percent((double)expression->probability[i])));
  return list;
}

/* Five years to each side, about the mean error of the estimate. */
static json_t *age_json(float age) {
  return json_pack("{s:i,s:i}", "Low", (int)fmaxf(0, roundf(age) - 5), "High", (int)roundf(age) + 5);
}

static json_t *gender_json(const sb_attributes *a) {
  return json_pack("{s:s,s:o}", "Value", a->man >= a->woman ? "Male" : "Female", "Confidence",
                   percent((double)fmaxf(a->man, a->woman)));
}

json_t *sb_http_rekognition_detail(const sb_face *face, sb_http_frame frame, const sb_http_attributes *attributes) {
  const sb_attributes *a = &face->attributes;
  json_t *json = json_pack("{s:o,s:o,s:o,s:o}", "BoundingBox", sb_http_rekognition_box(&face->box, frame), "Confidence",
                           sb_http_rekognition_confidence(face), "Landmarks", landmarks_json(face, frame), "Quality",
                           quality_json(&face->quality));
  if (face->has_pose) sb_json_set(&json, "Pose", pose_json(&face->pose));
  if (attributes->age && face->has_attributes && a->age >= 0) sb_json_set(&json, "AgeRange", age_json(a->age));
  if (attributes->gender && face->has_attributes && a->man >= 0) sb_json_set(&json, "Gender", gender_json(a));
  if (attributes->emotions && face->has_expression) sb_json_set(&json, "Emotions", emotions_json(&face->expression));
  return json;
}

bool sb_http_rekognition_is_user(const char *id) {
  return strncmp(id, SB_UNNAMED, strlen(SB_UNNAMED)) || strlen(id) != strlen(SB_UNNAMED) + SB_MADE_ID - 1;
}

json_t *sb_http_rekognition_face(int64_t face, const char *id, const char *name) {
  char text[SB_HTTP_FACE_ID];
  bool user = sb_http_rekognition_is_user(id);
  sb_http_dialect_face_id(face, text);
  json_t *json = json_pack("{s:s}", "FaceId", text);
  if (user) sb_json_set(&json, "UserId", json_string(id));
  if (user || strcmp(name, id) != 0) sb_json_set(&json, "ExternalImageId", json_string(user ? id : name));
  return json;
}

/* ---- Similarities */

sb_http_scale sb_http_rekognition_scale(const sb_http_request *request, const char *model, double unsure,
                                        double threshold) {
  sb_engine_info info = {.strict = 0};
  sb_status status = sb_engine_info_get(request->context->engine, &info, NULL);
  bool known = status == SB_OK && !strcmp(info.model, model);
  return (sb_http_scale){.unsure = unsure, .threshold = threshold, .strict = known ? info.strict : 0};
}

static double between(double score, double from, double to, double low, double high) {
  return to > from ? low + (high - low) * (score - from) / (to - from) : high;
}

double sb_http_rekognition_similarity(const sb_http_scale *scale, double score, sb_verdict verdict) {
  static const double unsure = 50, match = 80, strict = 99, below = 79.999;
  double value;
  if (score < scale->unsure)
    value = between(score, 0, scale->unsure, 0, unsure);
  else if (score < scale->threshold)
    value = between(score, scale->unsure, scale->threshold, unsure, match);
  else if (scale->strict <= 0)
    value = between(score, scale->threshold, 1, match, 100);
  else if (score < scale->strict)
    value = between(score, scale->threshold, scale->strict, match, strict);
  else
    value = between(score, fmax(scale->strict, scale->threshold), 1, strict, 100);
  double least = verdict == SB_VERDICT_MATCH ? match : 0, most = verdict == SB_VERDICT_MATCH ? 100 : below;
  return round(1000 * fmax(least, fmin(most, value))) / 1000;
}
