/* The fields of params.h one at a time. Going away: handlers use sb_http_params. */
#ifndef SB_HTTP_CORE_REQUEST_FIELDS_H
#define SB_HTTP_CORE_REQUEST_FIELDS_H

#include "http/core/params.h"

/* A query parameter, else a field of the body of that name; `*out` is NULL where there is none. SB_INVALID for a field
 * that is given twice or is not text (a number of a JSON body is none). */
sb_status sb_http_request_text(sb_http_request *request, const char *name, const char **out, sb_error *error);
/* One of `words` ("largest", "all", NULL at the end): its index, or -1 where the parameter is absent. */
sb_status sb_http_request_choice(sb_http_request *request, const char *name, const char *const *words, int *out,
                                 sb_error *error);
/* A whole number of `least`..`most`; `*out` keeps its value where the parameter is absent. */
sb_status sb_http_request_count(sb_http_request *request, const char *name, size_t least, size_t most, size_t *out,
                                sb_error *error);
/* A number of `least`..`most`, as above. */
sb_status sb_http_request_real(sb_http_request *request, const char *name, double least, double most, double *out,
                               sb_error *error);
/* How sure a match must be (threshold, fmr, fpir); `*out` keeps its value where the request says nothing. */
sb_status sb_http_request_operating_point(sb_http_request *request, sb_target *out, sb_error *error);
/* The collection that is asked for; never NULL on success. */
sb_status sb_http_request_collection(sb_http_request *request, const char **out, sb_error *error);
/* All photos of a field; at least one. `*out` is released by free(), its bytes belong to the request. */
sb_status sb_http_request_photos(sb_http_request *request, const char *name, sb_photo **out, size_t *count,
                                 sb_error *error);
/* Exactly one photo. */
sb_status sb_http_request_photo(sb_http_request *request, const char *name, sb_photo *out, sb_error *error);

#endif
