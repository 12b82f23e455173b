/* Rekognition's users: people, by id. Faces are associated with a user by merging their person into the user's. */
#include "engine/face_rows.h"
#include "http/dialects/rekognition/rekognition.h"
#include "http/dialects/rekognition/shapes.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

static const char *read_user(sb_http_params *p) {
  return sb_http_params_required(p, "UserId", "the id of the user");
}

void sb_http_handle_rekognition_create_user(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_rekognition_collection(&p), *user = read_user(&p);
  if (sb_http_params_failed(&p)) return;
  sb_engine *engine = request->context->engine;
  sb_status status = sb_engine_collection_check(engine, collection, &error);
  if (status == SB_OK) status = sb_engine_add(engine, collection, user, user, NULL, &error);
  sb_http_reply_result(request, status, &error, 200, json_object());
}

/* In Rekognition the faces of a deleted user stay in the collection; here they are the person's, so the call is refused
 * until they are deleted. */
void sb_http_handle_rekognition_delete_user(sb_http_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_rekognition_collection(&p), *user = read_user(&p);
  if (sb_http_params_failed(&p)) return;
  sb_engine *engine = request->context->engine;
  sb_status status = sb_engine_get(engine, collection, user, &people, &error);
  if (status == SB_OK && people->items[0].faces)
    status = sb_fail(&error, SB_INVALID,
                     "UserId: the user has faces, which would be erased: delete them with DeleteFaces first");
  if (status == SB_OK) status = sb_engine_delete(engine, collection, user, NULL, &error);
  sb_people_free(people);
  sb_http_reply_result(request, status, &error, 200, json_object());
}

/* People whom nobody gave an id are no users; a page may therefore have fewer than it has room for. */
void sb_http_handle_rekognition_list_users(sb_http_request *request) {
  sb_error error = {0};
  sb_people *people = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const sb_list_request list = {.struct_size = sizeof list,
                                .collection = sb_http_rekognition_collection(&p),
                                .limit = sb_http_params_count(&p, "MaxResults", 1, 500, 100),
                                .after = sb_http_rekognition_after(&p)};
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_list(request->context->engine, &list, &people, &error), &error)) return;
  json_t *users = json_array();
  for (size_t i = 0; i < people->count; i++) {
    const sb_person *person = &people->items[i];
    if (sb_http_rekognition_is_user(person->id))
      sb_json_append(&users,
                     json_pack("{s:s,s:s}", "UserId", person->id, "UserStatus", person->faces ? "ACTIVE" : "CREATED"));
  }
  json_t *body = json_pack("{s:o}", "Users", users);
  if (people->next) sb_json_set(&body, "NextToken", sb_http_rekognition_token(people->next));
  sb_people_free(people);
  sb_http_reply_json(request, 200, body);
}

/* ---- AssociateFaces */

typedef struct association {
  sb_engine *engine;
  sb_http_params *p;
  const char *name, *user;
  sb_store_collection collection;
  json_t *done, *failed;
} association;

static bool is_named(const association *a, int64_t face) {
  size_t at = 0;
  int64_t named = 0;
  for (const char *id; (id = sb_http_params_next(a->p, "FaceIds", &at));)
    if (sb_http_dialect_face_number(id, &named, NULL) == SB_OK && named == face) return true;
  return false;
}

/* Does the call name all faces of the person? Then the person can become part of the user. */
static sb_status all_are_named(const association *a, const char *person, bool *all, sb_error *error) {
  enum { MOST = 100 };
  sb_store_face_row rows[MOST + 1];
  size_t count = 0;
  sb_store_face_query query = {a->collection.row, 0, 0, MOST + 1};
  sb_status status = sb_engine_person_row(a->engine, a->collection.row, person, &query.person, error);
  if (status == SB_OK) status = sb_engine_face_rows(a->engine, &query, rows, &count, error);
  *all = count <= MOST;
  for (size_t i = 0; status == SB_OK && *all && i < count; i++) *all = is_named(a, rows[i].face);
  return status;
}

static void fail(association *a, const char *id, const char *reason) {
  sb_json_append(&a->failed, json_pack("{s:s,s:[s]}", "FaceId", id, "Reasons", reason));
}

static sb_status associate_owner(association *a, const char *id, const char *owner, sb_error *error) {
  bool all = false;
  sb_status status = SB_OK;
  if (strcmp(owner, a->user) != 0) {
    status = all_are_named(a, owner, &all, error);
    if (status != SB_OK) return status;
    if (!all) return fail(a, id, "ASSOCIATED_TO_A_DIFFERENT_USER"), SB_OK;
    status = sb_engine_merge(a->engine, a->name, a->user, owner, NULL, error);
    /* They are marked as different people. */
    if (status == SB_INVALID) return fail(a, id, "LOW_MATCH_CONFIDENCE"), SB_OK;
  }
  if (status == SB_OK) sb_json_append(&a->done, json_pack("{s:s}", "FaceId", id));
  return status;
}

static sb_status associate(association *a, const char *id, sb_error *error) {
  int64_t face = 0;
  char *owner = NULL;
  sb_status status = sb_http_dialect_face_number(id, &face, error);
  if (status == SB_OK) status = sb_engine_face_owner(a->engine, a->collection.row, face, &owner, error);
  if (status == SB_NOT_FOUND) return fail(a, id, "FACE_NOT_FOUND"), SB_OK;
  if (status == SB_OK) status = associate_owner(a, id, owner, error);
  free(owner);
  return status;
}

static sb_status associate_all(association *a, sb_error *error) {
  int64_t row = 0;
  size_t at = 0;
  sb_status status = sb_engine_collection(a->engine, a->name, false, &a->collection, error);
  if (status == SB_OK) status = sb_engine_person_row(a->engine, a->collection.row, a->user, &row, error);
  for (const char *id; status == SB_OK && (id = sb_http_params_next(a->p, "FaceIds", &at));)
    status = associate(a, id, error);
  return status == SB_OK ? (*error = a->p->error).code : status;
}

void sb_http_handle_rekognition_associate_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_http_params p = sb_http_params_begin(request);
  association a = {
      .engine = request->context->engine, .p = &p, .name = sb_http_rekognition_collection(&p), .user = read_user(&p)};
  if (sb_http_params_real(&p, "UserMatchThreshold", 0, 100, 0) > 0)
    sb_http_params_reject(
        &p, SB_INVALID,
        "UserMatchThreshold is not checked when faces are associated: leave it out, or 0, and compare "
        "with SearchUsers");
  if (sb_http_params_failed(&p)) return;
  a.done = json_array();
  a.failed = json_array();
  sb_status status = associate_all(&a, &error);
  sb_http_reply_result(request, status, &error, 200,
                       json_pack("{s:o,s:o,s:s}", "AssociatedFaces", a.done, "UnsuccessfulFaceAssociations", a.failed,
                                 "UserStatus", "ACTIVE"));
}
