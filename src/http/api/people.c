/* /v1/people and /v1/collections. */
#include "http/api/handlers.h"
#include "http/core/decode.h"
#include "json/results.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET_MAX ((size_t)9000000000000000) /* a JSON number holds it exactly */

/* Replies with the JSON, or with the error. */
static void reply(sb_http_request *request, sb_status status, unsigned http_status, json_t *json,
                  const sb_error *error) {
  if (status == SB_OK)
    sb_http_reply_json(request, http_status, json);
  else
    sb_http_reply_error(request, error);
}

static const char *const orders[] = {"oldest", "newest", "name", NULL}; /* as sb_order counts them */

static sb_status read_order(sb_http_request *request, sb_order *order, sb_error *error) {
  int chosen = 0;
  sb_status status = sb_http_request_choice(request, "sort", orders, &chosen, error);
  if (status == SB_OK && chosen > 0) *order = (sb_order)chosen;
  return status;
}

/* A cursor is the order and where to go on: a client passes it back as it is. */
static json_t *cursor_text(sb_order order, int64_t next) {
  return json_sprintf("%s-%llx", orders[order], (unsigned long long)next);
}

static sb_status read_cursor(sb_http_request *request, sb_list_request *list, sb_error *error) {
  const char *text = NULL;
  sb_status status = sb_http_request_text(request, "cursor", &text, error);
  if (status != SB_OK || !text) return status;
  size_t length = strlen(orders[list->order]);
  char *end = NULL;
  if (!strncmp(text, orders[list->order], length) && text[length] == '-' && isxdigit((unsigned char)text[length + 1])) {
    unsigned long long next = strtoull(text + length + 1, &end, 16);
    if (!*end && next && next <= INT64_MAX) {
      list->after = (int64_t)next;
      return SB_OK;
    }
  }
  return sb_fail(error, SB_INVALID, "the cursor is none that this list gave, or the order is another than before");
}

void sb_http_handle_people_list(sb_http_request *request) {
  static const char *const truth[] = {"false", "true", NULL};
  int thumbnails = 0;
  sb_error error = {0};
  sb_people *people = NULL;
  sb_list_request list = {.struct_size = sizeof list, .limit = 100};
  sb_status status = sb_http_request_collection(request, &list.collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "query", &list.query, &error);
  if (status == SB_OK) status = read_order(request, &list.order, &error);
  if (status == SB_OK) status = read_cursor(request, &list, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "offset", 0, OFFSET_MAX, &list.offset, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "limit", 1, 1000, &list.limit, &error);
  if (status == SB_OK) status = sb_http_request_choice(request, "thumbnails", truth, &thumbnails, &error);
  list.thumbnails = thumbnails == 1;
  if (status == SB_OK) status = sb_engine_list(request->context->engine, &list, &people, &error);
  json_t *body = status == SB_OK ? sb_json_people(people) : NULL;
  if (status == SB_OK) {
    if (body && people->next) json_object_set_new(body, "next_cursor", cursor_text(list.order, people->next));
    sb_http_reply_json_tagged(request, body);
  } else {
    json_decref(body);
    sb_http_reply_error(request, &error);
  }
  sb_people_free(people);
}

/* `expires`: days from now, or a date. */
static sb_status read_expiry(sb_http_request *request, int64_t *expires_ms, sb_error *error) {
  const char *text = NULL;
  sb_status status = sb_http_request_text(request, "expires", &text, error);
  return status == SB_OK && text ? sb_time_expiry(text, expires_ms, error) : status;
}

/* The enrolment's flags as the request says them. */
static sb_status read_flags(sb_http_request *request, unsigned *flags, sb_error *error) {
  static const char *const faces[] = {"all", "largest", NULL}, *const quality[] = {"good", "any", NULL};
  static const char *const duplicate[] = {"warn", "refuse", NULL}, *const truth[] = {"false", "true", NULL};
  int chosen[4] = {0};
  sb_status status = sb_http_request_choice(request, "faces", faces, &chosen[0], error);
  if (status == SB_OK) status = sb_http_request_choice(request, "quality", quality, &chosen[1], error);
  if (status == SB_OK) status = sb_http_request_choice(request, "on_duplicate", duplicate, &chosen[2], error);
  if (status == SB_OK) status = sb_http_request_choice(request, "attributes", truth, &chosen[3], error);
  static const unsigned bits[4] = {SB_ENROLL_LARGEST, SB_ENROLL_ANY_QUALITY, SB_ENROLL_REFUSE_DUPLICATE,
                                   SB_ENROLL_ATTRIBUTES};
  for (int i = 0; status == SB_OK && i < 4; i++)
    if (chosen[i] == 1) *flags |= bits[i];
  return status;
}

/* Who may not read learns no more of a record than its number of faces. */
static json_t *person_json(const sb_http_request *request, const sb_person *person) {
  json_t *json = sb_json_person(person);
  const char *const kept[] = {"id", "faces", "created"};
  if (!json || request->principal.roles & (SB_ROLE_READ | SB_ROLE_ADMIN)) return json;
  json_t *less = json_object();
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    json_object_set(less, kept[i], json_object_get(json, kept[i]));
  json_decref(json);
  return less;
}

/* Nor who they are whom the new face looks like: only how many. */
static json_t *enrolled_json(const sb_http_request *request, const sb_enrolled *enrolled) {
  json_t *json = sb_json_enrolled(enrolled);
  if (json && !(request->principal.roles & (SB_ROLE_READ | SB_ROLE_ADMIN))) {
    if (enrolled->person.id) json_object_set_new(json, "person", person_json(request, &enrolled->person));
    json_object_set_new(json, "possible_duplicates", json_array());
    json_object_set_new(json, "possible_duplicates_withheld", json_integer((json_int_t)enrolled->duplicate_count));
  }
  return json;
}

/* 409 with the people whom the face matches beside the error. */
static void reply_duplicate(sb_http_request *request, const sb_enrolled *enrolled, const sb_error *error) {
  json_t *found = enrolled_json(request, enrolled),
         *body = sb_http_error_json(request, sb_status_code(error->code), error->message);
  sb_engine_info info = {0};
  sb_engine_info_get(request->context->engine, &info, NULL);
  if (found && body) {
    json_object_set(body, "candidates", json_object_get(found, "possible_duplicates"));
    json_object_set_new(body, "threshold", json_real(info.threshold));
  }
  json_decref(found);
  sb_http_reply_json(request, sb_http_status(error->code), body);
}

static void enroll(sb_http_request *request, sb_enroll_request *enroll_request) {
  sb_error error = {0};
  sb_photo *photos = NULL;
  sb_enrolled *enrolled = NULL;
  sb_status status = sb_http_request_collection(request, &enroll_request->collection, &error);
  if (status == SB_OK) status = read_flags(request, &enroll_request->flags, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "name", &enroll_request->name, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "consent", &enroll_request->consent, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "purpose", &enroll_request->purpose, &error);
  if (status == SB_OK) status = read_expiry(request, &enroll_request->expires_ms, &error);
  if (status == SB_OK) status = sb_http_request_photos(request, "image", &photos, &enroll_request->photo_count, &error);
  enroll_request->photos = photos;
  if (status == SB_OK) status = sb_engine_enroll(request->context->engine, enroll_request, &enrolled, &error);
  if (status == SB_DUPLICATE && enrolled)
    reply_duplicate(request, enrolled, &error);
  else
    reply(request, status, 201, status == SB_OK ? enrolled_json(request, enrolled) : NULL, &error);
  sb_enrolled_free(enrolled);
  free(photos);
}

void sb_http_handle_people_add(sb_http_request *request) {
  sb_error error = {0};
  sb_enroll_request enroll_request = {.struct_size = sizeof enroll_request};
  sb_status status = sb_http_request_text(request, "id", &enroll_request.id, &error);
  if (status == SB_OK)
    enroll(request, &enroll_request);
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_person_faces_add(sb_http_request *request) {
  /* The person must be there: this route adds faces and makes nobody. */
  sb_error error = {0};
  sb_people *people = NULL;
  const char *collection = NULL;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK)
    status = sb_engine_get(request->context->engine, collection, request->path_parameters[0], &people, &error);
  sb_people_free(people);
  sb_enroll_request enroll_request = {
      .struct_size = sizeof enroll_request, .id = request->path_parameters[0], .flags = SB_ENROLL_ADD};
  if (status == SB_OK)
    enroll(request, &enroll_request);
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_person_get(sb_http_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  const char *collection = NULL;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK)
    status = sb_engine_get(request->context->engine, collection, request->path_parameters[0], &people, &error);
  reply(request, status, 200, status == SB_OK ? person_json(request, &people->items[0]) : NULL, &error);
  sb_people_free(people);
}

/* A new name, a new id, or both; the id last, as it is the address of what follows. */
void sb_http_handle_person_change(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL, *name = NULL, *id = NULL, *old = request->path_parameters[0];
  sb_engine *engine = request->context->engine;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "name", &name, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "id", &id, &error);
  if (status == SB_OK && !name && !id) status = sb_fail(&error, SB_INVALID, "a new name or a new id is missing");
  if (status == SB_OK && name) status = sb_engine_rename(engine, collection, old, name, &error);
  if (status == SB_OK && id) status = sb_engine_change_id(engine, collection, old, id, &error);
  sb_people *people = NULL;
  if (status == SB_OK) status = sb_engine_get(engine, collection, id ? id : old, &people, &error);
  reply(request, status, 200, status == SB_OK ? person_json(request, &people->items[0]) : NULL, &error);
  sb_people_free(people);
}

void sb_http_handle_person_merge(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL, *from = NULL;
  sb_engine *engine = request->context->engine;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "from", &from, &error);
  if (status == SB_OK && !from)
    status = sb_fail(&error, SB_INVALID, "`from` is missing: the id of the person who goes");
  if (status == SB_OK) status = sb_engine_merge(engine, collection, request->path_parameters[0], from, NULL, &error);
  if (status == SB_OK)
    sb_http_handle_person_get(request);
  else
    sb_http_reply_error(request, &error);
}

void sb_http_handle_person_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_kept_faces *faces = NULL;
  const char *collection = NULL;
  size_t offset = 0, limit = 100;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "offset", 0, OFFSET_MAX, &offset, &error);
  if (status == SB_OK) status = sb_http_request_count(request, "limit", 1, 1000, &limit, &error);
  if (status == SB_OK)
    status = sb_engine_faces(request->context->engine, collection, request->path_parameters[0], offset, limit, &faces,
                             &error);
  if (status == SB_OK)
    sb_http_reply_json_tagged(request, sb_json_kept_faces(faces));
  else
    sb_http_reply_error(request, &error);
  sb_kept_faces_free(faces);
}

void sb_http_handle_person_face_delete(sb_http_request *request) {
  sb_error error = {0};
  sb_kept_faces *faces = NULL;
  const char *collection = NULL;
  char *end = NULL;
  long long face = strtoll(request->path_parameters[1], &end, 10);
  sb_engine *engine = request->context->engine;
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK && (*end || face <= 0))
    status = sb_fail(&error, SB_INVALID, "a face's number is missing in the address");
  /* The face must be this person's: the address says so. */
  bool found = false;
  for (size_t offset = 0, total = 1; status == SB_OK && !found && offset < total; offset += 1000) {
    status = sb_engine_faces(engine, collection, request->path_parameters[0], offset, 1000, &faces, &error);
    if (status == SB_OK) total = faces->total;
    for (size_t i = 0; status == SB_OK && i < faces->count; i++) found = found || faces->items[i].face == face;
    sb_kept_faces_free(faces);
    faces = NULL;
  }
  if (status == SB_OK && !found) status = sb_fail(&error, SB_NOT_FOUND, "the person has no face of this number");
  if (status == SB_OK) status = sb_engine_face_delete(engine, collection, face, NULL, &error);
  reply(request, status, 200, status == SB_OK ? json_pack("{s:I}", "deleted", (json_int_t)face) : NULL, &error);
}

void sb_http_handle_person_delete(sb_http_request *request) {
  sb_error error = {0};
  const char *collection = NULL;
  sb_erasure erasure = {0};
  sb_status status = sb_http_request_collection(request, &collection, &error);
  if (status == SB_OK)
    status = sb_engine_erase(request->context->engine, collection, request->path_parameters[0], &erasure, &error);
  char now[32];
  sb_time_iso(erasure.at_ms, now);
  reply(request, status, 200,
        status == SB_OK ? json_pack("{s:i,s:I,s:s,s:s,s:o}", "deleted", 1, "faces", (json_int_t)erasure.faces, "erased",
                                    now, "request_id", request->id, "receipt", sb_json_erasure(&erasure))
                        : NULL,
        &error);
}

void sb_http_handle_collections_list(sb_http_request *request) {
  sb_error error = {0};
  sb_collection *collections = NULL;
  size_t count = 0;
  sb_status status = sb_engine_collections(request->context->engine, &collections, &count, &error);
  if (status == SB_OK)
    sb_http_reply_json_tagged(request, sb_json_collections(collections, count));
  else
    sb_http_reply_error(request, &error);
  sb_collections_free(collections);
}

void sb_http_handle_collections_add(sb_http_request *request) {
  sb_error error = {0};
  const char *name = NULL, *model = NULL;
  sb_status status = sb_http_request_text(request, "name", &name, &error);
  if (status == SB_OK) status = sb_http_request_text(request, "model", &model, &error);
  if (status == SB_OK && !name) status = sb_fail(&error, SB_INVALID, "the name is missing");
  if (status == SB_OK) status = sb_engine_collection_create(request->context->engine, name, model, &error);
  reply(request, status, 201, status == SB_OK ? json_pack("{s:s}", "name", name) : NULL, &error);
}

void sb_http_handle_collection_delete(sb_http_request *request) {
  sb_error error = {0};
  sb_status status = sb_engine_collection_delete(request->context->engine, request->path_parameters[0], &error);
  reply(request, status, 200, status == SB_OK ? json_pack("{s:s}", "deleted", request->path_parameters[0]) : NULL,
        &error);
}
