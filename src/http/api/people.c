/* /v1/people: the list, one person's record, enrolment, and faces of a person. What is known beside the record is in
 * person_review.c.
 *
 * Records are filtered by the caller's roles here, because a key that may only enrol calls the same routes as
 * others: see person_json and enrolled_json. */
#include "http/api/handlers.h"
#include "http/api/liveness_fields.h"
#include "http/api/options.h"
#include "json/results.h"
#include "json/write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100, LIMIT_MAX = 1000 };

/* ---- The list */

static const char *const orders[] = {"oldest", "newest", "name", NULL}; /* in the order of sb_order */

enum { NAME_BYTES = SB_NAME_MAX + 1 };

/* A cursor is the order and the person to continue after: "oldest-1f", and in a list by name "name-1f-" with the name's
 * bytes, so that nobody is skipped when that person is deleted or renamed. Clients pass it back as it is. */
static json_t *cursor_json(sb_order order, const sb_people *people) {
  char name[2 * NAME_BYTES] = "";
  const char *last = people->items[people->count - 1].name;
  if (order == SB_ORDER_NAME && strlen(last) < NAME_BYTES) sb_hex((const uint8_t *)last, strlen(last), name);
  return json_sprintf("%s-%llx%s%s", orders[order], (unsigned long long)people->next, *name ? "-" : "", name);
}

/* Bytes in hexadecimal, up to the end of the text, as UTF-8. */
static bool read_name(const char *hex, char name[NAME_BYTES]) {
  size_t size = strlen(hex) / 2;
  if (!size || strlen(hex) % 2 || size >= NAME_BYTES || strspn(hex, "0123456789abcdef") != 2 * size) return false;
  for (size_t i = 0; i < size; i++) {
    const char pair[] = {hex[2 * i], hex[2 * i + 1], 0};
    name[i] = (char)strtoul(pair, NULL, 16);
  }
  name[size] = 0;
  return strlen(name) == size && sb_utf8_valid(name, size);
}

static bool parse_cursor(const char *text, sb_list_request *list, char name[NAME_BYTES]) {
  size_t length = strlen(orders[list->order]);
  char *end = NULL;
  if (strncmp(text, orders[list->order], length) || text[length] != '-') return false;
  if (!isxdigit((unsigned char)text[length + 1])) return false;
  unsigned long long next = strtoull(text + length + 1, &end, 16);
  if (!next || next > INT64_MAX) return false;
  list->after = (int64_t)next;
  if (list->order != SB_ORDER_NAME) return !*end;
  list->after_name = name;
  return *end == '-' && read_name(end + 1, name);
}

static void read_cursor(sb_http_params *p, sb_list_request *list, char name[NAME_BYTES]) {
  const char *text = sb_http_params_text(p, "cursor");
  if (!text || parse_cursor(text, list, name)) return;
  sb_http_params_reject(p, SB_INVALID, "cursor is not a next_cursor of this list, or sort differs from the last call");
}

/* `name`: the place for a name that the cursor holds. */
static sb_list_request read_list(sb_http_params *p, char name[NAME_BYTES]) {
  sb_list_request list = {.struct_size = sizeof list, .collection = sb_http_params_collection(p)};
  int order = sb_http_params_choice(p, "sort", orders);
  list.query = sb_http_params_text(p, "query");
  list.order = order > 0 ? (sb_order)order : SB_ORDER_OLDEST;
  read_cursor(p, &list, name);
  list.offset = sb_http_params_count(p, "offset", 0, SB_HTTP_OFFSET_MAX, 0);
  list.limit = sb_http_params_count(p, "limit", 1, LIMIT_MAX, LIMIT);
  list.thumbnails = sb_http_options_flag(p, "thumbnails");
  return list;
}

void sb_http_handle_people_list(sb_http_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  sb_http_params p = sb_http_params_begin(request);
  char name[NAME_BYTES];
  const sb_list_request list = read_list(&p, name);
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_list(request->context->engine, &list, &people, &error), &error)) return;
  json_t *body = sb_json_people(people);
  if (people->next) sb_json_set(&body, "next_cursor", cursor_json(list.order, people));
  sb_http_reply_json_tagged(request, body);
  sb_people_free(people);
}

/* ---- One person */

static bool may_read(const sb_http_request *request) {
  return request->principal.roles & (SB_ROLE_READ | SB_ROLE_ADMIN);
}

/* A caller who may only enrol sees no more of a record than its id and the number of its faces. */
static json_t *person_json(const sb_http_request *request, const sb_person *person) {
  static const char *const visible[] = {"id", "faces", "created"};
  json_t *json = sb_json_person(person);
  if (!json || may_read(request)) return json;
  json_t *less = json_object();
  for (size_t i = 0; i < sizeof visible / sizeof *visible; i++)
    sb_json_set(&less, visible[i], json_incref(json_object_get(json, visible[i])));
  json_decref(json);
  return less;
}

static void reply_person(sb_http_request *request, sb_people *people) {
  sb_http_reply_json(request, 200, person_json(request, &people->items[0]));
  sb_people_free(people);
}

static void get_person(sb_http_request *request, const char *collection, const char *id, bool thumbnails) {
  sb_error error = {0};
  sb_people *people = NULL;
  sb_engine *engine = request->context->engine;
  if (sb_http_failed(request, sb_engine_get(engine, collection, id, &people, &error), &error)) return;
  sb_person *person = &people->items[0];
  /* Without a thumbnail the record is complete, too. */
  if (thumbnails && may_read(request) && !person->thumbnail)
    (void)sb_engine_thumbnail(engine, collection, id, 0, false, &person->thumbnail, &person->thumbnail_size, NULL);
  reply_person(request, people);
}

void sb_http_handle_person_get(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  bool thumbnails = sb_http_options_flag(&p, "thumbnails");
  if (sb_http_params_failed(&p)) return;
  get_person(request, collection, request->path_parameters[0], thumbnails);
}

/* `forget`: which estimates to erase, as SB_DESCRIBE_... */
static unsigned read_forget(sb_http_params *p) {
  static const struct {
    unsigned kept, erased;
  } same[] = {{SB_ENROLL_AGE, SB_DESCRIBE_AGE},
              {SB_ENROLL_GENDER, SB_DESCRIBE_GENDER},
              {SB_ENROLL_ETHNICITY, SB_DESCRIBE_ETHNICITY}};
  const char *text = sb_http_params_text(p, "forget");
  unsigned named = 0, forget = 0;
  if (text && !sb_engine_estimates_read(text, &named))
    sb_http_params_reject(p, SB_INVALID, "forget is a list of age, gender and ethnicity");
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    if (named & same[i].kept) forget |= same[i].erased;
  return forget;
}

static sb_store_person_edit read_change(sb_http_params *p) {
  sb_store_person_edit change = {.name = sb_http_params_text(p, "name"),
                                 .new_id = sb_http_params_id(p, "id"),
                                 .forget = read_forget(p),
                                 .terms = {.consent = sb_http_params_text(p, "consent"),
                                           .purpose = sb_http_params_text(p, "purpose"),
                                           .set_expires = sb_http_params_text(p, "expires") != NULL,
                                           .expires_ms = sb_http_params_expiry(p, "expires")}};
  const sb_store_terms *terms = &change.terms;
  if (!change.name && !change.new_id && !change.forget && !terms->consent && !terms->purpose && !terms->set_expires)
    sb_http_params_reject(p, SB_INVALID,
                          "there is nothing to change: give name, id, consent, purpose, expires or forget");
  return change;
}

void sb_http_handle_person_change(sb_http_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  const sb_store_person_edit change = read_change(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_person_change(request->context->engine, collection, request->path_parameters[0], &change,
                                             &people, &error);
  if (!sb_http_failed(request, status, &error)) reply_person(request, people);
}

void sb_http_handle_person_merge(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *into = request->path_parameters[0], *collection = sb_http_params_collection(&p);
  const char *from = sb_http_params_required_id(&p, "from", "the id of the person who is merged and then deleted");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_merge(request->context->engine, collection, into, from, NULL, &error);
  if (!sb_http_failed(request, status, &error)) get_person(request, collection, into, false);
}

void sb_http_handle_person_delete(sb_http_request *request) {
  sb_error error = {0};
  sb_erasure erasure = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status =
      sb_engine_erase(request->context->engine, collection, request->path_parameters[0], &erasure, &error);
  if (sb_http_failed(request, status, &error)) return;
  sb_http_reply_json(request, 200,
                     json_pack("{s:i,s:I,s:b,s:o,s:s,s:o}", "deleted", 1, "faces", (json_int_t)erasure.faces,
                               "log_emptied", !erasure.log_pending, "erased", sb_json_time(erasure.at_ms), "request_id",
                               request->id, "receipt", sb_json_erasure(&erasure)));
}

/* ---- Enrolment */

/* A caller who may only enrol sees how many people the new face resembles, not who they are. */
static json_t *enrolled_json(const sb_http_request *request, const sb_enrolled *enrolled) {
  json_t *json = sb_json_enrolled(enrolled);
  if (may_read(request)) return json;
  if (enrolled->person.id) sb_json_set(&json, "person", person_json(request, &enrolled->person));
  sb_json_set(&json, "possible_duplicates", json_array());
  sb_json_set(&json, "possible_duplicates_withheld", json_integer((json_int_t)enrolled->duplicate_count));
  return json;
}

/* Replies 409 with the error and the people that the face matches. */
static void reply_duplicate(sb_http_request *request, const sb_enrolled *enrolled, const sb_error *error) {
  sb_engine_info info = {0};
  sb_engine_info_get(request->context->engine, &info, NULL);
  json_t *found = enrolled_json(request, enrolled);
  json_t *body = sb_http_error_json(request, sb_status_code(error->code), error->message);
  sb_json_set(&body, "candidates", json_incref(json_object_get(found, "possible_duplicates")));
  sb_json_set(&body, "threshold", sb_json_significant(info.threshold, 9));
  sb_json_set(&body, "unsure", sb_json_significant(info.unsure, 9));
  json_decref(found);
  sb_http_reply_json(request, sb_http_status(error->code), body);
}

/* Reads what both routes of enrolment read, and enrols unless a field was wrong. */
static void enroll(sb_http_params *p, sb_enroll_request *enrolment) {
  sb_error error = {0};
  sb_enrolled *enrolled = NULL;
  sb_http_request *request = p->request;
  enrolment->flags |= sb_http_options_enroll(p);
  enrolment->flags |= sb_http_options_estimates(p);
  enrolment->name = sb_http_params_text(p, "name");
  enrolment->consent = sb_http_params_text(p, "consent");
  enrolment->purpose = sb_http_params_text(p, "purpose");
  enrolment->expires_ms = sb_http_params_expiry(p, "expires");
  enrolment->photos = sb_http_params_photos(p, "image", &enrolment->photo_count);
  sb_http_live_proof proof = {.embedding = NULL};
  if (sb_http_liveness_read(p, &proof)) enrolment->live = &proof.person;
  if (sb_http_params_failed(p)) return;
  sb_status status = sb_engine_enroll(request->context->engine, enrolment, &enrolled, &error);
  if (enrolment->live) sb_http_liveness_settle(request->context->liveness, &proof, status == SB_OK);
  if (status == SB_DUPLICATE && enrolled)
    reply_duplicate(request, enrolled, &error);
  else if (!sb_http_failed(request, status, &error))
    sb_http_reply_json(request, 201, enrolled_json(request, enrolled));
  sb_enrolled_free(enrolled);
}

void sb_http_handle_people_add(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {
      .struct_size = sizeof enrolment, .id = sb_http_params_id(&p, "id"), .collection = sb_http_params_collection(&p)};
  enroll(&p, &enrolment);
}

/* Adds faces to a person who must exist. */
void sb_http_handle_person_faces_add(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {.struct_size = sizeof enrolment,
                                 .id = request->path_parameters[0],
                                 .collection = sb_http_params_collection(&p),
                                 .flags = SB_ENROLL_ADD | SB_ENROLL_MUST_EXIST};
  enroll(&p, &enrolment);
}

/* ---- Faces */

void sb_http_handle_person_face_delete(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *id = request->path_parameters[0], *collection = sb_http_params_collection(&p);
  char *end = NULL;
  long long face = strtoll(request->path_parameters[1], &end, 10);
  if (*end || face <= 0) sb_http_params_reject(&p, SB_INVALID, "the address does not end in the number of a face");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_person_face_delete(request->context->engine, collection, id, face, &error);
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:I}", "deleted", (json_int_t)face));
}
