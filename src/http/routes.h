/* What the server serves: see routes.c. */
#ifndef SB_HTTP_ROUTES_H
#define SB_HTTP_ROUTES_H

#include "http/core/route.h"

extern const sb_http_route sb_http_routes[];
extern const size_t sb_http_route_count;
extern const sb_http_dialect *const sb_http_dialects[];
extern const size_t sb_http_dialect_count;

#endif
