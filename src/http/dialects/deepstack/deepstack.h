/* The face API of DeepStack and CodeProject.AI (https://docs.deepstack.cc/face-recognition/): its dialect and
 * handlers. */
#ifndef SB_HTTP_DIALECTS_DEEPSTACK_H
#define SB_HTTP_DIALECTS_DEEPSTACK_H

#include "http/core/route.h"

extern const sb_http_dialect sb_http_deepstack; /* errors: {"success": false, "error": message} */

void sb_http_handle_deepstack_detect(sb_http_request *request);
void sb_http_handle_deepstack_register(sb_http_request *request);
void sb_http_handle_deepstack_recognize(sb_http_request *request);
void sb_http_handle_deepstack_list(sb_http_request *request);
void sb_http_handle_deepstack_delete(sb_http_request *request);
void sb_http_handle_deepstack_match(sb_http_request *request);

#endif
