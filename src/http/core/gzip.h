/* gzip (RFC 1952): compression of answers where the client accepts it and it is worth while; bodies of requests. */
#ifndef SB_HTTP_CORE_GZIP_H
#define SB_HTTP_CORE_GZIP_H

#include "http/core/request.h"

/* Does the request's Accept-Encoding prefer gzip (RFC 9110, 12.5.3)? */
bool sb_http_gzip_accepted(const sb_http_request *request);
/* Replaces the text of the request's reply by its gzip form if the client accepts that and the text is long enough.
 * When memory runs out the text stays plain. */
void sb_http_gzip_reply(sb_http_request *request);

/* The other direction: a body that a client sent with Content-Encoding: gzip, as its bytes arrive. */
typedef struct sb_http_gunzip sb_http_gunzip;
sb_status sb_http_gunzip_new(sb_http_gunzip **out, sb_error *error);
/* Takes compressed bytes, and gives some of the plain ones: `room` at most in `out`, *got of them. Call it with `size`
 * 0 for more until it gives none. SB_INVALID: not gzip. */
sb_status sb_http_gunzip_feed(sb_http_gunzip *gunzip, const char *bytes, size_t size, char *out, size_t room,
                              size_t *got, sb_error *error);
/* Whether the compressed bytes ended where they should. */
bool sb_http_gunzip_whole(const sb_http_gunzip *gunzip);
void sb_http_gunzip_free(sb_http_gunzip *gunzip); /* NULL is accepted */

#endif
