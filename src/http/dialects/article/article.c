/* The API of the article that Semblance follows, with its names and shapes; its faults are not copied. Ages are
 * whole years, words begin with a capital, and a similarity below 0 is 0. */
#include "http/dialects/article/article.h"
#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "http/dialects/dialects.h"
#include "json/write.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

const sb_http_dialect sb_http_article = {"article", sb_http_dialect_error, NULL};

void sb_http_handle_article_status(sb_http_request *request) {
  sb_http_reply_json(request, 200, json_pack("{s:s}", "status", sb_http_models_word(&request->context->models)));
}

/* ---- Attributes */

static const char *gender_word(const sb_attributes *a) {
  return a->man >= a->woman ? "Man" : "Woman";
}

/* "Latino hispanic" for latino_hispanic. */
static json_t *ethnicity_word(const sb_attributes *a) {
  char word[16];
  if (a->ethnicity[a->ethnicity_dominant] < 0) return json_null();
  snprintf(word, sizeof word, "%s", sb_ethnicity_name(a->ethnicity_dominant));
  for (char *c = word; *c; c++)
    if (*c == '_') *c = ' ';
  word[0] = (char)toupper((unsigned char)word[0]);
  return json_string(word);
}

static json_t *person_json(const char *id, const char *name, const sb_attributes *a) {
  return json_pack("{s:s,s:s,s:o,s:o,s:o}", "ssn", id, "name", name, "age",
                   a ? json_integer(lroundf(a->age)) : json_null(), "gender",
                   a ? json_string(gender_word(a)) : json_null(), "ethnicity", a ? ethnicity_word(a) : json_null());
}

/* ---- register */

void sb_http_handle_article_register(sb_http_request *request) {
  sb_error error = {0};
  sb_enrolled *enrolled = NULL;
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {.struct_size = sizeof enrolment,
                                 .collection = sb_http_params_collection(&p),
                                 .photo_count = 1,
                                 .flags = SB_ENROLL_ATTRIBUTES};
  const sb_photo photo = sb_http_params_photo(&p, "image");
  enrolment.photos = &photo;
  enrolment.id = sb_http_params_id(&p, "ssn");
  enrolment.name = sb_http_params_text(&p, "name");
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_enroll(request->context->engine, &enrolment, &enrolled, &error), &error))
    return;
  const sb_attributes *a = &enrolled->person.attributes;
  sb_http_reply_json(request, 200,
                     json_pack("{s:s,s:{s:s,s:i,s:o}}", "status", "success", "person", "Gender", gender_word(a), "Age",
                               (int)lroundf(a->age), "Ethnicity", ethnicity_word(a)));
  sb_enrolled_free(enrolled);
}

/* ---- verify */

/* The best candidate of all faces; NULL in an empty gallery. */
static const sb_candidate *best_of(const sb_search_result *result) {
  const sb_candidate *best = NULL;
  for (size_t i = 0; i < result->count; i++)
    if (result->faces[i].count && (!best || result->faces[i].candidates[0].score > best->score))
      best = &result->faces[i].candidates[0];
  return best;
}

static void reply_verify(sb_http_request *request, const sb_search_result *result) {
  const sb_candidate *best = best_of(result);
  json_t *confidence = sb_json_rounded(best ? fmax(best->similarity, 0) : 0, 4);
  if (!best || best->verdict != SB_VERDICT_MATCH) {
    sb_http_reply_json(request, 404,
                       json_pack("{s:b,s:o,s:s}", "match", 0, "confidence", confidence, "message", "Unknown person"));
    return;
  }
  json_t *person = person_json(best->id, best->name, best->has_attributes ? &best->attributes : NULL);
  sb_http_reply_json(request, 200, json_pack("{s:b,s:o,s:o}", "match", 1, "person", person, "confidence", confidence));
}

void sb_http_handle_article_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_http_params p = sb_http_params_begin(request);
  sb_search_request search = {.struct_size = sizeof search,
                              .collection = sb_http_params_collection(&p),
                              .photo = sb_http_params_photo(&p, "image"),
                              .k = 1,
                              .target = sb_http_operating_point(request->context)};
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_search(request->context->engine, &search, &result, &error);
  if (status == SB_OK && !result->count) status = sb_engine_fail_no_face("image", &error);
  if (status == SB_OK) sb_http_disclose_search(request->context, &request->principal, false, result);
  if (!sb_http_failed(request, status, &error)) reply_verify(request, result);
  sb_search_result_free(result);
}

/* ---- people */

/* Replies with everybody at once, as the article does; the native API has pages. */
void sb_http_handle_article_people(sb_http_request *request) {
  sb_error error = {0};
  sb_status status;
  sb_http_params p = sb_http_params_begin(request);
  sb_list_request list = {.struct_size = sizeof list, .collection = sb_http_params_collection(&p), .limit = 1000};
  if (sb_http_params_failed(&p)) return;
  json_t *rows = json_array();
  do {
    sb_people *people = NULL;
    status = sb_engine_list(request->context->engine, &list, &people, &error);
    for (size_t i = 0; status == SB_OK && i < people->count; i++) {
      const sb_person *person = &people->items[i];
      sb_json_append(&rows, person_json(person->id, person->name, person->has_attributes ? &person->attributes : NULL));
    }
    list.after = status == SB_OK ? people->next : 0;
    sb_people_free(people);
  } while (list.after);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "people", rows));
}

/* ---- verify_family */

static json_t *percent(double similarity) {
  return sb_json_rounded(100 * fmax(similarity, 0), 1);
}

void sb_http_handle_article_family(sb_http_request *request) {
  sb_error error = {0};
  double scores[2];
  sb_http_params p = sb_http_params_begin(request);
  sb_named_photo child = {.name = "child_image"}, parents[] = {{.name = "father_image"}, {.name = "mother_image"}};
  parents[0].photo = sb_http_params_photo(&p, parents[0].name);
  child.photo = sb_http_params_photo(&p, child.name);
  parents[1].photo = sb_http_params_photo(&p, parents[1].name);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_resemblance(request->context->engine, &child, parents, 2, scores, &error);
  if (sb_http_failed(request, status, &error)) return;
  sb_http_reply_json(
      request, 200,
      json_pack("{s:o,s:o}", "resemblance_to_father", percent(scores[0]), "resemblance_to_mother", percent(scores[1])));
}
