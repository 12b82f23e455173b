/* The API of the article that Semblance follows, with its names and shapes; its faults are not copied. */
#include "http/api/handlers.h"
#include "http/dialects/dialects.h"
#include "json/results.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void sb_http_handle_article_status(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s}", "status", sb_http_models_word(&request->context->models)));
}

static const char *gender_word(const sb_attributes *a) {
  return a->man >= a->woman ? "Man" : "Woman";
}

static json_t *ethnicity_word(const sb_attributes *a) {
  char word[16];
  if (a->ethnicity[a->ethnicity_dominant] < 0) return json_null();
  snprintf(word, sizeof word, "%s", sb_ethnicity_name(a->ethnicity_dominant));
  for (char *c = word; *c; c++)
    if (*c == '_') *c = ' ';
  word[0] = (char)toupper((unsigned char)word[0]);
  return json_string(word);
}

static void set_attributes(json_t *person, bool has, const sb_attributes *a) {
  if (!person) return;
  json_object_set_new(person, "age", has ? json_integer(lroundf(a->age)) : json_null());
  json_object_set_new(person, "gender", has ? json_string(gender_word(a)) : json_null());
  json_object_set_new(person, "ethnicity", has ? ethnicity_word(a) : json_null());
}

void sb_http_handle_article_register(sb_http_request *request) {
  sb_error error = {0};
  sb_photo photo = {0};
  sb_enrolled *enrolled = NULL;
  sb_enroll_request enroll = {
      .struct_size = sizeof enroll, .photos = &photo, .photo_count = 1, .flags = SB_ENROLL_ATTRIBUTES};
  sb_status status = sb_http_request_collection(request, &enroll.collection, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "image", &photo, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "ssn", &enroll.id, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "name", &enroll.name, &error);
  if (status == SB_OK) status = sb_engine_enroll(request->context->engine, &enroll, &enrolled, &error);
  if (status == SB_OK) {
    const sb_attributes *a = &enrolled->person.attributes;
    sb_http_reply_json(request, 200,
                       json_pack("{s:s,s:{s:s,s:i,s:o}}", "status", "success", "person", "Gender", gender_word(a),
                                 "Age", (int)lroundf(a->age), "Ethnicity", ethnicity_word(a)));
  } else {
    sb_http_reply_error(request, &error);
  }
  sb_enrolled_free(enrolled);
}

static double rounded(double value, double steps) {
  return round(value * steps) / steps;
}

/* The best candidate of all faces; NULL in an empty gallery. */
static const sb_candidate *best_of(const sb_search_result *result) {
  const sb_candidate *best = NULL;
  for (size_t i = 0; i < result->count; i++)
    if (result->faces[i].count && (!best || result->faces[i].candidates[0].similarity > best->similarity))
      best = &result->faces[i].candidates[0];
  return best;
}

static void reply_verify(sb_http_request *request, const sb_search_result *result) {
  const sb_candidate *best = best_of(result);
  double confidence = best ? rounded(fmax(best->similarity, 0), 1e4) : 0;
  if (!best || best->verdict != SB_VERDICT_MATCH) {
    sb_http_reply_json(request, 404,
                       json_pack("{s:b,s:f,s:s}", "match", 0, "confidence", confidence, "message", "Unknown person"));
    return;
  }
  json_t *person = json_pack("{s:s,s:s}", "ssn", best->id, "name", best->name);
  set_attributes(person, best->has_attributes, &best->attributes);
  sb_http_reply_json(request, 200, json_pack("{s:b,s:o,s:f}", "match", 1, "person", person, "confidence", confidence));
}

void sb_http_handle_article_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_search_request search = {
      .struct_size = sizeof search, .k = 1, .target = sb_http_operating_point(request->context)};
  sb_status status = sb_http_request_collection(request, &search.collection, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "image", &search.photo, &error);
  if (status == SB_OK) status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK && !result->count)
    status = sb_fail(&error, SB_NO_FACE, "no face was found; take a photo where the face is larger and well lit");
  if (status == SB_OK)
    reply_verify(request, result);
  else
    sb_http_reply_error(request, &error);
  sb_search_result_free(result);
}

/* All of them, as the article does; the native API has pages. */
void sb_http_handle_article_people(sb_http_request *request) {
  enum { PAGE = 1000 };
  sb_error error = {0};
  sb_list_request list = {.struct_size = sizeof list, .limit = PAGE};
  json_t *rows = json_array();
  size_t total = 1;
  sb_status status = sb_http_request_collection(request, &list.collection, &error);
  for (; status == SB_OK && list.offset < total; list.offset += PAGE) {
    sb_people *people = NULL;
    status = sb_engine_list(request->context->engine, &list, &people, &error);
    for (size_t i = 0; status == SB_OK && i < people->count; i++) {
      const sb_person *person = &people->items[i];
      json_t *row = json_pack("{s:s,s:s}", "ssn", person->id, "name", person->name);
      set_attributes(row, person->has_attributes, &person->attributes);
      json_array_append_new(rows, row);
    }
    if (status == SB_OK) total = people->total;
    sb_people_free(people);
  }
  if (status == SB_OK) {
    sb_http_reply_json(request, 200, json_pack("{s:o}", "people", rows));
    return;
  }
  json_decref(rows);
  sb_http_reply_error(request, &error);
}

static double percent(double similarity) {
  return rounded(100 * fmax(similarity, 0), 10);
}

void sb_http_handle_article_family(sb_http_request *request) {
  sb_error error = {0};
  sb_verify_request father = {.struct_size = sizeof father}, mother = {.struct_size = sizeof mother};
  sb_photo child = {0};
  sb_comparison to_father, to_mother;
  sb_engine *engine = request->context->engine;
  sb_status status = sb_http_request_photo(request, "father_image", &father.photos[0], &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "child_image", &child, &error);
  if (status == SB_OK) status = sb_http_request_photo(request, "mother_image", &mother.photos[0], &error);
  father.photos[1] = mother.photos[1] = child;
  if (status == SB_OK) status = sb_engine_verify(engine, &father, &to_father, &error);
  if (status == SB_OK) status = sb_engine_verify(engine, &mother, &to_mother, &error);
  if (status == SB_OK)
    sb_http_reply_json(request, 200,
                       json_pack("{s:f,s:f}", "resemblance_to_father", percent(to_father.similarity),
                                 "resemblance_to_mother", percent(to_mother.similarity)));
  else
    sb_http_reply_error(request, &error);
}

const sb_http_dialect sb_http_article = {"article", sb_http_dialect_error, NULL};
