/* Routes: a table that names a handler for each method and path, and the search in it.
 *
 * The table itself stands above the core, in src/http/routes.c, because it names the handlers of every API. */
#ifndef SB_HTTP_CORE_ROUTE_H
#define SB_HTTP_CORE_ROUTE_H

#include "http/core/request.h"

typedef void (*sb_http_handler)(sb_http_request *request); /* always leaves a reply */

/* How an API writes its errors. A route names its dialect, so that handlers and the core reply to every error in one
 * way. */
typedef struct sb_http_dialect {
  const char *name; /* as --dialects has it */
  /* The body for an error; NULL when out of memory. */
  json_t *(*error)(const sb_http_request *request, const char *code, const char *message);
  /* The HTTP status that clients of this API expect in place of the native API's; NULL: the same. */
  unsigned (*status)(unsigned status);
} sb_http_dialect;

enum {
  SB_HTTP_ROUTE_WORK = 1u << 0,            /* runs in a worker thread, not in the socket's */
  SB_HTTP_ROUTE_BODY = 1u << 1,            /* reads a body */
  SB_HTTP_ROUTE_MODELS = 1u << 2,          /* needs the models: 503 until they are loaded */
  SB_HTTP_ROUTE_IDEMPOTENT = 1u << 3,      /* honours Idempotency-Key */
  SB_HTTP_ROUTE_FILES = 1u << 4,           /* the files of its form go to request->bundle, up to the limit of imports */
  SB_HTTP_ROUTE_STREAM = 1u << 5,          /* its answer may last: server-sent events, a WebSocket */
  SB_HTTP_ROUTE_ALL_COLLECTIONS = 1u << 6, /* concerns all collections: refused to a key that is for one */
  SB_HTTP_ROUTE_LARGE = 1u << 7,           /* its body may have photos or templates: up to the limit of bodies */
  SB_HTTP_ROUTE_NESTED = 1u << 8,          /* members of objects in its JSON are fields, too: "Image.Bytes" */
  SB_HTTP_ROUTE_VECTORS = 1u << 9,         /* a list of numbers in its JSON is one field: sb_http_params_vectors */
  SB_HTTP_ROUTE_PHOTO = SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY | SB_HTTP_ROUTE_MODELS | SB_HTTP_ROUTE_LARGE,
  SB_HTTP_ROUTES_MAX = 128
};

/* What a caller must be allowed to do. A key holds a set of roles; the role admin includes the others. */
typedef enum sb_http_access {
  SB_HTTP_ACCESS_OPEN,   /* anybody: the answer says nothing about people */
  SB_HTTP_ACCESS_EITHER, /* the role read or the role enroll */
  SB_HTTP_ACCESS_READ,   /* look at people and search among them */
  SB_HTTP_ACCESS_ENROLL, /* add people and faces, change names */
  SB_HTTP_ACCESS_ADMIN,  /* delete, collections, operation */
} sb_http_access;

typedef struct sb_http_route {
  const char *method;
  /* A segment in braces matches one segment: request->path_parameters. "/#Service.Call" is the path "/" of a request
   * whose X-Amz-Target is "Service.Call"; "/#", before it in the table, is "/" with any other X-Amz-Target, or none. */
  const char *pattern;
  sb_http_handler handler;
  unsigned flags;
  sb_http_access access;          /* every route states it: tests/trust calls every route with every role */
  const sb_http_dialect *dialect; /* NULL: Semblance's own API */
} sb_http_route;

/* What a server serves. Immutable while it runs. */
typedef struct sb_http_router {
  const sb_http_route *routes;
  size_t route_count; /* SB_HTTP_ROUTES_MAX at most */
  const sb_http_dialect *const *dialects;
  size_t dialect_count;
  unsigned dialects_on; /* bit i: the routes of dialects[i] exist */
  /* Replies with the file of the embedded page at that path; false where there is none. */
  bool (*page)(sb_http_request *request, const char *path);
} sb_http_router;

/* Sets request->route and request->path_parameters by method and path. Where there is no such route, sets a reply: a
 * file of the page, 404, 405 with Allow, 204 to OPTIONS, 400 for a path that cannot be decoded. */
void sb_http_route_find(const sb_http_router *router, sb_http_request *request);
/* Turns on the dialects that the setting names, such as "article,deepface"; SB_INVALID for an unknown name. */
sb_status sb_http_route_dialects(sb_http_router *router, const char *names, sb_error *error);
/* The route's pattern for logs, "page" or "-": never what the client wrote. */
const char *sb_http_route_label(const sb_http_request *request);

static inline bool sb_http_route_has(const sb_http_route *route, unsigned flag) {
  return route && route->flags & flag;
}

#endif
