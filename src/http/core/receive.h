/* Receiving a request's body: a form, JSON, or one photo as it is. Private to core/. */
#ifndef SB_HTTP_CORE_RECEIVE_H
#define SB_HTTP_CORE_RECEIVE_H

#include "http/core/exchange.h"

/* Chooses by the Content-Type how the body is to be read. */
void sb_http_receive_begin(sb_http_exchange *exchange);
/* The Content-Length, held against the limit: replies 413, closing the connection, to a body that is too large. */
void sb_http_receive_announced(sb_http_exchange *exchange);
/* Some bytes of the body. False: the client keeps sending beyond the limits, so cut the connection. */
bool sb_http_receive(sb_http_exchange *exchange, const char *bytes, size_t size);
/* The body is complete: turns it into request.fields. */
sb_status sb_http_receive_end(sb_http_exchange *exchange, sb_error *error);

#endif
