/* The JSON calls of Amazon Rekognition for faces and collections
 * (https://docs.aws.amazon.com/rekognition/latest/APIReference/): its dialect and handlers. All are a POST to "/" whose
 * X-Amz-Target names the call. */
#ifndef SB_HTTP_DIALECTS_REKOGNITION_H
#define SB_HTTP_DIALECTS_REKOGNITION_H

#include "http/core/route.h"

extern const sb_http_dialect sb_http_rekognition; /* errors: {"__type", "Code", "Message"} */

/* collections.c */
void sb_http_handle_rekognition_unknown(sb_http_request *request);
void sb_http_handle_rekognition_create_collection(sb_http_request *request);
void sb_http_handle_rekognition_delete_collection(sb_http_request *request);
void sb_http_handle_rekognition_list_collections(sb_http_request *request);
void sb_http_handle_rekognition_describe_collection(sb_http_request *request);

/* faces.c: stored faces */
void sb_http_handle_rekognition_index_faces(sb_http_request *request);
void sb_http_handle_rekognition_list_faces(sb_http_request *request);
void sb_http_handle_rekognition_delete_faces(sb_http_request *request);

/* search.c */
void sb_http_handle_rekognition_detect_faces(sb_http_request *request);
void sb_http_handle_rekognition_compare_faces(sb_http_request *request);
void sb_http_handle_rekognition_search_faces(sb_http_request *request);
void sb_http_handle_rekognition_search_faces_by_image(sb_http_request *request);
void sb_http_handle_rekognition_search_users(sb_http_request *request);
void sb_http_handle_rekognition_search_users_by_image(sb_http_request *request);

/* users.c */
void sb_http_handle_rekognition_create_user(sb_http_request *request);
void sb_http_handle_rekognition_delete_user(sb_http_request *request);
void sb_http_handle_rekognition_list_users(sb_http_request *request);
void sb_http_handle_rekognition_associate_faces(sb_http_request *request);

#endif
