/* The phases of an exchange, from its headers to its answer. Private to core/. */
#ifndef SB_HTTP_CORE_DISPATCH_H
#define SB_HTTP_CORE_DISPATCH_H

#include "http/core/exchange.h"

/* The headers have arrived: checks, route, authentication, then how the body is to be read. MHD_NO: cut the
 * connection. */
enum MHD_Result sb_http_dispatch_headers(sb_http_exchange *exchange, struct MHD_Connection *connection,
                                         const char *method, const char *version);
/* The body is complete: the reply is made here, or a worker is given the exchange and the connection is suspended. */
enum MHD_Result sb_http_dispatch_body(sb_http_exchange *exchange);
/* The answer has been sent, or the connection was cut. Frees the exchange. */
void sb_http_dispatch_completed(sb_http_exchange *exchange);

/* For the request pool; `job` is an exchange. */
void sb_http_dispatch_perform(void *job); /* runs the handler, then resumes the connection */
void sb_http_dispatch_refuse(void *job);  /* replies that the server stops, then resumes the connection */

#endif
