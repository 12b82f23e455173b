/* The public results as JSON. Numbers are rounded to what they mean: pixels to a tenth, qualities to 3 decimals,
 * similarities and probabilities to 4, false match rates to 3 significant digits. */
#include "json/results.h"

#include "json/write.h"

#include <string.h>

static json_t *gender_of(const sb_attributes *a) {
  if (a->man < 0) return json_null();
  return json_pack("{s:s,s:o,s:o}", "dominant", a->man >= a->woman ? "man" : "woman", "man", sb_json_rounded(a->man, 4),
                   "woman", sb_json_rounded(a->woman, 4));
}

static json_t *ethnicity_of(const sb_attributes *a) {
  if (a->ethnicity[a->ethnicity_dominant] < 0) return json_null();
  json_t *json = json_pack("{s:s,s:b}", "dominant", sb_ethnicity_name(a->ethnicity_dominant), "experimental", 1);
  for (int i = 0; i < SB_ETHNICITIES; i++)
    if (a->ethnicity[i] >= 0) sb_json_set(&json, sb_ethnicity_name(i), sb_json_rounded(a->ethnicity[i], 4));
  return json;
}

static void add_attributes(json_t **json, const sb_attributes *a) {
  sb_json_set(json, "age", a->age < 0 ? json_null() : sb_json_rounded(a->age, 3));
  sb_json_set(json, "gender", gender_of(a));
  sb_json_set(json, "ethnicity", ethnicity_of(a));
}

static json_t *landmarks_of(const sb_face *face) {
  json_t *list = json_array();
  for (int i = 0; i < 5; i++)
    sb_json_append(
        &list, json_pack("[o,o]", sb_json_rounded(face->landmarks[i].x, 1), sb_json_rounded(face->landmarks[i].y, 1)));
  return list;
}

static json_t *expression_of(const sb_expression *expression) {
  json_t *json = json_pack("{s:s,s:b}", "dominant", sb_expression_name(expression->dominant), "experimental", 1);
  for (int i = 0; i < SB_EXPRESSIONS; i++)
    sb_json_set(&json, sb_expression_name(i), sb_json_rounded(expression->probability[i], 4));
  return json;
}

/* Pose, expression and liveness: only some calls ask for them. */
static void add_looks(json_t **json, const sb_face *face) {
  if (face->has_pose)
    sb_json_set(json, "pose",
                json_pack("{s:o,s:o,s:o}", "yaw", sb_json_rounded(face->pose.yaw, 1), "pitch",
                          sb_json_rounded(face->pose.pitch, 1), "roll", sb_json_rounded(face->pose.roll, 1)));
  if (face->has_expression) sb_json_set(json, "expression", expression_of(&face->expression));
  if (!face->has_live) return;
  sb_json_set(json, "liveness", sb_json_rounded(face->live, 4));
  sb_json_set(json, "live", json_boolean(face->is_live));
}

static json_t *quality_parts_of(const sb_quality *q) {
  json_t *json = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "size", sb_json_rounded(q->size, 3), "sharpness",
                           sb_json_rounded(q->sharpness, 3), "pose", sb_json_rounded(q->pose, 3), "exposure",
                           sb_json_rounded(q->exposure, 3), "visibility", sb_json_rounded(q->visibility, 3), "noise",
                           sb_json_rounded(q->noise, 3), "blocks", sb_json_rounded(q->blocks, 3), "tones",
                           sb_json_rounded(q->tones, 3), "eyes", sb_json_rounded(q->eyes, 3));
  if (q->features >= 0) sb_json_set(&json, "features", sb_json_rounded(q->features, 3));
  return json;
}

static json_t *face_of(const sb_face *face) {
  json_t *json = json_pack("{s:{s:o,s:o,s:o,s:o},s:o,s:o,s:o,s:o}", "box", "x", sb_json_rounded(face->box.x, 1), "y",
                           sb_json_rounded(face->box.y, 1), "w", sb_json_rounded(face->box.w, 1), "h",
                           sb_json_rounded(face->box.h, 1), "score", sb_json_rounded(face->score, 4), "landmarks",
                           landmarks_of(face), "quality", sb_json_rounded(face->quality.overall, 3), "quality_parts",
                           quality_parts_of(&face->quality));
  add_looks(&json, face);
  return json;
}

static json_t *embedding_of(const float *values, size_t dim) {
  json_t *list = json_array();
  for (size_t i = 0; i < dim; i++) sb_json_append(&list, sb_json_rounded(values[i], 7));
  return list;
}

json_t *sb_json_faces(const sb_faces *faces, unsigned want) {
  json_t *list = json_array();
  for (size_t i = 0; i < faces->count; i++) {
    json_t *face = face_of(&faces->items[i]);
    if (want & SB_WANT_EMBEDDING) sb_json_set(&face, "embedding", embedding_of(faces->items[i].embedding, faces->dim));
    if (want & SB_WANT_ATTRIBUTES) add_attributes(&face, &faces->items[i].attributes);
    sb_json_append(&list, face);
  }
  json_t *json = json_pack("{s:o,s:i,s:i}", "faces", list, "width", faces->width, "height", faces->height);
  if (want & SB_WANT_EMBEDDING) {
    sb_json_set(&json, "model", json_string(faces->model));
    sb_json_set(&json, "dim", json_integer((json_int_t)faces->dim));
  }
  return json;
}

static const char *met_word(sb_met met) {
  return met == SB_MET_YES ? "yes" : met == SB_MET_NO ? "no" : "unknown";
}

static json_t *requirements_of(const sb_portrait_report *report) {
  json_t *list = json_array();
  for (int i = 0; i < SB_REQUIREMENTS; i++) {
    json_t *one = json_pack("{s:s,s:s}", "requirement", sb_requirement_name(i), "met", met_word(report->met[i]));
    if (report->met[i] == SB_MET_NO) sb_json_set(&one, "advice", json_string(sb_requirement_advice(i)));
    sb_json_append(&list, one);
  }
  return list;
}

json_t *sb_json_portrait(const sb_portrait_report *report) {
  const float *value = report->face.portrait.value;
  json_t *components = json_object();
  for (int i = 0; i < SB_COMPONENTS; i++)
    sb_json_set(&components, sb_component_name(i), value[i] < 0 ? json_null() : sb_json_rounded(value[i], 0));
  return json_pack("{s:i,s:i,s:I,s:o,s:b,s:o,s:{s:s,s:o}}", "width", report->width, "height", report->height, "faces",
                   (json_int_t)report->faces, "face", face_of(&report->face), "enrollable", report->enrollable,
                   "components", components, "icao", "verdict", met_word(report->icao), "requirements",
                   requirements_of(report));
}

const char *sb_json_verdict(sb_verdict verdict) {
  switch (verdict) {
  case SB_VERDICT_MATCH: return "match";
  case SB_VERDICT_UNSURE: return "unsure";
  case SB_VERDICT_NONE: return "none";
  }
  return "none";
}

const char *sb_json_reason(sb_reason reason) {
  switch (reason) {
  case SB_REASON_SCORE: return "score";
  case SB_REASON_QUALITY: return "quality";
  case SB_REASON_LIVENESS: return "liveness";
  case SB_REASON_CHILD: return "child";
  case SB_REASON_NONE: return "";
  }
  return "";
}

json_t *sb_json_candidates(const sb_candidate *candidates, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    const sb_candidate *c = &candidates[i];
    json_t *json =
        json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:b,s:o,s:b,s:s}", "id", c->id, "name", c->name, "similarity",
                  sb_json_rounded(c->similarity, 4), "score", sb_json_rounded(c->score, 4), "false_match_rate",
                  sb_json_significant(c->false_match_rate, 2), "false_match_rate_upper",
                  sb_json_significant(c->false_match_upper, 2), "false_match_rate_is_bound", c->false_match_bound,
                  "gallery_false_match_rate", sb_json_significant(c->gallery_false_match, 2), "match",
                  c->verdict == SB_VERDICT_MATCH, "verdict", sb_json_verdict(c->verdict));
    if (c->has_attributes) add_attributes(&json, &c->attributes);
    sb_json_append(&list, json);
  }
  return list;
}

static void add_found(json_t **json, const sb_search_face *found) {
  sb_json_set(json, "verdict", json_string(sb_json_verdict(found->verdict)));
  sb_json_set(json, "reason", json_string(sb_json_reason(found->reason)));
  sb_json_set(json, "candidates", sb_json_candidates(found->candidates, found->count));
}

static json_t *search_face_of(const sb_search_face *found) {
  json_t *face = face_of(&found->face);
  add_found(&face, found);
  return face;
}

static json_t *gallery_of(const sb_search_result *result) {
  return json_pack("{s:I,s:I,s:o,s:o,s:o,s:o}", "gallery_size", (json_int_t)result->gallery_size, "gallery_faces",
                   (json_int_t)result->gallery_faces, "threshold", sb_json_rounded(result->threshold, 4), "unsure",
                   sb_json_rounded(result->unsure, 4), "false_positive_identification_rate",
                   sb_json_significant(result->fpir, 2), "elapsed_ms", sb_json_rounded(result->elapsed_ms, 2));
}

json_t *sb_json_search(const sb_search_result *result) {
  json_t *list = json_array(), *json = gallery_of(result);
  for (size_t i = 0; i < result->count; i++) sb_json_append(&list, search_face_of(&result->faces[i]));
  sb_json_set(&json, "faces", list);
  sb_json_set(&json, "width", json_integer(result->width));
  sb_json_set(&json, "height", json_integer(result->height));
  return json;
}

json_t *sb_json_template_search(const sb_search_result *result) {
  json_t *json = gallery_of(result);
  add_found(&json, &result->faces[0]);
  return json;
}

/* ---- Films */

static json_t *track_of(const sb_film_track *track) {
  json_t *json = search_face_of(&track->best);
  sb_json_set(&json, "from_ms", json_integer((json_int_t)track->since_ms));
  sb_json_set(&json, "to_ms", json_integer((json_int_t)track->until_ms));
  sb_json_set(&json, "best_shot_ms", json_integer((json_int_t)track->best_ms));
  sb_json_set(&json, "pictures", json_integer((json_int_t)track->pictures));
  return json;
}

static const sb_candidate *match_of(const sb_film_track *track) {
  return track->best.verdict == SB_VERDICT_MATCH ? &track->best.candidates[0] : NULL;
}

/* One person with all intervals, from the person's first track on. */
static json_t *person_of(const sb_film_result *result, size_t at) {
  const sb_candidate *match = match_of(&result->tracks[at]);
  json_t *intervals = json_array();
  for (size_t i = at; i < result->count; i++) {
    const sb_film_track *track = &result->tracks[i];
    const sb_candidate *other = match_of(track);
    if (!other || strcmp(other->id, match->id) != 0) continue;
    sb_json_append(&intervals, json_pack("{s:I,s:I}", "from_ms", (json_int_t)track->since_ms, "to_ms",
                                         (json_int_t)track->until_ms));
  }
  return json_pack("{s:s,s:s,s:o}", "id", match->id, "name", match->name, "intervals", intervals);
}

static bool is_first_of_person(const sb_film_result *result, size_t at) {
  const sb_candidate *match = match_of(&result->tracks[at]);
  for (size_t i = 0; match && i < at; i++) {
    const sb_candidate *other = match_of(&result->tracks[i]);
    if (other && !strcmp(other->id, match->id)) return false;
  }
  return match != NULL;
}

json_t *sb_json_film(const sb_film_result *result) {
  json_t *tracks = json_array(), *people = json_array();
  for (size_t i = 0; i < result->count; i++) {
    sb_json_append(&tracks, track_of(&result->tracks[i]));
    if (is_first_of_person(result, i)) sb_json_append(&people, person_of(result, i));
  }
  return json_pack("{s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:o}", "tracks", tracks, "people", people, "pictures_searched",
                   (json_int_t)result->pictures, "gallery_size", (json_int_t)result->gallery_size, "gallery_faces",
                   (json_int_t)result->gallery_faces, "threshold", sb_json_rounded(result->threshold, 4), "unsure",
                   sb_json_rounded(result->unsure, 4), "false_positive_identification_rate",
                   sb_json_significant(result->fpir, 2));
}

/* How many faces a photo shows; null: only the largest was looked for. */
static json_t *face_count(const sb_comparison *c, int photo) {
  return c->counts[photo] ? json_integer((json_int_t)c->counts[photo]) : json_null();
}

json_t *sb_json_comparison(const sb_comparison *c) {
  json_t *json = json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:s,s:s,s:[o,o]}", "match", c->verdict == SB_VERDICT_MATCH,
                           "similarity", sb_json_rounded(c->similarity, 4), "score", sb_json_rounded(c->score, 4),
                           "threshold", sb_json_rounded(c->threshold, 4), "unsure", sb_json_rounded(c->unsure, 4),
                           "false_match_rate", sb_json_significant(c->false_match_rate, 2), "false_match_rate_upper",
                           sb_json_significant(c->false_match_upper, 2), "false_match_rate_is_bound",
                           c->false_match_bound, "verdict", sb_json_verdict(c->verdict), "reason",
                           sb_json_reason(c->reason), "faces", face_of(&c->faces[0]), face_of(&c->faces[1]));
  sb_json_set(&json, "face_numbers", json_pack("[I,I]", (json_int_t)c->numbers[0], (json_int_t)c->numbers[1]));
  sb_json_set(&json, "face_counts", json_pack("[o,o]", face_count(c, 0), face_count(c, 1)));
  sb_json_set(&json, "pairs", json_integer((json_int_t)c->pairs));
  sb_json_set(&json, "pairs_false_match_rate", sb_json_significant(c->pairs_false_match, 2));
  return json;
}

json_t *sb_json_target(const sb_target *target) {
  if (target->threshold > 0) return json_pack("{s:f}", "threshold", target->threshold);
  if (target->fmr > 0) return json_pack("{s:f}", "fmr", target->fmr);
  if (target->fpir > 0) return json_pack("{s:f}", "fpir", target->fpir);
  return json_object();
}

json_t *sb_json_person(const sb_person *person) {
  json_t *json =
      json_pack("{s:s,s:s,s:I,s:o,s:s,s:s,s:o}", "id", person->id, "name", person->name, "faces",
                (json_int_t)person->faces, "created", sb_json_time(person->created_ms), "consent", person->consent,
                "purpose", person->purpose ? person->purpose : "", "expires", sb_json_time(person->expires_ms));
  if (person->has_attributes) add_attributes(&json, &person->attributes);
  if (person->thumbnail) sb_json_set(&json, "thumbnail", sb_json_base64(person->thumbnail, person->thumbnail_size));
  return json;
}

json_t *sb_json_erasure(const sb_erasure *e) {
  return json_pack("{s:I,s:o,s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "sequence", (json_int_t)e->sequence, "at",
                   sb_json_time(e->at_ms), "actor", e->actor, "verb", "erase", "collection", (json_int_t)e->collection,
                   "person", (json_int_t)e->person, "count", (json_int_t)e->faces, "before",
                   sb_json_hex(e->before, sizeof e->before), "link", sb_json_hex(e->link, sizeof e->link), "signature",
                   sb_json_hex(e->signature, sizeof e->signature), "public_key",
                   sb_json_hex(e->public_key, sizeof e->public_key));
}

json_t *sb_json_people(const sb_people *people) {
  json_t *list = json_array();
  for (size_t i = 0; i < people->count; i++) sb_json_append(&list, sb_json_person(&people->items[i]));
  return json_pack("{s:o,s:I,s:I}", "people", list, "total", (json_int_t)people->total, "offset",
                   (json_int_t)people->offset);
}

json_t *sb_json_enrolled(const sb_enrolled *enrolled) {
  json_t *faces = json_array();
  for (size_t i = 0; i < enrolled->photo_count; i++) {
    json_t *face = face_of(&enrolled->faces[i]);
    sb_json_set(&face, "other_faces", json_integer((json_int_t)enrolled->others[i]));
    sb_json_append(&faces, face);
  }
  return json_pack("{s:o?,s:I,s:I,s:o,s:o}", "person", enrolled->person.id ? sb_json_person(&enrolled->person) : NULL,
                   "faces_added", (json_int_t)enrolled->faces_added, "faces_skipped",
                   (json_int_t)enrolled->faces_skipped, "faces", faces, "possible_duplicates",
                   sb_json_candidates(enrolled->duplicates, enrolled->duplicate_count));
}

json_t *sb_json_kept_faces(const sb_kept_faces *faces) {
  json_t *list = json_array();
  for (size_t i = 0; i < faces->count; i++)
    sb_json_append(&list, json_pack("{s:I,s:s,s:o,s:o}", "face", (json_int_t)faces->items[i].face, "id",
                                    faces->items[i].id, "quality", sb_json_rounded(faces->items[i].quality, 3),
                                    "created", sb_json_time(faces->items[i].created_ms)));
  return json_pack("{s:o,s:I,s:I}", "faces", list, "total", (json_int_t)faces->total, "offset",
                   (json_int_t)faces->offset);
}

json_t *sb_json_collections(const sb_collection *collections, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    const sb_collection *c = &collections[i];
    sb_json_append(&list, json_pack("{s:s,s:s,s:I,s:I,s:I,s:o}", "name", c->name, "model", c->model, "dim",
                                    (json_int_t)c->dim, "people", (json_int_t)c->people, "faces", (json_int_t)c->faces,
                                    "created", sb_json_time(c->created_ms)));
  }
  return json_pack("{s:o}", "collections", list);
}
