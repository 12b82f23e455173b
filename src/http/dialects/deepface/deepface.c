/* DeepFace's REST API over the engine. Field names and shapes are DeepFace's. What is not copied: photos come as
 * files or base64 only, never as addresses or paths that the server would open, and "false" is false.
 *
 * A distance is 1 - score, and the threshold is the engine's own, so that `distance <= threshold` says what `verified`
 * does. The score is the cosine, normalised by the gallery; every other metric is a function of it as of a cosine of
 * unit vectors. */
#include "http/dialects/deepface/deepface.h"
#include "http/core/disclosure.h"
#include "http/dialects/deepface/options.h"
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

/* 0 where no face was found and the whole photo was taken for one. */
static json_t *confidence_json(const sb_face *face, bool fallback) {
  return sb_json_rounded(fallback ? 0 : face->score, 2);
}

/* How certain it is, in percent, that two faces are of one person, in DeepFace's ranges: 51 to 100 where that is
 * verified, growing with the score, and 49 down to 0 where it is not. */
static json_t *certainty_json(double score, double threshold, bool verified) {
  double above = fmax(0, fmin(1, (score - threshold) / (1 - threshold)));
  double below = fmax(0, fmin(1, (threshold - score) / (1 + threshold)));
  return sb_json_rounded(verified ? 51 + 49 * above : 49 * (1 - below), 2);
}

/* ---- represent */

typedef struct look {
  sb_find_request find;
  sb_http_deepface_options options;
  bool spoofs; /* anti_spoofing: a face that is a picture is an error */
  size_t most; /* max_faces; 0: all */
  const sb_photo *photos;
  size_t count;
} look;

/* The faces of one photo. */
typedef struct found {
  sb_faces *faces;
  bool whole;    /* the photo was taken as the face */
  bool fallback; /* because no face was found in it */
} found;

/* "anti_spoofing": needs models that decide; those whose answer is only a hint refuse too many people. */
static bool read_anti_spoofing(sb_http_params *p) {
  sb_error error = {0};
  sb_engine_liveness models = {0};
  if (!sb_http_deepface_bool(p, "anti_spoofing", false)) return false;
  sb_http_params_check(p, sb_engine_liveness_models(p->request->context->engine, &models, &error), &error);
  if (!models.count || models.experimental)
    sb_http_params_reject(
        p, SB_INVALID,
        "anti_spoofing: no model for it is installed; install MiniFASNet on the server (script/models "
        "minifasnet), or leave anti_spoofing out");
  return true;
}

static look read_look(sb_http_params *p, unsigned want) {
  look l = {.find = {.struct_size = sizeof l.find, .want = want}, .options = sb_http_deepface_options_read(p)};
  if (l.options.skip) l.find.want |= SB_WANT_WHOLE_PHOTO;
  l.spoofs = read_anti_spoofing(p);
  if (l.spoofs) l.find.want |= SB_WANT_LIVENESS;
  l.most = sb_http_params_count(p, "max_faces", 1, 1000, 0);
  l.photos = sb_http_deepface_photos(p, "img", "img_path", &l.count);
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

/* out->faces is released by the caller, also after a failure. */
static sb_status find_faces(sb_http_request *request, const look *l, sb_photo photo, found *out, sb_error *error) {
  sb_find_request find = l->find;
  find.photo = photo;
  *out = (found){.whole = l->options.skip};
  sb_status status = sb_engine_find_faces(request->context->engine, &find, &out->faces, error);
  if (status != SB_OK) return status;
  if (!out->faces->count && l->options.enforce) return no_face(error);
  if (!out->faces->count) {
    sb_faces_free(out->faces);
    *out = (found){.whole = true, .fallback = true};
    find.want |= SB_WANT_WHOLE_PHOTO;
    status = sb_engine_find_faces(request->context->engine, &find, &out->faces, error);
    if (status != SB_OK) return status;
  }
  sb_faces *faces = out->faces;
  while (l->most && faces->count > l->most) free(faces->items[--faces->count].embedding); /* the largest come first */
  return l->spoofs ? check_spoofs(faces, error) : SB_OK;
}

typedef sb_status (*describe)(const found *f, const void *context, json_t **out, sb_error *error);

/* Replies with the results of all photos, as `write` gives them for each: of several photos a list of lists.
 * `model`: also the model's name. */
static void reply_results(sb_http_request *request, const look *l, describe write, const void *context, bool model) {
  sb_error error = {0};
  sb_status status = SB_OK;
  char name[64] = "";
  json_t *results = NULL, *all = l->count == 1 ? NULL : json_array();
  for (size_t i = 0; status == SB_OK && i < l->count; i++) {
    found f;
    status = find_faces(request, l, l->photos[i], &f, &error);
    if (status == SB_OK) status = write(&f, context, &results, &error);
    if (status == SB_OK) snprintf(name, sizeof name, "%s", f.faces->model);
    if (status == SB_OK && l->count > 1) sb_json_append(&all, results);
    sb_faces_free(f.faces);
  }
  if (l->count > 1) results = all;
  if (sb_http_failed(request, status, &error)) {
    json_decref(results);
    return;
  }
  json_t *body = json_pack("{s:o}", "results", results);
  if (model) sb_json_set(&body, "model_name", json_string(name));
  sb_http_reply_json(request, 200, body);
}

static sb_status write_embeddings(const found *f, const void *context, json_t **out, sb_error *error) {
  (void)context, (void)error;
  *out = json_array();
  for (size_t i = 0; i < f->faces->count; i++) {
    const sb_face *face = &f->faces->items[i];
    sb_json_append(out, json_pack("{s:o,s:o,s:o}", "embedding", sb_json_floats(face->embedding, f->faces->dim),
                                  "facial_area", area_json(face, f->whole), "face_confidence",
                                  confidence_json(face, f->fallback)));
  }
  return SB_OK;
}

void sb_http_handle_deepface_represent(sb_http_request *request) {
  char model[64];
  sb_http_params p = sb_http_params_begin(request);
  read_model(&p, model);
  look l = read_look(&p, SB_WANT_EMBEDDING);
  if (*model) l.find.model = model;
  if (!sb_http_params_failed(&p)) reply_results(request, &l, write_embeddings, NULL, true);
}

/* ---- verify */

typedef struct pair {
  sb_verify_request verify; /* of two photos */
  sb_http_deepface_side sides[2];
  sb_http_deepface_options options;
  metric metric;
  bool spoofs;
} pair;

static pair read_pair(sb_http_params *p, char model[64]) {
  pair d = {.metric = read_metric(p)};
  d.verify =
      (sb_verify_request){.struct_size = sizeof d.verify, .target = sb_http_operating_point(p->request->context)};
  d.verify.target.fpir = 0; /* a rate of searches: it says nothing about two photos */
  read_model(p, model);
  if (*model) d.verify.model = model;
  d.options = sb_http_deepface_options_read(p);
  d.verify.whole_photo = d.options.skip;
  d.spoofs = read_anti_spoofing(p);
  d.sides[0] = sb_http_deepface_side_read(p, "img1", "img1_path");
  d.sides[1] = sb_http_deepface_side_read(p, "img2", "img2_path");
  for (int i = 0; i < 2; i++) {
    d.verify.photos[i] = d.sides[i].photo;
    if (d.sides[i].embedding.values && d.options.skip)
      sb_http_params_reject(p, SB_INVALID, "detector_backend: skip is for photos, and img%d is an embedding", i + 1);
  }
  return d;
}

/* Compares an embedding with another, or with a photo. */
static sb_status compare_embedding(sb_engine *engine, const pair *d, sb_comparison *out, sb_error *error) {
  int at = d->sides[0].embedding.values ? 0 : 1, other = 1 - at;
  const sb_http_vector *one = &d->sides[at].embedding, *two = &d->sides[other].embedding;
  const sb_template_comparison request = {.model = d->verify.model,
                                          .vector = one->values,
                                          .dim = one->count,
                                          .other = two->values,
                                          .other_dim = two->count,
                                          .photo = d->sides[other].photo};
  sb_status status = sb_engine_verify_template(engine, &request, out, error);
  if (status == SB_OK && other == 1) out->faces[1] = out->faces[0];
  return status;
}

static sb_status compare_pair(sb_http_request *request, const pair *d, sb_comparison *out, sb_error *error) {
  sb_engine *engine = request->context->engine;
  for (int i = 0; i < 2 && d->spoofs; i++) {
    sb_status status =
        d->sides[i].embedding.values ? SB_OK : check_photos(request, &d->sides[i].photo, 1, d->options.skip, error);
    if (status != SB_OK) return status;
  }
  bool photos = !d->sides[0].embedding.values && !d->sides[1].embedding.values;
  return photos ? sb_engine_verify(engine, &d->verify, out, error) : compare_embedding(engine, d, out, error);
}

static json_t *side_json(const pair *d, const sb_comparison *c, int side) {
  if (!d->sides[side].embedding.values) return area_json(&c->faces[side], d->options.skip);
  return json_pack("{s:n,s:n,s:n,s:n,s:n,s:n}", "x", "y", "w", "h", "left_eye", "right_eye");
}

void sb_http_handle_deepface_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_comparison c;
  sb_engine_info info = {0};
  char model[64];
  double start = sb_monotonic_ms();
  sb_http_params p = sb_http_params_begin(request);
  const char *asked = sb_http_params_text(&p, "model_name");
  const pair d = read_pair(&p, model);
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_info_get(request->context->engine, &info, &error), &error)) return;
  if (sb_http_failed(request, compare_pair(request, &d, &c, &error), &error)) return;
  json_t *areas = json_pack("{s:o,s:o}", "img1", side_json(&d, &c, 0), "img2", side_json(&d, &c, 1));
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:o,s:o,s:o,s:s,s:s,s:s,s:o,s:o}", "verified", c.verdict == SB_VERDICT_MATCH,
                               "distance", distance_json(d.metric, c.score), "threshold",
                               distance_json(d.metric, c.threshold), "confidence",
                               certainty_json(c.score, c.threshold, c.verdict == SB_VERDICT_MATCH), "model",
                               asked ? asked : info.model, "detector_backend", d.options.detector, "similarity_metric",
                               metric_names[d.metric], "facial_areas", areas, "time",
                               sb_json_rounded((sb_monotonic_ms() - start) / 1000, 3)));
}

/* ---- analyze */

enum { DO_AGE = 1, DO_GENDER = 2, DO_RACE = 4, DO_EMOTION = 8, DO_ALL = 15 };

static unsigned action_of(const char *word, size_t length) {
  static const char *const words[] = {"age", "gender", "race", "emotion"};
  for (size_t w = 0; w < sizeof words / sizeof *words; w++)
    if (strlen(words[w]) == length && !strncmp(word, words[w], length)) return 1u << w;
  return 0;
}

/* "actions": a list, or words separated by commas, also as Python or JSON write a list: '["age", "gender"]'. */
static unsigned read_actions(sb_http_params *p) {
  static const char between[] = "[]()\"', ";
  unsigned actions = 0;
  size_t at = 0;
  bool unknown = false;
  for (const char *text; (text = sb_http_params_next(p, "actions", &at));)
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
      size_t length = strcspn(text, between);
      unsigned action = action_of(text, length);
      unknown |= !action;
      actions |= action;
      text += length;
    }
  if (unknown) sb_http_params_reject(p, SB_INVALID, "actions are age, gender, race and emotion: give one or several");
  return actions ? actions : DO_ALL;
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
static json_t *analysis_json(const sb_face *face, const found *f, unsigned actions) {
  const sb_attributes *a = &face->attributes;
  json_t *json = json_pack("{s:o,s:o}", "region", area_json(face, f->whole), "face_confidence",
                           confidence_json(face, f->fallback));
  if (actions & DO_AGE && a->age >= 0) sb_json_set(&json, "age", json_integer(lroundf(a->age)));
  if (actions & DO_GENDER && a->man >= 0) {
    sb_json_set(&json, "dominant_gender", json_string(a->man >= a->woman ? "Man" : "Woman"));
    sb_json_set(&json, "gender", json_pack("{s:o,s:o}", "Man", percent(a->man), "Woman", percent(a->woman)));
  }
  if (actions & DO_RACE && a->ethnicity[a->ethnicity_dominant] >= 0) add_race(&json, a);
  if (actions & DO_EMOTION && face->has_expression) add_emotion(&json, &face->expression);
  return json;
}

static sb_status write_analyses(const found *f, const void *context, json_t **out, sb_error *error) {
  unsigned actions = *(const unsigned *)context;
  if (actions == DO_EMOTION && f->faces->count && !f->faces->items[0].has_expression)
    return sb_fail(error, SB_INVALID, "actions: no model for emotion is installed; give age, gender or race");
  *out = json_array();
  for (size_t i = 0; i < f->faces->count; i++) sb_json_append(out, analysis_json(&f->faces->items[i], f, actions));
  return SB_OK;
}

void sb_http_handle_deepface_analyze(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  unsigned actions = read_actions(&p);
  const look l = read_look(&p, (actions & ~(unsigned)DO_EMOTION ? SB_WANT_ATTRIBUTES : 0) |
                                   (actions & DO_EMOTION ? SB_WANT_POSE : 0));
  if (!sb_http_params_failed(&p)) reply_results(request, &l, write_analyses, &actions, false);
}

/* ---- register, search, build/index */

/* Registers everybody in a photo, as people of their own who have `name` in common; NULL: none. */
static sb_status register_group(sb_http_request *request, const sb_enroll_request *enrolment, const char *name,
                                size_t *inserted, sb_error *error) {
  sb_engine_each_enrolled *group = NULL;
  const sb_engine_each_request each = {.collection = enrolment->collection, .photo = enrolment->photos[0], .id = name};
  sb_status status = sb_engine_enroll_each(request->context->engine, &each, &group, error);
  for (size_t i = 0; status == SB_OK && i < group->count; i++) *inserted += group->items[i].outcome == SB_OK;
  sb_engine_each_enrolled_free(group);
  return status;
}

/* Registers the faces of one photo; `name` NULL: as people of their own. */
static sb_status register_photo(sb_http_request *request, sb_enroll_request *enrolment, const char *name, bool enforce,
                                size_t *inserted, sb_error *error) {
  char made[SB_MADE_ID];
  sb_enrolled *enrolled = NULL;
  if (!name) sb_engine_make_id(made);
  enrolment->id = enrolment->name = name ? name : made;
  sb_status status = sb_engine_enroll(request->context->engine, enrolment, &enrolled, error);
  if (status == SB_SEVERAL_FACES) return register_group(request, enrolment, name, inserted, error);
  if (status == SB_NO_FACE && !enforce) {
    sb_enroll_request whole = *enrolment;
    whole.flags |= SB_ENROLL_WHOLE_PHOTO;
    status = sb_engine_enroll(request->context->engine, &whole, &enrolled, error);
  }
  if (status == SB_OK) *inserted += enrolled->faces_added;
  sb_enrolled_free(enrolled);
  return status;
}

void sb_http_handle_deepface_register(sb_http_request *request) {
  sb_error error = {0};
  size_t count = 0, inserted = 0;
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {.struct_size = sizeof enrolment,
                                 .collection = sb_http_params_collection(&p),
                                 .photo_count = 1,
                                 .flags = SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN | SB_ENROLL_STRICT_SINGLE};
  const char *name = sb_http_params_id(&p, "img_name");
  check_model(&p, enrolment.collection);
  const sb_http_deepface_options options = sb_http_deepface_options_read(&p);
  bool spoofs = read_anti_spoofing(&p);
  if (options.skip) enrolment.flags |= SB_ENROLL_WHOLE_PHOTO;
  const sb_photo *photos = sb_http_deepface_photos(&p, "img", "img_path", &count);
  if (sb_http_params_failed(&p)) return;
  if (spoofs && sb_http_failed(request, check_photos(request, photos, count, options.skip, &error), &error)) return;
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    enrolment.photos = &photos[i];
    status = register_photo(request, &enrolment, name && *name ? name : NULL, options.enforce, &inserted, &error);
  }
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:I}", "inserted", (json_int_t)inserted));
}

typedef struct hits {
  const sb_search_result *result;
  const char *model;
  sb_http_deepface_options options;
  metric metric;
  bool nearest; /* similarity_search: the nearest people, also those who do not match */
} hits;

static json_t *hit_json(const hits *h, const sb_search_face *face, const sb_candidate *c) {
  const sb_box *box = &face->face.box;
  return json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:s,s:o,s:o,s:o,s:s,s:i,s:i,s:i,s:i}", "id", c->id, "img_name", c->name,
                   "model_name", h->model, "detector_backend", h->options.detector, "aligned", !h->options.skip,
                   "l2_normalized", 1, "search_method", h->options.method, "distance",
                   distance_json(h->metric, c->score), "threshold", distance_json(h->metric, h->result->threshold),
                   "confidence", certainty_json(c->score, h->result->threshold, c->verdict == SB_VERDICT_MATCH),
                   "distance_metric", metric_names[h->metric], "target_x", (int)lroundf(box->x), "target_y",
                   (int)lroundf(box->y), "target_w", (int)lroundf(box->w), "target_h", (int)lroundf(box->h));
}

static json_t *face_hits_json(const hits *h, const sb_search_face *face) {
  json_t *list = json_array();
  for (size_t i = 0; i < face->count; i++)
    if (h->nearest || face->candidates[i].verdict == SB_VERDICT_MATCH)
      sb_json_append(&list, hit_json(h, face, &face->candidates[i]));
  return list;
}

/* Appends the hits of each face of one photo. Only an admin may search for a photo without a face as one. */
static sb_status search_photo(sb_http_request *request, sb_search_request *search, hits *h, json_t **results,
                              sb_error *error) {
  sb_search_result *result = NULL;
  sb_status status = sb_engine_search(request->context->engine, search, &result, error);
  if (status == SB_OK && !result->count && h->options.enforce) status = no_face(error);
  if (status == SB_OK && !result->count && sb_http_principal_is_admin(&request->principal)) {
    sb_search_request whole = *search;
    whole.whole_photo = true;
    sb_search_result_free(result);
    result = NULL;
    status = sb_engine_search(request->context->engine, &whole, &result, error);
  }
  if (status == SB_OK) sb_http_disclose_search(request->context, &request->principal, false, result);
  h->result = result;
  for (size_t i = 0; status == SB_OK && i < result->count; i++)
    sb_json_append(results, face_hits_json(h, &result->faces[i]));
  sb_search_result_free(result);
  return status;
}

void sb_http_handle_deepface_search(sb_http_request *request) {
  sb_error error = {0};
  char model[64];
  size_t count = 0;
  sb_http_params p = sb_http_params_begin(request);
  sb_search_request search = {.struct_size = sizeof search, .target = sb_http_operating_point(request->context)};
  hits h = {.metric = read_metric(&p), .nearest = sb_http_deepface_bool(&p, "similarity_search", false)};
  h.model = sb_http_params_text(&p, "model_name");
  h.options = sb_http_deepface_options_read(&p);
  search.collection = sb_http_params_collection(&p);
  check_model(&p, search.collection);
  search.whole_photo = h.options.skip;
  if (search.whole_photo && !sb_http_principal_is_admin(&request->principal))
    sb_http_params_reject(&p, SB_FORBIDDEN, "detector_backend: skip needs a key of role admin in a search");
  bool spoofs = read_anti_spoofing(&p);
  search.k = sb_http_params_count(&p, "k", 1, SB_K_MAX, 5);
  const sb_photo *photos = sb_http_deepface_photos(&p, "img", "img_path", &count);
  if (sb_http_params_failed(&p)) return;
  json_t *results = json_array();
  sb_status status = sb_engine_collection_model(request->context->engine, search.collection, model, &error);
  if (status == SB_OK && spoofs) status = check_photos(request, photos, count, search.whole_photo, &error);
  if (!h.model) h.model = model;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    search.photo = photos[i];
    status = search_photo(request, &search, &h, &results, &error);
  }
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "results", results));
}

/* DeepFace builds its index by hand; here everybody who is registered can be found at once. */
void sb_http_handle_deepface_build(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s}", "message", "the index is always up to date"));
}
