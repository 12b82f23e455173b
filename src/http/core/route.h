/* The one table of routes. */
#ifndef SB_HTTP_CORE_ROUTE_H
#define SB_HTTP_CORE_ROUTE_H

#include "http/core/request.h"

typedef void (*sb_handler)(sb_request *request); /* always leaves a reply */

enum {
  SB_ROUTE_WORK = 1u << 0,             /* runs in a worker's thread, not in the socket's */
  SB_ROUTE_BODY = 1u << 1,             /* reads a body */
  SB_ROUTE_ALL_COLLECTIONS = 1u << 15, /* tells of all collections: not for a key that is for one */
  SB_ROUTE_MODELS = 1u << 2,           /* needs the models: 503 until they are loaded */
  SB_ROUTE_IDEMPOTENT = 1u << 3,       /* honours Idempotency-Key */
  SB_ROUTE_FILES = 1u << 7,            /* the files of its form go to request->bundle, up to the limit of imports */
  SB_ROUTE_STREAM = 1u << 8,           /* its answer lasts */
  /* Whose API it is: the shape of its errors, and the setting that turns it off. None of them: Semblance's own. */
  SB_ROUTE_ARTICLE = 1u << 4,
  SB_ROUTE_DEEPFACE = 1u << 5,
  SB_ROUTE_COMPREFACE = 1u << 6,
  SB_ROUTE_DIALECTS = SB_ROUTE_ARTICLE | SB_ROUTE_DEEPFACE | SB_ROUTE_COMPREFACE,
  SB_ROUTES_MAX = 128,
  SB_ROUTE_PHOTO = SB_ROUTE_WORK | SB_ROUTE_BODY | SB_ROUTE_MODELS,
};

/* What a caller must be allowed to do. Keys hold a set of roles; admin includes the others. */
typedef enum sb_needs {
  SB_ACCESS_OPEN,   /* anybody: nothing about people is told */
  SB_ACCESS_READ,   /* look at people and search among them */
  SB_ACCESS_ENROLL, /* add people and faces, change names */
  SB_ACCESS_ADMIN,  /* delete, collections, operation */
} sb_needs;

typedef struct sb_route {
  const char *method;
  const char *pattern; /* a segment in braces stands for one decoded segment: request->names */
  sb_handler handler;
  unsigned flags;
  sb_needs access; /* each route says it: tests/trust calls every route with every role */
} sb_route;

/* Sets request->route and request->names by method and path; else a reply: 404, 405 with Allow, OPTIONS' 204, a file of
 * the page, 400 for a path that cannot be decoded. */
void sb_route_find(sb_request *request);
/* Which SB_ROUTE_DIALECTS a setting such as "article,deepface" turns on; SB_INVALID for an unknown word. */
sb_status sb_route_dialects(const char *words, unsigned *out, sb_error *error);
/* The table by number, for the counters; NULL behind the end. */
const sb_route *sb_route_at(size_t index);
size_t sb_route_index(const sb_route *route);
/* The route's pattern for the log, never what the client wrote. */
const char *sb_route_label(const sb_request *request);

#endif
