/* Checks made before routing: cross-site requests (Origin), DNS rebinding (Host), and ambiguous framing (several
 * Content-Length or Transfer-Encoding headers). */
#ifndef SB_HTTP_CORE_REQUEST_CHECKS_H
#define SB_HTTP_CORE_REQUEST_CHECKS_H

#include "base/base.h"

struct sb_http_exchange;

/* Origins of other sites that may use the API (--cors), such as "https://desk.example". */
typedef struct sb_http_origins {
  char **list;
  size_t count;
} sb_http_origins;

/* "https://a.example,https://b.example:8443"; SB_INVALID for what is not an origin. Free in either case. */
sb_status sb_http_origins_read(sb_http_origins *origins, const char *words, sb_error *error);
void sb_http_origins_free(sb_http_origins *origins);

/* Replies and gives false: 403 to a page of another site, and on a loopback address to a Host that does not name this
 * machine; 400 to headers that say more than once how long the body is. Sets exchange->cors. */
bool sb_http_checks_pass(struct sb_http_exchange *exchange);

#endif
