/* The engine's results as JSON. Each list below is written once, for the command line and for every route. */
#include "json/results.h"

#include "base/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Enough digits to mean something, few enough to read. */
static json_t *rounded(double value, int digits) {
  double scale = pow(10, digits);
  return json_real(round(value * scale) / scale);
}

/* Three significant digits, as for chances. */
static json_t *significant(double value) {
  if (!(value > 0)) return json_real(0);
  double scale = pow(10, 2 - floor(log10(value)));
  return json_real(round(value * scale) / scale);
}

static json_t *time_text(int64_t ms) {
  char text[32];
  sb_time_iso(ms, text);
  return json_string(text);
}

static json_t *gender_of(const sb_attributes *a) {
  if (a->man < 0) return json_null();
  return json_pack("{s:s,s:o,s:o}", "dominant", a->man >= a->woman ? "man" : "woman", "man", rounded(a->man, 4),
                   "woman", rounded(a->woman, 4));
}

static json_t *ethnicity_of(const sb_attributes *a) {
  if (a->ethnicity[a->ethnicity_dominant] < 0) return json_null();
  json_t *json = json_pack("{s:s,s:b}", "dominant", sb_ethnicity_name(a->ethnicity_dominant), "experimental", 1);
  for (int i = 0; json && i < SB_ETHNICITIES; i++)
    if (a->ethnicity[i] >= 0) json_object_set_new(json, sb_ethnicity_name(i), rounded(a->ethnicity[i], 4));
  return json;
}

static void add_attributes(json_t *json, const sb_attributes *a) {
  json_object_set_new(json, "age", a->age < 0 ? json_null() : rounded(a->age, 3));
  json_object_set_new(json, "gender", gender_of(a));
  json_object_set_new(json, "ethnicity", ethnicity_of(a));
}

static json_t *landmarks_of(const sb_face *face) {
  json_t *list = json_array();
  for (int i = 0; list && i < 5; i++)
    json_array_append_new(list, json_pack("[o,o]", rounded(face->landmarks[i].x, 1), rounded(face->landmarks[i].y, 1)));
  return list;
}

static json_t *expression_of(const sb_expression *expression) {
  json_t *json = json_pack("{s:s,s:b}", "dominant", sb_expression_name(expression->dominant), "experimental", 1);
  for (int i = 0; json && i < SB_EXPRESSIONS; i++)
    json_object_set_new(json, sb_expression_name(i), rounded(expression->probability[i], 4));
  return json;
}

/* What only some calls look for. */
static void add_looks(json_t *json, const sb_face *face) {
  if (face->has_pose)
    json_object_set_new(json, "pose",
                        json_pack("{s:o,s:o,s:o}", "yaw", rounded(face->pose.yaw, 1), "pitch",
                                  rounded(face->pose.pitch, 1), "roll", rounded(face->pose.roll, 1)));
  if (face->has_expression) json_object_set_new(json, "expression", expression_of(&face->expression));
  if (face->has_live) json_object_set_new(json, "liveness", rounded(face->live, 4));
}

static json_t *face_of(const sb_face *face) {
  const sb_quality *q = &face->quality;
  json_t *json =
      json_pack("{s:{s:o,s:o,s:o,s:o},s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o,s:o}}", "box", "x", rounded(face->box.x, 1), "y",
                rounded(face->box.y, 1), "w", rounded(face->box.w, 1), "h", rounded(face->box.h, 1), "score",
                rounded(face->score, 4), "landmarks", landmarks_of(face), "quality", rounded(q->overall, 3),
                "quality_parts", "size", rounded(q->size, 3), "sharpness", rounded(q->sharpness, 3), "pose",
                rounded(q->pose, 3), "exposure", rounded(q->exposure, 3), "visibility", rounded(q->visibility, 3));
  if (json) add_looks(json, face);
  return json;
}

static json_t *embedding_of(const float *values, size_t dim) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < dim; i++) json_array_append_new(list, rounded(values[i], 7));
  return list;
}

json_t *sb_json_faces(const sb_faces *faces, unsigned want) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < faces->count; i++) {
    json_t *face = face_of(&faces->items[i]);
    if (face && want & SB_WANT_EMBEDDING)
      json_object_set_new(face, "embedding", embedding_of(faces->items[i].embedding, faces->dim));
    if (face && want & SB_WANT_ATTRIBUTES) add_attributes(face, &faces->items[i].attributes);
    json_array_append_new(list, face);
  }
  json_t *json = json_pack("{s:o,s:i,s:i}", "faces", list, "width", faces->width, "height", faces->height);
  if (json && want & SB_WANT_EMBEDDING) {
    json_object_set_new(json, "model", json_string(faces->model));
    json_object_set_new(json, "dim", json_integer((json_int_t)faces->dim));
  }
  return json;
}

static const char *verdict_word(sb_verdict verdict) {
  switch (verdict) {
  case SB_VERDICT_MATCH: return "match";
  case SB_VERDICT_UNSURE: return "unsure";
  case SB_VERDICT_NONE: return "none";
  }
  return "none";
}

/* "" where there is nothing to explain. */
static const char *reason_word(sb_reason reason) {
  switch (reason) {
  case SB_REASON_SCORE: return "score";
  case SB_REASON_QUALITY: return "quality";
  case SB_REASON_LIVENESS: return "liveness";
  case SB_REASON_NONE: return "";
  }
  return "";
}

static json_t *candidates_of(const sb_candidate *candidates, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < count; i++) {
    const sb_candidate *c = &candidates[i];
    json_t *json = json_pack("{s:s,s:s,s:o,s:o,s:o,s:b,s:o,s:b,s:s}", "id", c->id, "name", c->name, "similarity",
                             rounded(c->similarity, 4), "false_match_rate", significant(c->false_match_rate),
                             "false_match_rate_upper", significant(c->false_match_upper), "false_match_rate_is_bound",
                             c->false_match_bound, "gallery_false_match_rate", significant(c->gallery_false_match),
                             "match", c->verdict == SB_VERDICT_MATCH, "verdict", verdict_word(c->verdict));
    if (json && c->has_attributes) add_attributes(json, &c->attributes);
    json_array_append_new(list, json);
  }
  return list;
}

json_t *sb_json_search(const sb_search_result *result) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < result->count; i++) {
    const sb_search_face *found = &result->faces[i];
    json_t *face = face_of(&found->face);
    if (face) {
      json_object_set_new(face, "verdict", json_string(verdict_word(found->verdict)));
      json_object_set_new(face, "reason", json_string(reason_word(found->reason)));
      json_object_set_new(face, "candidates", candidates_of(found->candidates, found->count));
    }
    json_array_append_new(list, face);
  }
  return json_pack("{s:o,s:i,s:i,s:I,s:I,s:o,s:o,s:o,s:o}", "faces", list, "width", result->width, "height",
                   result->height, "gallery_size", (json_int_t)result->gallery_size, "gallery_faces",
                   (json_int_t)result->gallery_faces, "threshold", rounded(result->threshold, 4), "unsure",
                   rounded(result->unsure, 4), "false_positive_identification_rate", significant(result->fpir),
                   "elapsed_ms", rounded(result->elapsed_ms, 2));
}

json_t *sb_json_comparison(const sb_comparison *c) {
  return json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:b,s:s,s:s,s:[o,o]}", "match", c->verdict == SB_VERDICT_MATCH,
                   "similarity", rounded(c->similarity, 4), "threshold", rounded(c->threshold, 4), "unsure",
                   rounded(c->unsure, 4), "false_match_rate", significant(c->false_match_rate),
                   "false_match_rate_upper", significant(c->false_match_upper), "false_match_rate_is_bound",
                   c->false_match_bound, "verdict", verdict_word(c->verdict), "reason", reason_word(c->reason), "faces",
                   face_of(&c->faces[0]), face_of(&c->faces[1]));
}

json_t *sb_json_target(const sb_target *target) {
  if (target->threshold > 0) return json_pack("{s:f}", "threshold", target->threshold);
  if (target->fmr > 0) return json_pack("{s:f}", "fmr", target->fmr);
  if (target->fpir > 0) return json_pack("{s:f}", "fpir", target->fpir);
  return json_object();
}

json_t *sb_json_person(const sb_person *person) {
  json_t *json = json_pack("{s:s,s:s,s:I,s:o,s:s,s:s,s:o}", "id", person->id, "name", person->name, "faces",
                           (json_int_t)person->faces, "created", time_text(person->created_ms), "consent",
                           person->consent, "purpose", person->purpose ? person->purpose : "", "expires",
                           person->expires_ms ? time_text(person->expires_ms) : json_null());
  if (json && person->has_attributes) add_attributes(json, &person->attributes);
  if (json && person->thumbnail)
    json_object_set_new(json, "thumbnail", sb_json_picture(person->thumbnail, person->thumbnail_size));
  return json;
}

json_t *sb_json_picture(const uint8_t *bytes, size_t size) {
  char *text = sb_base64_encode(bytes, size);
  json_t *json = text ? json_string(text) : NULL;
  if (text) sb_wipe(text, strlen(text));
  free(text);
  return json;
}

static json_t *hex_text(const uint8_t *bytes, size_t size) {
  char text[2 * 64 + 1];
  if (size > 64) return NULL;
  sb_hex(bytes, size, text);
  return json_string(text);
}

json_t *sb_json_erasure(const sb_erasure *e) {
  return json_pack("{s:I,s:o,s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "sequence", (json_int_t)e->sequence, "at",
                   time_text(e->at_ms), "actor", e->actor, "verb", "erase", "collection", (json_int_t)e->collection,
                   "person", (json_int_t)e->person, "count", (json_int_t)e->faces, "before",
                   hex_text(e->before, sizeof e->before), "link", hex_text(e->link, sizeof e->link), "signature",
                   hex_text(e->signature, sizeof e->signature), "public_key",
                   hex_text(e->public_key, sizeof e->public_key));
}

json_t *sb_json_people(const sb_people *people) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < people->count; i++) json_array_append_new(list, sb_json_person(&people->items[i]));
  return json_pack("{s:o,s:I,s:I}", "people", list, "total", (json_int_t)people->total, "offset",
                   (json_int_t)people->offset);
}

json_t *sb_json_enrolled(const sb_enrolled *enrolled) {
  json_t *faces = json_array();
  for (size_t i = 0; faces && i < enrolled->photo_count; i++)
    json_array_append_new(faces, face_of(&enrolled->faces[i]));
  return json_pack("{s:o?,s:I,s:I,s:o,s:o}", "person", enrolled->person.id ? sb_json_person(&enrolled->person) : NULL,
                   "faces_added", (json_int_t)enrolled->faces_added, "faces_skipped",
                   (json_int_t)enrolled->faces_skipped, "faces", faces, "possible_duplicates",
                   candidates_of(enrolled->duplicates, enrolled->duplicate_count));
}

json_t *sb_json_kept_faces(const sb_kept_faces *faces) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < faces->count; i++)
    json_array_append_new(list, json_pack("{s:I,s:s,s:o,s:o}", "face", (json_int_t)faces->items[i].face, "id",
                                          faces->items[i].id, "quality", rounded(faces->items[i].quality, 3), "created",
                                          time_text(faces->items[i].created_ms)));
  return json_pack("{s:o,s:I,s:I}", "faces", list, "total", (json_int_t)faces->total, "offset",
                   (json_int_t)faces->offset);
}

json_t *sb_json_collections(const sb_collection *collections, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < count; i++) {
    const sb_collection *c = &collections[i];
    json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I,s:I,s:o}", "name", c->name, "model", c->model, "dim",
                                          (json_int_t)c->dim, "people", (json_int_t)c->people, "faces",
                                          (json_int_t)c->faces, "created", time_text(c->created_ms)));
  }
  return json_pack("{s:o}", "collections", list);
}
