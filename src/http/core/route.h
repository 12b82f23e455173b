/* The one table of routes. */
#ifndef SB_HTTP_CORE_ROUTE_H
#define SB_HTTP_CORE_ROUTE_H

#include "http/core/request.h"

typedef void (*sb_http_handler)(sb_http_request *request); /* always leaves a reply */

/* How an API writes its errors. A route names its dialect, so that handlers and the core reply to every error in one way. */
typedef struct sb_http_dialect {
  const char *name; /* as --dialects has it */
  /* The body for an error; NULL when out of memory. */
  json_t *(*error)(const sb_http_request *request, const char *code, const char *message);
  /* The HTTP status that clients of this API expect in place of the native API's; NULL: the same. */
  unsigned (*status)(unsigned status);
} sb_http_dialect;

enum {
  SB_HTTP_ROUTE_WORK = 1u << 0,             /* runs in a worker's thread, not in the socket's */
  SB_HTTP_ROUTE_BODY = 1u << 1,             /* reads a body */
  SB_HTTP_ROUTE_ALL_COLLECTIONS = 1u << 15, /* tells of all collections: not for a key that is for one */
  SB_HTTP_ROUTE_MODELS = 1u << 2,           /* needs the models: 503 until they are loaded */
  SB_HTTP_ROUTE_IDEMPOTENT = 1u << 3,       /* honours Idempotency-Key */
  SB_HTTP_ROUTE_FILES = 1u << 7,  /* the files of its form go to request->bundle, up to the limit of imports */
  SB_HTTP_ROUTE_STREAM = 1u << 8, /* its answer lasts */
  SB_HTTP_ROUTES_MAX = 128,
  SB_HTTP_ROUTE_PHOTO = SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY | SB_HTTP_ROUTE_MODELS,
};

/* What a caller must be allowed to do. Keys hold a set of roles; admin includes the others. */
typedef enum sb_http_access {
  SB_HTTP_ACCESS_OPEN,   /* anybody: nothing about people is told */
  SB_HTTP_ACCESS_READ,   /* look at people and search among them */
  SB_HTTP_ACCESS_ENROLL, /* add people and faces, change names */
  SB_HTTP_ACCESS_ADMIN,  /* delete, collections, operation */
} sb_http_access;

typedef struct sb_http_route {
  const char *method;
  const char *pattern; /* a segment in braces stands for one decoded segment: request->path_parameters */
  sb_http_handler handler;
  unsigned flags;
  sb_http_access access;          /* each route says it: tests/trust calls every route with every role */
  const sb_http_dialect *dialect; /* NULL: Semblance's own API */
} sb_http_route;

/* Sets request->route and request->path_parameters by method and path; else a reply: 404, 405 with Allow, OPTIONS' 204, a file of
 * the page, 400 for a path that cannot be decoded. */
void sb_http_route_find(sb_http_request *request);
/* The dialects that a setting such as "article,deepface" turns on, bit i for sb_http_dialects[i]; SB_INVALID for an unknown word. */
sb_status sb_http_route_dialects(const char *words, unsigned *out, sb_error *error);
/* The table by number, for the counters; NULL behind the end. */
const sb_http_route *sb_http_route_at(size_t index);
size_t sb_http_route_index(const sb_http_route *route);
/* The route's pattern for the log, never what the client wrote. */
const char *sb_http_route_label(const sb_http_request *request);

#endif
