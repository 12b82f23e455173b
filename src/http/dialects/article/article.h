/* The API of the article that Semblance follows (docs/api.md), with its names and shapes. */
#ifndef SB_HTTP_DIALECTS_ARTICLE_H
#define SB_HTTP_DIALECTS_ARTICLE_H

#include "http/core/route.h"

extern const sb_http_dialect sb_http_article; /* errors: {"error": message} */

void sb_http_handle_article_status(sb_http_request *request);
void sb_http_handle_article_register(sb_http_request *request);
void sb_http_handle_article_verify(sb_http_request *request);
void sb_http_handle_article_people(sb_http_request *request);
void sb_http_handle_article_family(sb_http_request *request);

#endif
