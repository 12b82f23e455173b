/* multipart/form-data (RFC 7578, on RFC 2046), read as its bytes arrive.
 *
 * Headers of parts are read by their grammar: parameters in any order and case, as tokens or quoted strings, with
 * blanks around them, and extended ones (`filename*=UTF-8''na%C3%AFve.jpg`, RFC 8187), which take precedence. A line
 * that ends in LF alone is accepted as one in CRLF. Why not libmicrohttpd's post processor: it reads quoted names
 * only, and no parameter behind the boundary.
 *
 * Memory: one part's headers (8 KB at most) and a delimiter. The work is linear in the number of bytes. */
#ifndef SB_HTTP_CORE_MULTIPART_H
#define SB_HTTP_CORE_MULTIPART_H

#include "base/base.h"

/* What takes the parts. `more` false: a new part begins (then `size` is 0); true: the next bytes of the same part.
 * `filename` is NULL where the part has none; both texts are valid during the call. A failure ends the reading. */
typedef struct sb_http_multipart_sink {
  sb_status (*take)(void *context, const char *name, const char *filename, bool more, const void *bytes, size_t size,
                    sb_error *error);
  void *context;
} sb_http_multipart_sink;

/* One thread. */
typedef struct sb_http_multipart sb_http_multipart;
/* Begins to read a body of this Content-Type. SB_INVALID: it has no boundary, or one that RFC 2046 does not allow. */
sb_status sb_http_multipart_new(const char *content_type, sb_http_multipart_sink sink, sb_http_multipart **out,
                                sb_error *error);
/* SB_INVALID: a part's headers are malformed or too long. After a failure feed no more. */
sb_status sb_http_multipart_feed(sb_http_multipart *form, const char *bytes, size_t size, sb_error *error);
/* The body has ended. SB_INVALID: in the middle of the form. */
sb_status sb_http_multipart_end(const sb_http_multipart *form, sb_error *error);
void sb_http_multipart_free(sb_http_multipart *form); /* NULL is accepted */

#endif
