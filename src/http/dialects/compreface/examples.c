/* CompreFace's face examples: the stored faces of subjects. An image id is the number of a stored face in the shape
 * of a UUID. */
#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "http/dialects/compreface/compreface.h"
#include "http/dialects/compreface/plugins.h"
#include "http/dialects/dialects.h"
#include "json/write.h"

#include <stdlib.h>

static json_t *image_id_json(int64_t face) {
  char id[SB_HTTP_FACE_ID];
  sb_http_dialect_face_id(face, id);
  return json_string(id);
}

/* The image id in the address. */
static int64_t read_image_id(sb_http_params *p) {
  int64_t face = 0;
  if (p->error.code == SB_OK) sb_http_dialect_face_number(p->request->path_parameters[0], &face, &p->error);
  return face;
}

void sb_http_handle_compreface_faces(sb_http_request *request) {
  sb_error error = {0};
  sb_kept_faces *kept = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p), *subject = sb_http_params_id(&p, "subject");
  size_t page = sb_http_params_count(&p, "page", 0, 1000000, 0);
  size_t size = sb_http_params_count(&p, "size", 1, SB_HTTP_COMPREFACE_PAGE_MAX, 20);
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_faces(request->context->engine, collection, subject, page * size, size, &kept, &error);
  if (sb_http_failed(request, status, &error)) return;
  json_t *faces = json_array();
  for (size_t i = 0; i < kept->count; i++)
    sb_json_append(
        &faces, json_pack("{s:o,s:s}", "image_id", image_id_json(kept->items[i].face), "subject", kept->items[i].id));
  sb_http_reply_json(request, 200,
                     json_pack("{s:o,s:I,s:I,s:I,s:I}", "faces", faces, "page_number", (json_int_t)page, "page_size",
                               (json_int_t)size, "total_pages", (json_int_t)((kept->total + size - 1) / size),
                               "total_elements", (json_int_t)kept->total));
  sb_kept_faces_free(kept);
}

void sb_http_handle_compreface_face_add(sb_http_request *request) {
  sb_error error = {0};
  sb_enrolled *enrolled = NULL;
  sb_http_params p = sb_http_params_begin(request);
  sb_enroll_request enrolment = {.struct_size = sizeof enrolment,
                                 .collection = sb_http_params_collection(&p),
                                 .photo_count = 1,
                                 .flags = SB_ENROLL_ADD};
  if (sb_http_params_is(&p, "detect_faces", "true", "false")) enrolment.flags |= SB_ENROLL_WHOLE_PHOTO;
  enrolment.id = enrolment.name = sb_http_params_required_id(&p, "subject", "the name of the person");
  const sb_photo photo = sb_http_params_photo(&p, "file");
  enrolment.photos = &photo;
  if (sb_http_params_failed(&p)) return;
  if (sb_http_failed(request, sb_engine_enroll(request->context->engine, &enrolment, &enrolled, &error), &error))
    return;
  sb_http_reply_json(request, 201,
                     json_pack("{s:o,s:s}", "image_id", image_id_json(enrolled->kept[0]), "subject", enrolment.id));
  sb_enrolled_free(enrolled);
}

/* Everybody with their faces. */
static sb_status delete_all(sb_engine *engine, const char *collection, size_t *faces, sb_error *error) {
  sb_kept_faces *kept = NULL;
  size_t people = 0;
  sb_status status = sb_engine_faces(engine, collection, NULL, 0, 1, &kept, error);
  if (status != SB_OK) return status;
  *faces = kept->total;
  sb_kept_faces_free(kept);
  return sb_engine_people_delete(engine, collection, &people, error);
}

/* Erases the faces of a subject or, without one, all. As in CompreFace, a subject goes with the last of its faces, and
 * a subject that nobody has is no error. */
void sb_http_handle_compreface_faces_delete(sb_http_request *request) {
  sb_error error = {0};
  size_t deleted = 0;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p), *subject = sb_http_params_id(&p, "subject");
  if (sb_http_params_failed(&p)) return;
  sb_engine *engine = request->context->engine;
  sb_status status = subject ? sb_engine_delete(engine, collection, subject, &deleted, &error)
                             : delete_all(engine, collection, &deleted, &error);
  if (status == SB_NOT_FOUND && subject) status = SB_OK;
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:I}", "deleted", (json_int_t)deleted));
}

static sb_status delete_face(const sb_http_request *request, const char *collection, const char *image_id,
                             json_t **deleted, sb_error *error) {
  int64_t face = 0;
  char *owner = NULL;
  sb_status status = sb_http_dialect_face_number(image_id, &face, error);
  if (status != SB_OK) return status;
  status = sb_engine_face_delete(request->context->engine, collection, face, &owner, error);
  if (status == SB_OK) {
    *deleted = json_pack("{s:s,s:s}", "image_id", image_id, "subject", owner);
    status = sb_engine_delete_without_faces(request->context->engine, collection, owner, error);
  }
  free(owner);
  return status;
}

void sb_http_handle_compreface_face_delete(sb_http_request *request) {
  sb_error error = {0};
  json_t *deleted = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (sb_http_params_failed(&p)) return;
  sb_status status = delete_face(request, collection, request->path_parameters[0], &deleted, &error);
  sb_http_reply_result(request, status, &error, 200, deleted);
}

/* The body is a JSON list of image ids; those that do not exist are passed over, as CompreFace does. */
void sb_http_handle_compreface_faces_delete_some(sb_http_request *request) {
  sb_error error = {0};
  sb_status status = SB_OK;
  size_t at = 0;
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  if (!request->body_is_list) sb_http_params_reject(&p, SB_INVALID, "the body is not a JSON list of image ids");
  if (sb_http_params_failed(&p)) return;
  json_t *all = json_array();
  for (const char *id; status == SB_OK && (id = sb_http_params_next(&p, SB_HTTP_FIELD_ITEM, &at));) {
    json_t *deleted = NULL;
    status = delete_face(request, collection, id, &deleted, &error);
    if (status == SB_OK) sb_json_append(&all, deleted);
    if (status == SB_NOT_FOUND) status = SB_OK;
  }
  if (status == SB_OK) status = (error = p.error).code; /* an item that is not text ends the list */
  sb_http_reply_result(request, status, &error, 200, json_pack("{s:o}", "deleted", all));
}

void sb_http_handle_compreface_face_verify(sb_http_request *request) {
  sb_error error = {0};
  sb_comparison c;
  char *owner = NULL;
  sb_http_params p = sb_http_params_begin(request);
  const sb_http_plugins plugins = sb_http_plugins_read(&p);
  const char *collection = sb_http_params_collection(&p);
  int64_t face = read_image_id(&p);
  const sb_photo photo = sb_http_params_photo(&p, "file");
  if (sb_http_params_failed(&p)) return;
  sb_status status = sb_engine_verify_kept(request->context->engine, collection, face, photo, &c, &owner, &error);
  if (sb_http_failed(request, status, &error)) return;
  sb_http_disclose_comparison(&request->principal, &c);
  json_t *row = json_pack("{s:o,s:s,s:o}", "box", sb_http_plugins_box(&c.faces[0]), "subject", owner, "similarity",
                          sb_http_plugins_similarity(c.score, c.unsure, c.threshold, c.verdict));
  sb_http_plugins_add(&plugins, &row, &c.faces[0], NULL, 0);
  sb_http_reply_json(request, 200, json_pack("{s:[o]}", "result", row));
  free(owner);
}
