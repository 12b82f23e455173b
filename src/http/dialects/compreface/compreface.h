/* CompreFace's REST API (https://github.com/exadel-inc/CompreFace): its dialect and handlers. */
#ifndef SB_HTTP_DIALECTS_COMPREFACE_H
#define SB_HTTP_DIALECTS_COMPREFACE_H

#include "http/core/route.h"

extern const sb_http_dialect sb_http_compreface; /* errors: {"message", "code"}, the code one of CompreFace's numbers */

/* subjects.c */
void sb_http_handle_compreface_subjects(sb_http_request *request);
void sb_http_handle_compreface_subject_add(sb_http_request *request);
void sb_http_handle_compreface_subject_rename(sb_http_request *request);
void sb_http_handle_compreface_subject_delete(sb_http_request *request);
void sb_http_handle_compreface_subjects_delete(sb_http_request *request);

/* examples.c: stored faces */
void sb_http_handle_compreface_faces(sb_http_request *request);
void sb_http_handle_compreface_face_add(sb_http_request *request);
void sb_http_handle_compreface_faces_delete(sb_http_request *request);
void sb_http_handle_compreface_faces_delete_some(sb_http_request *request);
void sb_http_handle_compreface_face_delete(sb_http_request *request);
void sb_http_handle_compreface_face_verify(sb_http_request *request);

/* recognition.c: photos that are not stored */
void sb_http_handle_compreface_recognize(sb_http_request *request);
void sb_http_handle_compreface_detect(sb_http_request *request);
void sb_http_handle_compreface_verify(sb_http_request *request);

/* embeddings.c: embeddings in the place of photos */
void sb_http_handle_compreface_embeddings_recognize(sb_http_request *request);
void sb_http_handle_compreface_embeddings_face_verify(sb_http_request *request);
void sb_http_handle_compreface_embeddings_verify(sb_http_request *request);

#endif
