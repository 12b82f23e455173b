/* /v1/people and /v1/collections. */
#include "http/decode.h"
#include "http/handlers.h"
#include "http/json.h"

#include <stdlib.h>
#include <string.h>

/* Replies with the JSON, or with the error. */
static void reply(sb_request *request, sb_status status, unsigned http_status, json_t *json, const sb_error *error) {
  if (status == SB_OK)
    sb_reply_json(request, http_status, json);
  else
    sb_reply_error(request, error);
}

void sb_handle_people_list(sb_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  sb_list_request list = {.struct_size = sizeof list, .limit = 100};
  sb_status status = sb_request_collection(request, &list.collection, &error);
  if (status == SB_OK) status = sb_request_text(request, "query", &list.query, &error);
  if (status == SB_OK) status = sb_request_count(request, "offset", 0, SIZE_MAX / 2, &list.offset, &error);
  if (status == SB_OK) status = sb_request_count(request, "limit", 1, 1000, &list.limit, &error);
  if (status == SB_OK) status = sb_engine_list(request->server->engine, &list, &people, &error);
  reply(request, status, 200, status == SB_OK ? sb_json_people(people) : NULL, &error);
  sb_people_free(people);
}

/* The enrolment's flags as the request says them. */
static sb_status read_flags(sb_request *request, unsigned *flags, sb_error *error) {
  static const char *const faces[] = {"all", "largest", NULL}, *const quality[] = {"good", "any", NULL};
  static const char *const duplicate[] = {"warn", "refuse", NULL}, *const truth[] = {"false", "true", NULL};
  int chosen[4] = {0};
  sb_status status = sb_request_choice(request, "faces", faces, &chosen[0], error);
  if (status == SB_OK) status = sb_request_choice(request, "quality", quality, &chosen[1], error);
  if (status == SB_OK) status = sb_request_choice(request, "on_duplicate", duplicate, &chosen[2], error);
  if (status == SB_OK) status = sb_request_choice(request, "attributes", truth, &chosen[3], error);
  static const unsigned bits[4] = {SB_ENROLL_LARGEST, SB_ENROLL_ANY_QUALITY, SB_ENROLL_REFUSE_DUPLICATE,
                                   SB_ENROLL_ATTRIBUTES};
  for (int i = 0; status == SB_OK && i < 4; i++)
    if (chosen[i] == 1) *flags |= bits[i];
  return status;
}

/* 409 with the people whom the face matches beside the error. */
static void reply_duplicate(sb_request *request, const sb_enrolled *enrolled, const sb_error *error) {
  json_t *found = sb_json_enrolled(enrolled),
         *body = sb_error_json(request, sb_status_code(error->code), error->message);
  sb_engine_info info = {0};
  sb_engine_info_get(request->server->engine, &info, NULL);
  if (found && body) {
    json_object_set(body, "candidates", json_object_get(found, "possible_duplicates"));
    json_object_set_new(body, "threshold", json_real(info.threshold));
  }
  json_decref(found);
  sb_reply_json(request, sb_http_status(error->code), body);
}

static void enroll(sb_request *request, sb_enroll_request *enroll_request) {
  sb_error error = {0};
  sb_photo *photos = NULL;
  sb_enrolled *enrolled = NULL;
  sb_status status = sb_request_collection(request, &enroll_request->collection, &error);
  if (status == SB_OK) status = read_flags(request, &enroll_request->flags, &error);
  if (status == SB_OK) status = sb_request_text(request, "name", &enroll_request->name, &error);
  if (status == SB_OK) status = sb_request_text(request, "consent", &enroll_request->consent, &error);
  if (status == SB_OK) status = sb_request_photos(request, "image", &photos, &enroll_request->photo_count, &error);
  enroll_request->photos = photos;
  if (status == SB_OK) status = sb_engine_enroll(request->server->engine, enroll_request, &enrolled, &error);
  if (status == SB_DUPLICATE && enrolled)
    reply_duplicate(request, enrolled, &error);
  else
    reply(request, status, 201, status == SB_OK ? sb_json_enrolled(enrolled) : NULL, &error);
  sb_enrolled_free(enrolled);
  free(photos);
}

void sb_handle_people_add(sb_request *request) {
  sb_error error = {0};
  sb_enroll_request enroll_request = {.struct_size = sizeof enroll_request};
  sb_status status = sb_request_text(request, "id", &enroll_request.id, &error);
  if (status == SB_OK)
    enroll(request, &enroll_request);
  else
    sb_reply_error(request, &error);
}

void sb_handle_person_faces(sb_request *request) {
  /* The person must be there: this route adds faces and makes nobody. */
  sb_error error = {0};
  sb_people *people = NULL;
  const char *collection = NULL;
  sb_status status = sb_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_engine_get(request->server->engine, collection, request->name, &people, &error);
  sb_people_free(people);
  sb_enroll_request enroll_request = {
      .struct_size = sizeof enroll_request, .id = request->name, .flags = SB_ENROLL_ADD};
  if (status == SB_OK)
    enroll(request, &enroll_request);
  else
    sb_reply_error(request, &error);
}

void sb_handle_person_get(sb_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  const char *collection = NULL;
  sb_status status = sb_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_engine_get(request->server->engine, collection, request->name, &people, &error);
  reply(request, status, 200, status == SB_OK ? sb_json_person(&people->items[0]) : NULL, &error);
  sb_people_free(people);
}

void sb_handle_person_rename(sb_request *request) {
  sb_error error = {0};
  const char *collection = NULL, *name = NULL;
  sb_status status = sb_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_request_text(request, "name", &name, &error);
  if (status == SB_OK) status = sb_engine_rename(request->server->engine, collection, request->name, name, &error);
  if (status == SB_OK)
    sb_handle_person_get(request);
  else
    sb_reply_error(request, &error);
}

void sb_handle_person_delete(sb_request *request) {
  sb_error error = {0};
  const char *collection = NULL;
  size_t faces = 0;
  sb_status status = sb_request_collection(request, &collection, &error);
  if (status == SB_OK) status = sb_engine_delete(request->server->engine, collection, request->name, &faces, &error);
  reply(request, status, 200, status == SB_OK ? json_pack("{s:i,s:I}", "deleted", 1, "faces", (json_int_t)faces) : NULL,
        &error);
}

void sb_handle_collections_list(sb_request *request) {
  sb_error error = {0};
  sb_collection *collections = NULL;
  size_t count = 0;
  sb_status status = sb_engine_collections(request->server->engine, &collections, &count, &error);
  reply(request, status, 200, status == SB_OK ? sb_json_collections(collections, count) : NULL, &error);
  sb_collections_free(collections);
}

void sb_handle_collections_add(sb_request *request) {
  sb_error error = {0};
  const char *name = NULL, *model = NULL;
  sb_status status = sb_request_text(request, "name", &name, &error);
  if (status == SB_OK) status = sb_request_text(request, "model", &model, &error);
  if (status == SB_OK && !name) status = sb_fail(&error, SB_INVALID, "the name is missing");
  if (status == SB_OK) status = sb_engine_collection_create(request->server->engine, name, model, &error);
  reply(request, status, 201, status == SB_OK ? json_pack("{s:s}", "name", name) : NULL, &error);
}

void sb_handle_collection_delete(sb_request *request) {
  sb_error error = {0};
  sb_status status = sb_engine_collection_delete(request->server->engine, request->name, &error);
  reply(request, status, 200, status == SB_OK ? json_pack("{s:s}", "deleted", request->name) : NULL, &error);
}
