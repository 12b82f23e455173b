/* The APIs of other programs that the server can speak, so that their clients work unchanged (--dialects): a folder
 * each, and here what they share. */
#ifndef SB_HTTP_DIALECTS_H
#define SB_HTTP_DIALECTS_H

#include "http/core/route.h"

/* {"error": message}, as the article and DeepFace write errors. */
json_t *sb_http_dialect_error(const sb_http_request *request, const char *code, const char *message);
/* A score as clients of CompreFace and DeepStack read it, who ask for 0.8 and more: "not sure" begins at 0.5 and a
 * match at 0.8. The answers have no verdict, so the number says the same. */
double sb_http_dialect_similarity(double score, double unsure, double threshold, sb_verdict verdict);
/* The number of a stored face in the shape of a UUID, which clients of CompreFace and Rekognition expect. */
enum { SB_HTTP_FACE_ID = 37 };
void sb_http_dialect_face_id(int64_t face, char out[SB_HTTP_FACE_ID]);
/* SB_NOT_FOUND where the text is not such an id. */
sb_status sb_http_dialect_face_number(const char *text, int64_t *face, sb_error *error);
/* The ids of all people of a collection as an array, also on failure; NULL: no memory. */
sb_status sb_http_dialect_ids(sb_engine *engine, const char *collection, json_t **out, sb_error *error);
/* DeepFace and CompreFace answer 400 to whatever is wrong with a request. */
unsigned sb_http_dialect_status(unsigned status);

#endif
