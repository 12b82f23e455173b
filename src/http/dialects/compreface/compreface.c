/* CompreFace's REST API over the engine. A subject is a person whose id and name are the same; an image_id is the number of a
 * kept face in the shape of a UUID. No photo is kept, so none can be downloaded. */
#include "http/api/handlers.h"
#include "http/dialects/dialects.h"
#include "json/results.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 1000, CODE_UNDEFINED = 41 };

/* CompreFace's number for one of our error codes. */
static int code_of(const char *code) {
  static const struct {
    const char *ours;
    int theirs;
  } codes[] = {{"no_face", 28}, {"several_faces", 31}, {"not_found", 42}, {"exists", 43}};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (!strcmp(codes[i].ours, code)) return codes[i].theirs;
  return CODE_UNDEFINED;
}

static void reply(sb_http_request *request, sb_status status, unsigned http_status, json_t *json,
                  const sb_error *error) {
  if (status == SB_OK) {
    sb_http_reply_json(request, http_status, json);
  } else {
    json_decref(json);
    sb_http_reply_error(request, error);
  }
}

static const char *const image_format = "00000000-0000-4000-8000-%012" PRIx64;

static json_t *image_id(int64_t face) {
  char text[40];
  snprintf(text, sizeof text, "00000000-0000-4000-8000-%012" PRIx64, (uint64_t)face);
  return json_string(text);
}

static sb_status read_image_id(const char *text, int64_t *face, sb_error *error) {
  uint64_t number = 0;
  if (strlen(text) != 36 || sscanf(text, image_format, &number) != 1 || !number || number > INT64_MAX)
    return sb_fail(error, SB_NOT_FOUND, "there is no image of this id");
  *face = (int64_t)number;
  return SB_OK;
}

/* CompreFace's similarity goes from 0 to 1 and its users ask for 0.8 and more: "cannot tell" begins at 0.5, a match at 0.8. */
static double similarity_of(double cosine, double unsure, double threshold) {
  double value = cosine < unsure      ? 0.5 * cosine / unsure
                 : cosine < threshold ? 0.5 + 0.3 * (cosine - unsure) / (threshold - unsure)
                                      : 0.8 + 0.2 * (cosine - threshold) / (1 - threshold);
  return round(1e5 * fmax(0, fmin(1, value))) / 1e5;
}

/* ---- Faces as JSON */

typedef struct plugins {
  bool landmarks, age, gender, calculator;
  double least; /* det_prob_threshold */
  size_t faces; /* limit; 0: all */
  bool times;   /* status=true */
} plugins;

static sb_status read_plugins(sb_http_request *request, plugins *out, sb_error *error) {
  const char *text = NULL, *state = NULL;
  *out = (plugins){0};
  sb_status status = sb_http_request_text(request, "face_plugins", &text, error);
  if (status == SB_OK) status = sb_http_request_text(request, "status", &state, error);
  if (status == SB_OK) status = sb_http_request_real(request, "det_prob_threshold", 0, 1, &out->least, error);
  if (status == SB_OK) status = sb_http_request_count(request, "limit", 0, PAGE_MAX, &out->faces, error);
  if (status != SB_OK) return status;
  out->landmarks = text && strstr(text, "landmarks");
  out->age = text && strstr(text, "age");
  out->gender = text && strstr(text, "gender");
  out->calculator = text && strstr(text, "calculator");
  out->times = state && !strcasecmp(state, "true");
  return SB_OK;
}

static unsigned wanted(const plugins *p) {
  return (p->age || p->gender ? SB_WANT_ATTRIBUTES : 0) | (p->calculator ? SB_WANT_EMBEDDING : 0);
}

static json_t *box_of(const sb_face *face) {
  return json_pack("{s:f,s:i,s:i,s:i,s:i}", "probability", (double)face->score, "x_min", (int)lroundf(face->box.x),
                   "y_min", (int)lroundf(face->box.y), "x_max", (int)lroundf(face->box.x + face->box.w), "y_max",
                   (int)lroundf(face->box.y + face->box.h));
}

/* Ages come as a range: five years to each side, about the mean error of the estimate. */
static void add_plugins(json_t *json, const sb_face *face, const float *embedding, size_t dim, const plugins *p) {
  const sb_attributes *a = &face->attributes;
  if (p->age && face->has_attributes && a->age >= 0)
    json_object_set_new(json, "age",
                        json_pack("{s:i,s:i,s:f}", "low", (int)fmaxf(0, roundf(a->age) - 5), "high",
                                  (int)roundf(a->age) + 5, "probability", 0.5));
  if (p->gender && face->has_attributes && a->man >= 0)
    json_object_set_new(json, "gender",
                        json_pack("{s:s,s:f}", "value", a->man >= a->woman ? "male" : "female", "probability",
                                  (double)fmaxf(a->man, a->woman)));
  if (p->landmarks) {
    json_t *points = json_array();
    for (int i = 0; i < 5; i++)
      json_array_append_new(points,
                            json_pack("[i,i]", (int)lroundf(face->landmarks[i].x), (int)lroundf(face->landmarks[i].y)));
    json_object_set_new(json, "landmarks", points);
  }
  if (p->calculator && embedding) {
    json_t *numbers = json_array();
    for (size_t i = 0; i < dim; i++) json_array_append_new(numbers, json_real(embedding[i]));
    json_object_set_new(json, "embedding", numbers);
  }
}

static void add_time(json_t *json, double ms) {
  json_object_set_new(json, "execution_time", json_pack("{s:f}", "total", round(10 * ms) / 10));
}

static json_t *plugins_versions(const sb_http_request *request) {
  sb_engine_info info = {0};
  sb_engine_info_get(request->context->engine, &info, NULL);
  return json_pack("{s:s,s:s}", "detector", "semblance", "calculator", info.model);
}

static bool is_wanted(const sb_face *face, const plugins *p, size_t so_far) {
  return face->score >= p->least && (!p->faces || so_far < p->faces);
}

static sb_status look_at(sb_http_request *request, sb_photo photo, unsigned want, sb_faces **out, sb_error *error) {
  sb_find_request find = {.struct_size = sizeof find, .photo = photo, .want = want};
  return sb_engine_find_faces(request->context->engine, &find, out, error);
}

static sb_status no_face(sb_error *error) {
  return sb_fail(error, SB_NO_FACE, "No face is found in the given image");
}

/* ---- Subjects */

static sb_status read_subject(sb_http_request *request, const char **out, sb_error *error) {
  sb_status status = sb_http_request_text(request, "subject", out, error);
  if (status == SB_OK && !*out) status = sb_fail(error, SB_INVALID, "subject is missing");
  return status;
}

void sb_http_handle_compreface_subjects(sb_http_request *request) {
  sb_error error = {0};
  sb_list_request list = {.struct_size = sizeof list, .limit = PAGE_MAX};
  json_t *names = json_array();
  sb_status status = sb_http_request_collection(request, &list.collection, &error);
  do {
    sb_people *people = NULL;
    if (status == SB_OK) status = sb_engine_list(request->context->engine, &list, &people, &error);
    for (size_t i = 0; status == SB_OK && i < people->count; i++)
      json_array_append_new(names, json_string(people->items[i].id));
    list.after = status == SB_OK ? people->next : 0;
    sb_people_free(people);
  } while (list.after);
  reply(request, status, 200, json_pack("{s:o}", "subjects", names), &error);
}

void sb_http_handle_compreface_subject_add(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL, *subject = NULL;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = read_subject(request, &subject, &error);
  if (status == SB_OK) status = sb_engine_add(request->context->engine, collection, subject, subject, NULL, &error);
  reply(request, status, 201, status == SB_OK ? json_pack("{s:s}", "subject", subject) : NULL, &error);
}

/* A subject that gets the name of another becomes part of it. */
void sb_http_handle_compreface_subject_rename(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL, *subject = NULL, *old = request->path_parameters[0];
  sb_engine *engine = request->context->engine;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = read_subject(request, &subject, &error);
  if (status == SB_OK && strcmp(subject, old)) {
    status = sb_engine_change_id(engine, collection, old, subject, &error);
    if (status == SB_EXISTS)
      status = sb_engine_merge(engine, collection, subject, old, NULL, &error);
    else if (status == SB_OK)
      status = sb_engine_rename(engine, collection, subject, subject, &error);
  } else if (status == SB_OK) {
    sb_people *people = NULL;
    status = sb_engine_get(engine, collection, old, &people, &error);
    sb_people_free(people);
  }
  reply(request, status, 200, json_pack("{s:b}", "updated", 1), &error);
}

void sb_http_handle_compreface_subject_delete(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK)
    status = sb_engine_delete(request->context->engine, collection, request->path_parameters[0], NULL, &error);
  reply(request, status, 200, json_pack("{s:s}", "subject", request->path_parameters[0]), &error);
}

void sb_http_handle_compreface_subjects_delete(sb_http_request *request) {
  sb_error error = {0};
  sb_list_request list = {.struct_size = sizeof list, .limit = PAGE_MAX};
  size_t deleted = 0, found = 1;
  sb_status status = sb_http_request_collection(request, &list.collection, &error);
  while (status == SB_OK && found) {
    sb_people *people = NULL;
    status = sb_engine_list(request->context->engine, &list, &people, &error);
    found = status == SB_OK ? people->count : 0;
    for (size_t i = 0; status == SB_OK && i < found; i++, deleted++)
      status = sb_engine_delete(request->context->engine, list.collection, people->items[i].id, NULL, &error);
    sb_people_free(people);
  }
  reply(request, status, 200, json_pack("{s:I}", "deleted", (json_int_t)deleted), &error);
}

/* ---- Faces that are kept */

void sb_http_handle_compreface_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_kept_faces *kept = NULL;
  const char *collection = NULL, *subject = NULL;
  size_t page = 0, size = 20;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "subject", &subject, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "page", 0, 1000000, &page, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "size", 1, PAGE_MAX, &size, &error);
  if (status == SB_OK)
    status = sb_engine_faces(request->context->engine, collection, subject, page * size, size, &kept, &error);
  json_t *faces = json_array();
  for (size_t i = 0; status == SB_OK && i < kept->count; i++)
    json_array_append_new(
        faces, json_pack("{s:o,s:s}", "image_id", image_id(kept->items[i].face), "subject", kept->items[i].id));
  size_t total = status == SB_OK ? kept->total : 0;
  reply(request, status, 200,
        json_pack("{s:o,s:I,s:I,s:I,s:I}", "faces", faces, "page_number", (json_int_t)page, "page_size",
                  (json_int_t)size, "total_pages", (json_int_t)((total + size - 1) / size), "total_elements",
                  (json_int_t)total),
        &error);
  sb_kept_faces_free(kept);
}

void sb_http_handle_compreface_face_add(sb_http_request *request) {
  sb_error error = {0};
  sb_photo photo = {0};
  sb_enrolled *enrolled = NULL;
  sb_enroll_request enroll = {.struct_size = sizeof enroll, .photos = &photo, .photo_count = 1, .flags = SB_ENROLL_ADD};
  sb_status status = sb_http_request_collection(request, &enroll.collection, &error);
  if (status == SB_OK) status = read_subject(request, &enroll.id, &error);
  enroll.name = enroll.id;
  if (status == SB_OK) status = sb_http_request_photo(request, "file", &photo, &error);
  if (status == SB_OK) status = sb_engine_enroll(request->context->engine, &enroll, &enrolled, &error);
  reply(request, status, 201,
        status == SB_OK ? json_pack("{s:o,s:s}", "image_id", image_id(enrolled->kept[0]), "subject", enroll.id) : NULL,
        &error);
  sb_enrolled_free(enrolled);
}

/* The faces of a subject; the subject stays. */
void sb_http_handle_compreface_faces_delete(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL, *subject = NULL;
  size_t deleted = 0, found = 1;
  sb_engine *engine = request->context->engine;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = read_subject(request, &subject, &error);
  while (status == SB_OK && found) {
    sb_kept_faces *kept = NULL;
    status = sb_engine_faces(engine, collection, subject, 0, PAGE_MAX, &kept, &error);
    found = status == SB_OK ? kept->count : 0;
    for (size_t i = 0; status == SB_OK && i < found; i++, deleted++)
      status = sb_engine_face_delete(engine, collection, kept->items[i].face, NULL, &error);
    sb_kept_faces_free(kept);
  }
  reply(request, status, 200, json_pack("{s:I}", "deleted", (json_int_t)deleted), &error);
}

void sb_http_handle_compreface_face_delete(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL;
  char *owner = NULL;
  int64_t face = 0;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = read_image_id(request->path_parameters[0], &face, &error);
  if (status == SB_OK) status = sb_engine_face_delete(request->context->engine, collection, face, &owner, &error);
  reply(request, status, 200,
        status == SB_OK ? json_pack("{s:s,s:s}", "image_id", request->path_parameters[0], "subject", owner) : NULL,
        &error);
  free(owner);
}

/* A JSON list of image ids; those that are not there are passed over, as CompreFace does. */
void sb_http_handle_compreface_faces_delete_some(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL;
  json_t *deleted = json_array();
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK && !request->body_is_list)
    status = sb_fail(&error, SB_INVALID, "a JSON list of image ids is missing");
  for (size_t i = 0; status == SB_OK && i < request->field_count; i++) {
    const sb_http_field *part = &request->fields[i];
    char *owner = NULL;
    int64_t face = 0;
    if (strcmp(part->name, SB_HTTP_FIELD_ITEM)) continue;
    if (part->literal) status = sb_fail(&error, SB_INVALID, "an image id is text");
    const char *text = part->value.bytes ? part->value.bytes : "";
    if (status == SB_OK) status = read_image_id(text, &face, &error);
    if (status == SB_OK) status = sb_engine_face_delete(request->context->engine, collection, face, &owner, &error);
    if (status == SB_OK) json_array_append_new(deleted, json_pack("{s:s,s:s}", "image_id", text, "subject", owner));
    if (status == SB_NOT_FOUND) status = SB_OK;
    free(owner);
  }
  reply(request, status, 200, json_pack("{s:o}", "deleted", deleted), &error);
}

/* ---- Photos that are looked at */

void sb_http_handle_compreface_recognize(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_faces *faces = NULL;
  sb_search_request search = {
      .struct_size = sizeof search, .k = 1, .target = sb_http_operating_point(request->context)};
  plugins p;
  sb_status status = read_plugins(request, &p, &error);
  search.attributes = wanted(&p) & SB_WANT_ATTRIBUTES;
  if (status == SB_OK) status = sb_http_request_collection(request, &search.collection, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "prediction_count", 1, SB_K_MAX, &search.k, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "file", &search.photo, &error);
  if (status == SB_OK) status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK && !result->count) status = no_face(&error);
  if (status == SB_OK && p.calculator) status = look_at(request, search.photo, SB_WANT_EMBEDDING, &faces, &error);
  json_t *rows = json_array();
  for (size_t i = 0; status == SB_OK && i < result->count; i++) {
    const sb_search_face *face = &result->faces[i];
    if (!is_wanted(&face->face, &p, json_array_size(rows))) continue;
    json_t *subjects = json_array();
    for (size_t j = 0; j < face->count; j++)
      json_array_append_new(
          subjects, json_pack("{s:s,s:f}", "subject", face->candidates[j].id, "similarity",
                              similarity_of(face->candidates[j].similarity, result->unsure, result->threshold)));
    json_t *row = json_pack("{s:o,s:o}", "box", box_of(&face->face), "subjects", subjects);
    add_plugins(row, &face->face, faces && i < faces->count ? faces->items[i].embedding : NULL, faces ? faces->dim : 0,
                &p);
    if (p.times) add_time(row, result->elapsed_ms);
    json_array_append_new(rows, row);
  }
  json_t *body = json_pack("{s:o}", "result", rows);
  if (p.times) json_object_set_new(body, "plugins_versions", plugins_versions(request));
  reply(request, status, 200, body, &error);
  sb_faces_free(faces);
  sb_search_result_free(result);
}

void sb_http_handle_compreface_detect(sb_http_request *request) {
  sb_error error = {0};
  sb_photo photo = {0};
  sb_faces *faces = NULL;
  plugins p;
  double start = sb_monotonic_ms();
  sb_status status = read_plugins(request, &p, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "file", &photo, &error);
  if (status == SB_OK) status = look_at(request, photo, wanted(&p), &faces, &error);
  if (status == SB_OK && !faces->count) status = no_face(&error);
  json_t *rows = json_array();
  for (size_t i = 0; status == SB_OK && i < faces->count; i++) {
    if (!is_wanted(&faces->items[i], &p, json_array_size(rows))) continue;
    json_t *row = json_pack("{s:o}", "box", box_of(&faces->items[i]));
    add_plugins(row, &faces->items[i], faces->items[i].embedding, faces->dim, &p);
    if (p.times) add_time(row, sb_monotonic_ms() - start);
    json_array_append_new(rows, row);
  }
  json_t *body = json_pack("{s:o}", "result", rows);
  if (p.times) json_object_set_new(body, "plugins_versions", plugins_versions(request));
  reply(request, status, 200, body, &error);
  sb_faces_free(faces);
}

/* The largest face of the source against every face of the target. */
static json_t *matches_of(const sb_faces *source, const sb_faces *target, const sb_engine_info *info,
                          const plugins *p) {
  json_t *rows = json_array();
  for (size_t i = 0; i < target->count; i++) {
    const sb_face *face = &target->items[i];
    if (!is_wanted(face, p, json_array_size(rows))) continue;
    double cosine = 0;
    for (size_t j = 0; j < target->dim; j++)
      cosine += (double)source->items[0].embedding[j] * (double)face->embedding[j];
    json_t *row =
        json_pack("{s:o,s:f}", "box", box_of(face), "similarity", similarity_of(cosine, info->unsure, info->threshold));
    add_plugins(row, face, face->embedding, target->dim, p);
    json_array_append_new(rows, row);
  }
  return rows;
}

void sb_http_handle_compreface_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_photo photos[2] = {0};
  sb_faces *faces[2] = {NULL, NULL};
  sb_engine_info info = {0};
  sb_engine *engine = request->context->engine;
  plugins p;
  sb_status status = read_plugins(request, &p, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "source_image", &photos[0], &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "target_image", &photos[1], &error);
  if (status == SB_OK) status = sb_engine_info_get(engine, &info, &error);
  for (int i = 0; i < 2 && status == SB_OK; i++) {
    status = look_at(request, photos[i], SB_WANT_EMBEDDING | wanted(&p), &faces[i], &error);
    if (status == SB_OK && !faces[i]->count) status = no_face(&error);
  }
  if (status == SB_OK) {
    json_t *source = json_pack("{s:o}", "box", box_of(&faces[0]->items[0]));
    add_plugins(source, &faces[0]->items[0], faces[0]->items[0].embedding, faces[0]->dim, &p);
    sb_http_reply_json(request, 200,
                       json_pack("{s:[{s:o,s:o}]}", "result", "source_image_face", source, "face_matches",
                                 matches_of(faces[0], faces[1], &info, &p)));
  } else {
    sb_http_reply_error(request, &error);
  }
  sb_faces_free(faces[0]);
  sb_faces_free(faces[1]);
}

void sb_http_handle_compreface_face_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_photo photo = {0};
  sb_comparison c;
  const char *collection = NULL;
  char *owner = NULL;
  int64_t face = 0;
  plugins p;
  sb_status status = read_plugins(request, &p, &error);
  if (status == SB_OK) status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = read_image_id(request->path_parameters[0], &face, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "file", &photo, &error);
  if (status == SB_OK)
    status = sb_engine_verify_kept(request->context->engine, collection, face, photo, &c, &owner, &error);
  json_t *row = NULL;
  if (status == SB_OK) {
    row = json_pack("{s:o,s:s,s:f}", "box", box_of(&c.faces[0]), "subject", owner, "similarity",
                    similarity_of(c.similarity, c.unsure, c.threshold));
    add_plugins(row, &c.faces[0], NULL, 0, &p);
  }
  reply(request, status, 200, row ? json_pack("{s:[o]}", "result", row) : NULL, &error);
  free(owner);
}

static json_t *write_error(const sb_http_request *request, const char *code, const char *message) {
  (void)request;
  return json_pack("{s:s,s:i}", "message", message, "code", code_of(code));
}

const sb_http_dialect sb_http_compreface = {"compreface", write_error, sb_http_dialect_status};
