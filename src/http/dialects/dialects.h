/* The APIs of other programs that the server can speak, so that their clients work unchanged (--dialects). */
#ifndef SB_HTTP_DIALECTS_H
#define SB_HTTP_DIALECTS_H

#include "http/core/route.h"

extern const sb_http_dialect sb_http_article;    /* article/article.c */
extern const sb_http_dialect sb_http_deepface;   /* deepface/deepface.c */
extern const sb_http_dialect sb_http_compreface; /* compreface/compreface.c */

/* {"error": message}, as the article and DeepFace write errors. */
json_t *sb_http_dialect_error(const sb_http_request *request, const char *code, const char *message);
/* DeepFace and CompreFace answer 400 to whatever is wrong with a request. */
unsigned sb_http_dialect_status(unsigned status);

#endif
