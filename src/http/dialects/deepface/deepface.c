/* DeepFace's REST API over the engine. Field names and shapes are DeepFace's. What is not copied: photos come as
 * files or base64 only, never as addresses or paths that the server would open, and "false" is false.
 *
 * A distance is 1 - score, and the threshold is the engine's own, so that `distance <= threshold` says what `verified`
 * does. The score is the cosine, normalised by the gallery; every other metric is a function of it as of a cosine of
 * unit vectors. */
#include "http/dialects/deepface/deepface.h"
#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "http/dialects/dialects.h"
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const sb_http_dialect sb_http_deepface = {"deepface", sb_http_dialect_error, sb_http_dialect_status};

static json_t *number(double value) {
  return sb_json_significant(value, 9);
}

/* ---- Fields that several routes read */

typedef enum metric { METRIC_COSINE, METRIC_EUCLIDEAN, METRIC_EUCLIDEAN_L2, METRIC_ANGULAR } metric;
static const char *const metric_names[] = {"cosine", "euclidean", "euclidean_l2", "angular", NULL};

static json_t *distance_json(metric m, double cosine) {
  switch (m) {
  case METRIC_COSINE: break;
  case METRIC_EUCLIDEAN:
  case METRIC_EUCLIDEAN_L2: return number(sqrt(fmax(2 - 2 * cosine, 0)));
  case METRIC_ANGULAR: return number(acos(fmax(-1, fmin(1, cosine))) / acos(-1));
  }
  return number(1 - cosine);
}

static metric read_metric(sb_http_params *p) {
  int chosen = sb_http_params_choice(p, "distance_metric", metric_names);
  return chosen > 0 ? (metric)chosen : METRIC_COSINE;
}

static bool read_bool(sb_http_params *p, const char *name, bool fallback) {
  static const char *const words[] = {"false", "False", "0", "true", "True", "1", NULL};
  int chosen = sb_http_params_choice(p, name, words);
  return chosen < 0 ? fallback : chosen >= 3;
}

/* "detector_backend": there is one detector here, whatever the name; "skip" takes the photo as a face that was cut
 * out. */
static bool read_skip(sb_http_params *p) {
  const char *backend = sb_http_params_text(p, "detector_backend");
  return backend && !strcmp(backend, "skip");
}

/* The word in lower case without '-' and '_': "Facenet512" and "facenet-512" are the same. */
static void plain_word(const char *word, char out[64]) {
  size_t length = 0;
  for (; *word && length < 63; word++)
    if (*word != '-' && *word != '_') out[length++] = (char)(*word >= 'A' && *word <= 'Z' ? *word + 32 : *word);
  out[length] = 0;
}

static bool is_embedder(const sb_model_info *model) {
  return !strcmp(model->task, "embed") && model->file_size;
}

/* The installed embedding model that `asked` names, in full or by its beginning ("Dlib"); NULL: none. */
static const sb_model_info *find_model(const sb_model_info *models, size_t count, const char *asked) {
  char wanted[64], name[64];
  const sb_model_info *found = NULL;
  plain_word(asked, wanted);
  for (size_t i = 0; i < count && *wanted; i++) {
    if (!is_embedder(&models[i])) continue;
    plain_word(models[i].name, name);
    if (!strcmp(name, wanted)) return &models[i];
    if (!found && !strncmp(name, wanted, strlen(wanted))) found = &models[i];
  }
  return found;
}

static void reject_model(sb_http_params *p, const sb_model_info *models, size_t count) {
  char known[256] = "";
  for (size_t i = 0; i < count; i++)
    if (is_embedder(&models[i]) && strlen(known) + strlen(models[i].name) + 3 < sizeof known)
      strcat(strcat(known, *known ? ", " : ""), models[i].name);
  sb_http_params_reject(p, SB_INVALID, "model_name: that model is not installed; leave it out, or give one of %s",
                        known);
}

/* "model_name": an installed embedding model; "" where it is absent: the server's own. */
static void read_model(sb_http_params *p, char out[64]) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  size_t count = 0;
  *out = 0;
  const char *asked = sb_http_params_text(p, "model_name");
  if (!asked) return;
  sb_http_params_check(p, sb_engine_models_list(p->request->context->engine, &models, &count, &error), &error);
  const sb_model_info *found = find_model(models, count, asked);
  if (found)
    snprintf(out, 64, "%s", found->name);
  else
    reject_model(p, models, count);
  free(models);
}

/* The same for routes over stored people: a collection has one model, and embeddings of another cannot be compared
 * with it. */
static void check_model(sb_http_params *p, const char *collection) {
  sb_error error = {0};
  char model[64], held[64] = "";
  read_model(p, model);
  if (p->error.code != SB_OK || !*model) return;
  sb_http_params_check(p, sb_engine_collection_model(p->request->context->engine, collection, held, &error), &error);
  if (strcmp(held, model))
    sb_http_params_reject(p, SB_INVALID,
                          "model_name: the collection's model is %s; leave model_name out, or make a collection with "
                          "the other model",
                          held);
}

/* ---- Faces as JSON */

static json_t *point_json(const sb_point *p) {
  return json_pack("[i,i]", (int)lroundf(p->x), (int)lroundf(p->y));
}

/* Left and right are the person's own. Where the whole photo was taken as the face, nothing is known of the eyes. */
static json_t *area_json(const sb_face *face, bool whole) {
  return json_pack("{s:i,s:i,s:i,s:i,s:o,s:o}", "x", (int)lroundf(face->box.x), "y", (int)lroundf(face->box.y), "w",
                   (int)lroundf(face->box.w), "h", (int)lroundf(face->box.h), "left_eye",
                   whole ? json_null() : point_json(&face->landmarks[1]), "right_eye",
                   whole ? json_null() : point_json(&face->landmarks[0]));
}

static json_t *confidence_json(const sb_face *face) {
  return sb_json_rounded(face->score, 2);
}

/* How certain an answer is, in percent: 50 at the threshold. */
static json_t *certainty_json(double cosine, double threshold) {
  double share = cosine >= threshold ? (cosine - threshold) / (1 - threshold) : (threshold - cosine) / (1 + threshold);
  return sb_json_rounded(50 + 50 * fmin(share, 1), 2);
}

/* ---- represent */

typedef struct look {
  sb_find_request find;
  bool whole;   /* the photo is the face */
  bool spoofs;  /* anti_spoofing: a face that is a picture is an error */
  bool enforce; /* a photo without a face is an error */
  size_t most;  /* max_faces; 0: all */
} look;

/* "anti_spoofing": needs models that decide; those whose answer is only a hint refuse too many people. */
static bool read_anti_spoofing(sb_http_params *p) {
  sb_error error = {0};
  sb_engine_liveness models = {0};
  if (!read_bool(p, "anti_spoofing", false)) return false;
  sb_http_params_check(p, sb_engine_liveness_models(p->request->context->engine, &models, &error), &error);
  if (!models.count || models.experimental)
    sb_http_params_reject(
        p, SB_INVALID,
        "anti_spoofing: no model for it is installed; install MiniFASNet on the server (script/models "
        "minifasnet), or leave anti_spoofing out");
  return true;
}

static look read_look(sb_http_params *p, unsigned want) {
  look l = {.find = {.struct_size = sizeof l.find, .want = want}, .whole = read_skip(p)};
  if (l.whole) l.find.want |= SB_WANT_WHOLE_PHOTO;
  l.spoofs = read_anti_spoofing(p);
  if (l.spoofs) l.find.want |= SB_WANT_LIVENESS;
  l.enforce = read_bool(p, "enforce_detection", true);
  l.most = sb_http_params_count(p, "max_faces", 1, 1000, 0);
  l.find.photo = sb_http_params_photo(p, "img");
  return l;
}

static sb_status no_face(sb_error *error) {
  return sb_fail(error, SB_NO_FACE,
                 "no face was found in img; send a photo where it is larger, or enforce_detection=false");
}

static sb_status check_spoofs(const sb_faces *faces, sb_error *error) {
  for (size_t i = 0; i < faces->count; i++)
    if (faces->items[i].has_live && !faces->items[i].is_live)
      return sb_fail(error, SB_NOT_LIVE, "Spoof detected in the given image.");
  return SB_OK;
}

/* The same for photos that the engine's own verbs read afterwards. */
static sb_status check_photos(sb_http_request *request, const sb_photo *photos, size_t count, bool whole,
                              sb_error *error) {
  const unsigned want = SB_WANT_LIVENESS | (whole ? SB_WANT_WHOLE_PHOTO : 0);
  for (size_t i = 0; i < count; i++) {
    const sb_find_request find = {.struct_size = sizeof find, .photo = photos[i], .want = want};
    sb_faces *faces = NULL;
    sb_status status = sb_engine_find_faces(request->context->engine, &find, &faces, error);
    if (status == SB_OK) status = check_spoofs(faces, error);
    sb_faces_free(faces);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status find_faces(sb_http_request *request, const look *l, sb_faces **out, sb_error *error) {
  sb_status status = sb_engine_find_faces(request->context->engine, &l->find, out, error);
  if (status != SB_OK) return status;
  sb_faces *faces = *out;
  while (l->most && faces->count > l->most) free(faces->items[--faces->count].embedding); /* the largest come first */
  if (!faces->count && l->enforce) return no_face(error);
  return l->spoofs ? check_spoofs(faces, error) : SB_OK;
}

void sb_http_handle_deepface_represent(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  char model[64];
  sb_http_params p = sb_http_params_begin(request);
  read_model(&p, model);
  look l = read_look(&p, SB_WANT_EMBEDDING);
  if (*model) l.find.model = model;
  if (sb_http_params_failed(&p)) return;
  if (!sb_http_failed(request, find_faces(request, &l, &faces, &error), &error)) {
    json_t *results = json_array();
    for (size_t i = 0; i < faces->count; i++) {
      const sb_face *face = &faces->items[i];
      sb_json_append(&results,
                     json_pack("{s:o,s:o,s:o}", "embedding", sb_json_floats(face->embedding, faces->dim), "facial_area",
                               area_json(face, l.whole), "face_confidence", confidence_json(face)));
    }
    sb_http_reply_json(request, 200, json_pack("{s:o,s:s}", "results", results, "model_name", faces->model));
  }
  sb_faces_free(faces);
}

/* ---- verify */

void sb_http_handle_deepface_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_comparison c;
  sb_engine_info info = {0};
  char model[64];
  double start = sb_monotonic_ms();
  sb_http_params p = sb_http_params_begin(request);
  sb_verify_request verify = {.struct_size = sizeof verify, .target = sb_http_operating_point(request->context)};
  verify.target.fpir = 0; /* a rate of searches: it says nothing about two photos */
  metric m = read_metric(&p);
  read_model(&p, model);
  if (*model) verify.model = model;
  bool whole = verify.whole_photo = read_skip(&p), spoofs = read_anti_spoofing(&p);
  verify.photos[0] = sb_http_params_photo(&p, "img1");
  verify.photos[1] = sb_http_params_photo(&p, "img2");
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_info_get(request->context->engine, &info, &error), &error)) return;
  if (spoofs && sb_http_failed(request, check_photos(request, verify.photos, 2, whole, &error), &error)) return;
  if (sb_http_failed(request, sb_engine_verify(request->context->engine, &verify, &c, &error), &error)) return;
  json_t *areas = json_pack("{s:o,s:o}", "img1", area_json(&c.faces[0], whole), "img2", area_json(&c.faces[1], whole));
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:o,s:o,s:o,s:s,s:s,s:s,s:o,s:o}", "verified", c.verdict == SB_VERDICT_MATCH,
                               "distance", distance_json(m, c.score), "threshold", distance_json(m, c.threshold),
                               "confidence", certainty_json(c.score, c.threshold), "model", *model ? model : info.model,
                               "detector_backend", whole ? "skip" : "semblance", "similarity_metric", metric_names[m],
                               "facial_areas", areas, "time", sb_json_rounded((sb_monotonic_ms() - start) / 1000, 3)));
}

/* ---- analyze */

enum { DO_AGE = 1, DO_GENDER = 2, DO_RACE = 4, DO_EMOTION = 8, DO_ALL = 15 };

/* "actions": a list, or words separated by commas. */
static unsigned read_actions(sb_http_params *p) {
  static const char *const words[] = {"age", "gender", "race", "emotion"};
  unsigned actions = 0;
  size_t at = 0, given = 0;
  for (const char *text; (text = sb_http_params_next(p, "actions", &at)); given++)
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
      if (strstr(text, words[w])) actions |= 1u << w;
  if (!given) return DO_ALL;
  if (!actions) sb_http_params_reject(p, SB_INVALID, "actions are age, gender, race and emotion: give one or several");
  return actions;
}

static json_t *percent(float share) {
  return number(100 * (double)share);
}

static void add_race(json_t **json, const sb_attributes *a) {
  json_t *race = json_object();
  for (int i = 0; i < SB_ETHNICITIES; i++)
    if (a->ethnicity[i] >= 0) sb_json_set(&race, sb_ethnicity_name(i), percent(a->ethnicity[i]));
  sb_json_set(json, "dominant_race", json_string(sb_ethnicity_name(a->ethnicity_dominant)));
  sb_json_set(json, "race", race);
}

/* DeepFace's words for our expressions, in our order. */
static void add_emotion(json_t **json, const sb_expression *e) {
  static const char *const words[SB_EXPRESSIONS] = {"neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"};
  json_t *emotion = json_object();
  for (int i = 0; i < SB_EXPRESSIONS; i++) sb_json_set(&emotion, words[i], percent(e->probability[i]));
  sb_json_set(json, "dominant_emotion", json_string(words[e->dominant]));
  sb_json_set(json, "emotion", emotion);
}

/* The analysis of one face. Attributes that no installed model estimates are below 0, and are left out. */
static json_t *analysis_json(const sb_face *face, bool whole, unsigned actions) {
  const sb_attributes *a = &face->attributes;
  json_t *json = json_pack("{s:o,s:o}", "region", area_json(face, whole), "face_confidence", confidence_json(face));
  if (actions & DO_AGE && a->age >= 0) sb_json_set(&json, "age", json_integer(lroundf(a->age)));
  if (actions & DO_GENDER && a->man >= 0) {
    sb_json_set(&json, "dominant_gender", json_string(a->man >= a->woman ? "Man" : "Woman"));
    sb_json_set(&json, "gender", json_pack("{s:o,s:o}", "Man", percent(a->man), "Woman", percent(a->woman)));
  }
  if (actions & DO_RACE && a->ethnicity[a->ethnicity_dominant] >= 0) add_race(&json, a);
  if (actions & DO_EMOTION && face->has_expression) add_emotion(&json, &face->expression);
  return json;
}

void sb_http_handle_deepface_analyze(sb_http_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  sb_http_params p = sb_http_params_begin(request);
  unsigned actions = read_actions(&p);
  const look l = read_look(&p, (actions & ~(unsigned)DO_EMOTION ? SB_WANT_ATTRIBUTES : 0) |
                                   (actions & DO_EMOTION ? SB_WANT_POSE : 0));
  if (sb_http_params_failed(&p)) return;
  sb_status status = find_faces(request, &l, &faces, &error);
  if (status == SB_OK && actions == DO_EMOTION && faces->count && !faces->items[0].has_expression)
    status = sb_fail(&error, SB_INVALID, "actions: no model for emotion is installed; give age, gender or race");
  if (!sb_http_failed(request, status, &error)) {
    json_t *results = json_array();
    for (size_t i = 0; i < faces->count; i++)
      sb_json_append(&results, analysis_json(&faces->items[i], l.whole, actions));
    sb_http_reply_json(request, 200, json_pack("{s:o}", "results", results));
  }
  sb_faces_free(faces);
}

/* ---- register, search, build/index */

void sb_http_handle_deepface_register(sb_http_request *request) {
  sb_error error = {0};
  sb_enrolled *enrolled = NULL;
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {.struct_size = sizeof enrolment,
                                 .collection = sb_http_params_collection(&p),
                                 .photo_count = 1,
                                 .flags = SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  enrolment.id = enrolment.name = sb_http_params_required_id(&p, "img_name", "the name of the person");
  check_model(&p, enrolment.collection);
  bool whole = read_skip(&p), spoofs = read_anti_spoofing(&p);
  if (whole) enrolment.flags |= SB_ENROLL_WHOLE_PHOTO;
  const sb_photo photo = sb_http_params_photo(&p, "img");
  enrolment.photos = &photo;
  if (sb_http_params_failed(&p)) return;
  if (spoofs && sb_http_failed(request, check_photos(request, &photo, 1, whole, &error), &error)) return;
  if (sb_http_failed(request, sb_engine_enroll(request->context->engine, &enrolment, &enrolled, &error), &error))
    return;
  sb_http_reply_json(request, 200, json_pack("{s:I}", "inserted", (json_int_t)enrolled->faces_added));
  sb_enrolled_free(enrolled);
}

typedef struct hits {
  const sb_search_result *result;
  const char *model;
  metric metric;
  bool nearest; /* similarity_search: the nearest people, also those who do not match */
} hits;

static json_t *hit_json(const hits *h, const sb_search_face *face, const sb_candidate *c) {
  const sb_box *box = &face->face.box;
  return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:s,s:i,s:i,s:i,s:i}", "id", c->id, "img_name", c->name, "model_name",
                   h->model, "distance", distance_json(h->metric, c->score), "threshold",
                   distance_json(h->metric, h->result->threshold), "confidence",
                   certainty_json(c->score, h->result->threshold), "distance_metric", metric_names[h->metric],
                   "target_x", (int)lroundf(box->x), "target_y", (int)lroundf(box->y), "target_w", (int)lroundf(box->w),
                   "target_h", (int)lroundf(box->h));
}

static json_t *face_hits_json(const hits *h, const sb_search_face *face) {
  json_t *list = json_array();
  for (size_t i = 0; i < face->count; i++)
    if (h->nearest || face->candidates[i].verdict == SB_VERDICT_MATCH)
      sb_json_append(&list, hit_json(h, face, &face->candidates[i]));
  return list;
}

void sb_http_handle_deepface_search(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  char model[64];
  sb_http_params p = sb_http_params_begin(request);
  sb_search_request search = {.struct_size = sizeof search, .target = sb_http_operating_point(request->context)};
  hits h = {.model = model, .metric = read_metric(&p), .nearest = read_bool(&p, "similarity_search", false)};
  bool enforce = read_bool(&p, "enforce_detection", true);
  search.collection = sb_http_params_collection(&p);
  check_model(&p, search.collection);
  search.whole_photo = read_skip(&p);
  if (search.whole_photo && !sb_http_principal_is_admin(&request->principal))
    sb_http_params_reject(&p, SB_FORBIDDEN, "detector_backend: skip needs a key of role admin in a search");
  bool spoofs = read_anti_spoofing(&p);
  search.k = sb_http_params_count(&p, "k", 1, SB_K_MAX, 5);
  search.photo = sb_http_params_photo(&p, "img");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_collection_model(request->context->engine, search.collection, model, &error);
  if (status == SB_OK && spoofs) status = check_photos(request, &search.photo, 1, search.whole_photo, &error);
  if (status == SB_OK) status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK && !result->count && enforce) status = no_face(&error);
  if (status == SB_OK) sb_http_disclose_search(request->context, &request->principal, false, result);
  if (!sb_http_failed(request, status, &error)) {
    json_t *results = json_array();
    h.result = result;
    for (size_t i = 0; i < result->count; i++) sb_json_append(&results, face_hits_json(&h, &result->faces[i]));
    sb_http_reply_json(request, 200, json_pack("{s:o}", "results", results));
  }
  sb_search_result_free(result);
}

/* DeepFace builds its index by hand; here everybody who is registered can be found at once. */
void sb_http_handle_deepface_build(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s}", "message", "the index is always up to date"));
}
