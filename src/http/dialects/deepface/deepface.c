/* DeepFace's REST API over the engine. Its field names are kept; what it does with addresses and paths of files is not:
 * photos come as files or base64 only. Distance is 1 - cosine, the threshold the engine's own, as its scores are. */
#include "http/api/handlers.h"
#include "http/dialects/dialects.h"
#include "json/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum metric { METRIC_COSINE, METRIC_EUCLIDEAN, METRIC_EUCLIDEAN_L2, METRIC_ANGULAR } metric;
static const char *const metric_names[] = {"cosine", "euclidean", "euclidean_l2", "angular", NULL};

/* Templates are of unit length, so each metric is a function of the cosine. */
static double distance_of(metric m, double cosine) {
  switch (m) {
  case METRIC_COSINE: return 1 - cosine;
  case METRIC_EUCLIDEAN:
  case METRIC_EUCLIDEAN_L2: return sqrt(fmax(2 - 2 * cosine, 0));
  case METRIC_ANGULAR: return acos(fmax(-1, fmin(1, cosine))) / acos(-1);
  }
  return 1 - cosine;
}

static sb_status read_metric(sb_http_request *request, metric *out, sb_error *error) {
  int chosen = 0;
  sb_status status = sb_http_request_choice(request, "distance_metric", metric_names, &chosen, error);
  *out = chosen > 0 ? (metric)chosen : METRIC_COSINE;
  return status;
}

/* "true", "True", "1" and their opposites; DeepFace takes the word "false" for true, this does not. */
static sb_status read_bool(sb_http_request *request, const char *name, bool fallback, bool *out, sb_error *error) {
  static const char *const words[] = {"false", "False", "0", "true", "True", "1", NULL};
  int chosen = -1;
  sb_status status = sb_http_request_choice(request, name, words, &chosen, error);
  *out = chosen < 0 ? fallback : chosen >= 3;
  return status;
}

static json_t *point_of(const sb_point *p) {
  return json_pack("[i,i]", (int)lroundf(p->x), (int)lroundf(p->y));
}

/* Left and right as the person has them; of a photo that was taken as a whole nobody knows the eyes. */
static json_t *area_of(const sb_face *face, bool whole) {
  return json_pack("{s:i,s:i,s:i,s:i,s:o,s:o}", "x", (int)lroundf(face->box.x), "y", (int)lroundf(face->box.y), "w",
                   (int)lroundf(face->box.w), "h", (int)lroundf(face->box.h), "left_eye",
                   whole ? json_null() : point_of(&face->landmarks[1]), "right_eye",
                   whole ? json_null() : point_of(&face->landmarks[0]));
}

/* The word without case, '-' and '_': "Facenet512" and "facenet-512" are the same. */
static void plain_word(const char *word, char out[64]) {
  size_t length = 0;
  for (; *word && length < 63; word++)
    if (*word != '-' && *word != '_') out[length++] = (char)(*word >= 'A' && *word <= 'Z' ? *word + 32 : *word);
  out[length] = 0;
}

/* The installed embedding model that `asked` names, whole or by its beginning ("Dlib"); NULL: none. */
static const sb_model_info *find_model(const sb_model_info *models, size_t count, const char *asked) {
  char wanted[64], name[64];
  const sb_model_info *found = NULL;
  plain_word(asked, wanted);
  for (size_t i = 0; i < count && *wanted; i++) {
    if (strcmp(models[i].task, "embed") || !models[i].file_size) continue;
    plain_word(models[i].name, name);
    if (!strcmp(name, wanted)) return &models[i];
    if (!found && !strncmp(name, wanted, strlen(wanted))) found = &models[i];
  }
  return found;
}

/* "model_name": an installed embedding model; "" where it is absent: the server's own. */
static sb_status read_model(sb_http_request *request, char out[64], sb_error *error) {
  const char *asked = NULL;
  sb_model_info *models = NULL;
  size_t count = 0;
  *out = 0;
  sb_status status = sb_http_request_text(request, "model_name", &asked, error);
  if (status == SB_OK && asked) status = sb_engine_models_list(request->context->engine, &models, &count, error);
  if (status != SB_OK || !asked) return status;
  const sb_model_info *found = find_model(models, count, asked);
  if (found) {
    snprintf(out, 64, "%s", found->name);
  } else {
    char known[256] = "";
    for (size_t i = 0; i < count; i++)
      if (!strcmp(models[i].task, "embed") && models[i].file_size &&
          strlen(known) + strlen(models[i].name) + 3 < sizeof known)
        strcat(strcat(known, *known ? ", " : ""), models[i].name);
    status =
        sb_fail(error, SB_INVALID,
                "the model that model_name asks for is not installed here; leave it out, or name one of %s", known);
  }
  free(models);
  return status;
}

/* The same where people are kept: a collection has one model, and another cannot look into it. */
static sb_status check_model(sb_http_request *request, const char *collection, sb_error *error) {
  char model[64], held[64];
  sb_status status = read_model(request, model, error);
  if (status != SB_OK || !*model) return status;
  status = sb_engine_collection_model(request->context->engine, collection, held, error);
  if (status != SB_OK || !strcmp(held, model)) return status;
  return sb_fail(error, SB_INVALID,
                 "the collection's model is %s: leave model_name out, or make a collection with the other", held);
}

/* "detector_backend": there is one detector here, whatever its name; "skip" takes the photo as a face that was cut out. */
static sb_status read_skip(sb_http_request *request, bool *out, sb_error *error) {
  const char *backend = NULL;
  sb_status status = sb_http_request_text(request, "detector_backend", &backend, error);
  *out = status == SB_OK && backend && !strcmp(backend, "skip");
  return status;
}

static double confidence_of(const sb_face *face) {
  return round(face->score * 100) / 100.0;
}

/* The faces of `img`; none is an error unless enforce_detection is false. `*whole`: the photo is the face. */
static sb_status find_some(sb_http_request *request, unsigned want, const char *model, bool *whole, sb_faces **out,
                           sb_error *error) {
  sb_find_request find = {.struct_size = sizeof find, .want = want, .model = *model ? model : NULL};
  bool enforce = true;
  size_t most = 0;
  sb_status status = read_skip(request, whole, error);
  if (*whole) find.want |= SB_WANT_WHOLE_PHOTO;
  if (status == SB_OK) status = read_bool(request, "enforce_detection", true, &enforce, error);
  if (status == SB_OK) status = sb_http_request_count(request, "max_faces", 1, 1000, &most, error);
  if (status == SB_OK) status = sb_http_request_photo(request, "img", &find.photo, error);
  if (status == SB_OK) status = sb_engine_find_faces(request->context->engine, &find, out, error);
  if (status != SB_OK) return status;
  sb_faces *faces = *out;
  while (most && faces->count > most) free(faces->items[--faces->count].embedding); /* the largest come first */
  if (faces->count || !enforce) return SB_OK;
  sb_faces_free(faces);
  *out = NULL;
  return sb_fail(error, SB_NO_FACE,
                 "no face was found in img; send a photo where it is larger, or enforce_detection=false");
}

void sb_http_handle_deepface_represent(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  char model[64];
  bool whole = false;
  sb_status status = read_model(request, model, &error);
  if (status == SB_OK) status = find_some(request, SB_WANT_EMBEDDING, model, &whole, &faces, &error);
  if (status != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  json_t *results = json_array();
  for (size_t i = 0; i < faces->count; i++) {
    const sb_face *face = &faces->items[i];
    json_t *embedding = json_array();
    for (size_t j = 0; j < faces->dim; j++) json_array_append_new(embedding, json_real(face->embedding[j]));
    json_array_append_new(results, json_pack("{s:o,s:o,s:f}", "embedding", embedding, "facial_area",
                                             area_of(face, whole), "face_confidence", confidence_of(face)));
  }
  sb_http_reply_json(request, 200, json_pack("{s:o,s:s}", "results", results, "model_name", faces->model));
  sb_faces_free(faces);
}

/* In percent: how sure the answer is, 50 at the threshold. */
static double certainty(double cosine, double threshold) {
  double share = cosine >= threshold ? (cosine - threshold) / (1 - threshold) : (threshold - cosine) / (1 + threshold);
  return round(100 * (50 + 50 * fmin(share, 1))) / 100;
}

void sb_http_handle_deepface_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_verify_request verify = {.struct_size = sizeof verify, .target = sb_http_operating_point(request->context)};
  verify.target.fpir = 0; /* the server's is of searches */
  sb_comparison c;
  sb_engine_info info = {0};
  metric m;
  char model[64];
  double start = sb_monotonic_ms();
  sb_status status = read_metric(request, &m, &error);
  if (status == SB_OK) status = read_model(request, model, &error);
  if (status == SB_OK) status = read_skip(request, &verify.whole_photo, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "img1", &verify.photos[0], &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "img2", &verify.photos[1], &error);
  if (status == SB_OK) status = sb_engine_info_get(request->context->engine, &info, &error);
  if (status == SB_OK && *model) verify.model = model;
  if (status == SB_OK) status = sb_engine_verify(request->context->engine, &verify, &c, &error);
  if (status != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  bool whole = verify.whole_photo;
  json_t *areas = json_pack("{s:o,s:o}", "img1", area_of(&c.faces[0], whole), "img2", area_of(&c.faces[1], whole));
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:f,s:f,s:f,s:s,s:s,s:s,s:o,s:f}", "verified", c.verdict == SB_VERDICT_MATCH,
                               "distance", distance_of(m, c.similarity), "threshold", distance_of(m, c.threshold),
                               "confidence", certainty(c.similarity, c.threshold), "model", *model ? model : info.model,
                               "detector_backend", whole ? "skip" : "semblance", "similarity_metric", metric_names[m],
                               "facial_areas", areas, "time", round(sb_monotonic_ms() - start) / 1000));
}

/* ---- analyze */

enum { DO_AGE = 1, DO_GENDER = 2, DO_RACE = 4, DO_EMOTION = 8, DO_ALL = 15 };

/* "actions": a list, or words with ',' between. */
static sb_status read_actions(sb_http_request *request, unsigned *out, sb_error *error) {
  static const char *const words[] = {"age", "gender", "race", "emotion"};
  *out = 0;
  bool given = false;
  for (size_t i = 0; i < request->field_count; i++) {
    const sb_http_field *part = &request->fields[i];
    if (strcmp(part->name, "actions") || !part->value.bytes) continue;
    given = true;
    for (size_t w = 0; w < 4; w++)
      if (strstr(part->value.bytes, words[w])) *out |= 1u << w;
  }
  if (!given) *out = DO_ALL;
  return *out ? SB_OK : sb_fail(error, SB_INVALID, "actions are age, gender, race and emotion");
}

static void add_race(json_t *json, const sb_attributes *a) {
  json_t *race = json_object();
  for (int i = 0; i < SB_ETHNICITIES; i++)
    if (a->ethnicity[i] >= 0) json_object_set_new(race, sb_ethnicity_name(i), json_real(100 * (double)a->ethnicity[i]));
  json_object_set_new(json, "dominant_race", json_string(sb_ethnicity_name(a->ethnicity_dominant)));
  json_object_set_new(json, "race", race);
}

/* DeepFace's words for our expressions, in our order. */
static void add_emotion(json_t *json, const sb_expression *e) {
  static const char *const words[SB_EXPRESSIONS] = {"neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"};
  json_t *emotion = json_object();
  for (int i = 0; i < SB_EXPRESSIONS; i++)
    json_object_set_new(emotion, words[i], json_real(100 * (double)e->probability[i]));
  json_object_set_new(json, "dominant_emotion", json_string(words[e->dominant]));
  json_object_set_new(json, "emotion", emotion);
}

static json_t *analysis_of(const sb_face *face, bool whole, unsigned actions) {
  const sb_attributes *a = &face->attributes;
  json_t *json = json_pack("{s:o,s:f}", "region", area_of(face, whole), "face_confidence", confidence_of(face));
  /* What no model of this server estimates is below 0, and left out. */
  if (actions & DO_AGE && a->age >= 0) json_object_set_new(json, "age", json_integer(lroundf(a->age)));
  if (actions & DO_GENDER && a->man >= 0) {
    json_object_set_new(json, "dominant_gender", json_string(a->man >= a->woman ? "Man" : "Woman"));
    json_object_set_new(json, "gender",
                        json_pack("{s:f,s:f}", "Man", 100 * (double)a->man, "Woman", 100 * (double)a->woman));
  }
  if (actions & DO_RACE && a->ethnicity[a->ethnicity_dominant] >= 0) add_race(json, a);
  if (actions & DO_EMOTION && face->has_expression) add_emotion(json, &face->expression);
  return json;
}

void sb_http_handle_deepface_analyze(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  unsigned actions = 0;
  bool whole = false;
  sb_status status = read_actions(request, &actions, &error);
  unsigned want =
      (actions & ~(unsigned)DO_EMOTION ? SB_WANT_ATTRIBUTES : 0) | (actions & DO_EMOTION ? SB_WANT_POSE : 0);
  if (status == SB_OK) status = find_some(request, want, "", &whole, &faces, &error);
  if (status == SB_OK && actions == DO_EMOTION && faces->count && !faces->items[0].has_expression)
    status = sb_fail(&error, SB_INVALID, "there is no model for emotion here; actions are age, gender and race");
  if (status != SB_OK) {
    sb_faces_free(faces);
    sb_http_reply_error(request, &error);
    return;
  }
  json_t *results = json_array();
  for (size_t i = 0; i < faces->count; i++)
    json_array_append_new(results, analysis_of(&faces->items[i], whole, actions));
  sb_http_reply_json(request, 200, json_pack("{s:o}", "results", results));
  sb_faces_free(faces);
}

/* ---- register, search, build/index */

void sb_http_handle_deepface_register(sb_http_request *request) {
  sb_error error = {0};
  sb_photo photo = {0};
  sb_enrolled *enrolled = NULL;
  sb_enroll_request enroll = {
      .struct_size = sizeof enroll, .photos = &photo, .photo_count = 1, .flags = SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  sb_status status = sb_http_request_collection(request, &enroll.collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "img_name", &enroll.id, &error);
  if (status == SB_OK && !enroll.id) status = sb_fail(&error, SB_INVALID, "img_name is missing: it names the person");
  enroll.name = enroll.id;
  bool whole = false;
  if (status == SB_OK) status = check_model(request, enroll.collection, &error);
  if (status == SB_OK) status = read_skip(request, &whole, &error);
  if (whole) enroll.flags |= SB_ENROLL_WHOLE_PHOTO;
  if (status == SB_OK) status = sb_http_request_photo(request, "img", &photo, &error);
  if (status == SB_OK) status = sb_engine_enroll(request->context->engine, &enroll, &enrolled, &error);
  if (status == SB_OK)
    sb_http_reply_json(request, 200, json_pack("{s:I}", "inserted", (json_int_t)enrolled->faces_added));
  else
    sb_http_reply_error(request, &error);
  sb_enrolled_free(enrolled);
}

/* Matches only; with similarity_search the nearest, whoever they are. */
static json_t *hits_of(const sb_search_face *face, const sb_search_result *result, const char *model, metric m,
                       bool nearest) {
  json_t *hits = json_array();
  for (size_t i = 0; i < face->count; i++) {
    const sb_candidate *c = &face->candidates[i];
    if (!nearest && c->verdict != SB_VERDICT_MATCH) continue;
    json_array_append_new(hits, json_pack("{s:s,s:s,s:s,s:f,s:f,s:f,s:s,s:i,s:i,s:i,s:i}", "id", c->id, "img_name",
                                          c->name, "model_name", model, "distance", distance_of(m, c->similarity),
                                          "threshold", distance_of(m, result->threshold), "confidence",
                                          certainty(c->similarity, result->threshold), "distance_metric",
                                          metric_names[m], "target_x", (int)lroundf(face->face.box.x), "target_y",
                                          (int)lroundf(face->face.box.y), "target_w", (int)lroundf(face->face.box.w),
                                          "target_h", (int)lroundf(face->face.box.h)));
  }
  return hits;
}

void sb_http_handle_deepface_search(sb_http_request *request) {
  sb_error error = {0};
  sb_engine_info info = {0};
  sb_search_result *result = NULL;
  sb_search_request search = {
      .struct_size = sizeof search, .k = 5, .target = sb_http_operating_point(request->context)};
  metric m;
  bool nearest = false, enforce = true;
  sb_status status = read_metric(request, &m, &error);
  if (status == SB_OK) status = read_bool(request, "similarity_search", false, &nearest, &error);
  if (status == SB_OK) status = read_bool(request, "enforce_detection", true, &enforce, &error);
  if (status == SB_OK) status = sb_http_request_collection(request, &search.collection, &error);
  if (status == SB_OK) status = check_model(request, search.collection, &error);
  if (status == SB_OK) status = read_skip(request, &search.whole_photo, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "k", 1, SB_K_MAX, &search.k, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "img", &search.photo, &error);
  if (status == SB_OK) status = sb_engine_info_get(request->context->engine, &info, &error);
  if (status == SB_OK) status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK && !result->count && enforce)
    status = sb_fail(&error, SB_NO_FACE,
                     "no face was found in img; send a photo where it is larger, or enforce_detection=false");
  if (status == SB_OK) {
    json_t *results = json_array();
    for (size_t i = 0; i < result->count; i++)
      json_array_append_new(results, hits_of(&result->faces[i], result, info.model, m, nearest));
    sb_http_reply_json(request, 200, json_pack("{s:o}", "results", results));
  } else {
    sb_http_reply_error(request, &error);
  }
  sb_search_result_free(result);
}

/* There is nothing to build: who is registered is found at once. */
void sb_http_handle_deepface_build(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s}", "message", "the index is always in step"));
}

const sb_http_dialect sb_http_deepface = {"deepface", sb_http_dialect_error, sb_http_dialect_status};
