/* DeepFace's REST API: https://github.com/serengil/deepface, deepface/api. */
#ifndef SB_HTTP_DIALECTS_DEEPFACE_H
#define SB_HTTP_DIALECTS_DEEPFACE_H

#include "http/core/route.h"

extern const sb_http_dialect
    sb_http_deepface; /* errors: {"error": message}, always 400 for what is wrong with a request */

void sb_http_handle_deepface_represent(sb_http_request *request);
void sb_http_handle_deepface_verify(sb_http_request *request);
void sb_http_handle_deepface_analyze(sb_http_request *request);
void sb_http_handle_deepface_register(sb_http_request *request);
void sb_http_handle_deepface_search(sb_http_request *request);
void sb_http_handle_deepface_build(sb_http_request *request);

#endif
