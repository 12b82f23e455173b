/* Compression of answers with gzip (RFC 1952), where the client accepts it and it is worth while. */
#ifndef SB_HTTP_CORE_GZIP_H
#define SB_HTTP_CORE_GZIP_H

#include "http/core/request.h"

/* Does the request's Accept-Encoding allow gzip? */
bool sb_http_gzip_accepted(const sb_http_request *request);
/* Replaces the text of the request's reply by its gzip form if the client accepts that and the text is long enough.
 * When memory runs out the text stays plain. */
void sb_http_gzip_reply(sb_http_request *request);

#endif
