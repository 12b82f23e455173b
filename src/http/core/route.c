/* Finding a request's route: every pattern is tried, a hundred string comparisons a request. */
#include "http/core/route.h"
#include "http/core/decode.h"

#include <string.h>

/* The segments of a path that match the braces of a pattern, still encoded. */
typedef struct segments {
  size_t count;
  const char *at[SB_HTTP_PATH_PARAMETERS_MAX];
  size_t length[SB_HTTP_PATH_PARAMETERS_MAX];
} segments;

/* Is the request for this target? "": for any, and for none. */
static bool target_fits(const sb_http_request *request, const char *wanted) {
  const char *target = sb_http_header(request, "X-Amz-Target");
  return !*wanted || (target && !strcmp(target, wanted));
}

/* `slash`: a slash behind the path is passed over, as the servers of other programs do. */
static bool pattern_fits(const char *pattern, const sb_http_request *request, bool slash, segments *found) {
  const char *path = request->path;
  found->count = 0;
  while (*pattern) {
    if (*pattern == '#') return !*path && target_fits(request, pattern + 1);
    if (*pattern == '{') {
      size_t length = strcspn(path, "/");
      if (!length) return false;
      found->at[found->count] = path;
      found->length[found->count++] = length;
      path += length;
      pattern = strchr(pattern, '}') + 1;
    } else if (*pattern++ != *path++) {
      return false;
    }
  }
  return !*path || (slash && path[0] == '/' && !path[1]);
}

/* No method has another one's name as a part. */
static void allow_add(char allow[64], const char *method) {
  if (strstr(allow, method)) return;
  if (allow[0]) strncat(allow, ", ", 64 - strlen(allow) - 1);
  strncat(allow, method, 64 - strlen(allow) - 1);
}

/* Replies to a method for which a known path has no handler. */
static void reply_methods(sb_http_request *request, const char *allow) {
  if (!strcmp(request->method, "OPTIONS")) {
    sb_http_reply_empty(request, 204);
  } else {
    sb_http_reply_refusal(request, 405, "method_not_allowed",
                          "this address has no such method: the Allow header lists its methods");
  }
  strncpy(request->reply.allow, allow, sizeof request->reply.allow - 1);
}

/* A file of the page or, for another method than reading, the methods of the path; `allow`: those of its routes. */
static void reply_page(const sb_http_router *router, sb_http_request *request, bool reading, const char *allow) {
  char methods[64] = "";
  if (!strcmp(request->path, "*") && !strcmp(request->method, "OPTIONS")) {
    reply_methods(request, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    return;
  }
  bool page = router->page(request, request->path);
  if (page && reading) return;
  if (!page && !*allow) {
    sb_http_reply_refusal(request, 404, "not_found", "there is nothing at this address: /docs lists the routes");
    return;
  }
  if (page) strcpy(methods, "GET, HEAD");
  if (*allow) allow_add(methods, allow);
  allow_add(methods, "OPTIONS");
  reply_methods(request, methods);
}

/* Decodes the segments into the request. */
static void take_segments(sb_http_request *request, const segments *found) {
  sb_error error = {0};
  for (size_t i = 0; i < found->count && error.code == SB_OK; i++) {
    char *name = sb_alloc(found->length[i] + 1, 1, &error);
    if (!name) break;
    memcpy(name, found->at[i], found->length[i]);
    request->path_parameters[i] = name;
    sb_http_percent_decode(name, false, &error);
  }
  if (error.code != SB_OK) sb_http_reply_error(request, &error);
}

static bool is_on(const sb_http_router *router, const sb_http_dialect *dialect) {
  if (!dialect) return true;
  for (size_t i = 0; i < router->dialect_count; i++)
    if (router->dialects[i] == dialect) return router->dialects_on >> i & 1;
  return false;
}

/* Among the routes that match, one without braces wins: ".../faces/delete" is not the face "delete". The table has
 * such a route before the one with braces. `allow` collects the methods of all that match. */
static const sb_http_route *match(const sb_http_router *router, const sb_http_request *request, const char *method,
                                  segments *chosen, char allow[64]) {
  const sb_http_route *found = NULL;
  segments segments_found;
  bool spelled_out = false;
  for (size_t i = 0; i < router->route_count; i++) {
    const sb_http_route *route = &router->routes[i];
    if (!is_on(router, route->dialect)) continue;
    if (!pattern_fits(route->pattern, request, route->dialect != NULL, &segments_found)) continue;
    if (spelled_out && segments_found.count) continue;
    spelled_out = !segments_found.count;
    allow_add(allow, route->method);
    if (!strcmp(route->method, "GET")) allow_add(allow, "HEAD");
    if (strcmp(route->method, method)) continue;
    found = route;
    *chosen = segments_found;
  }
  return found;
}

void sb_http_route_find(const sb_http_router *router, sb_http_request *request) {
  bool head = !strcmp(request->method, "HEAD"), reading = head || !strcmp(request->method, "GET");
  char allow[64] = "";
  segments chosen = {0};
  request->route = match(router, request, head ? "GET" : request->method, &chosen, allow);
  if (request->route) {
    take_segments(request, &chosen);
  } else {
    reply_page(router, request, reading, allow);
  }
}

sb_status sb_http_route_dialects(sb_http_router *router, const char *names, sb_error *error) {
  router->dialects_on = 0;
  while (*names) {
    size_t length = strcspn(names, ","), i = 0;
    bool none = length == 4 && !strncmp(names, "none", 4);
    while (!none && i < router->dialect_count &&
           (strlen(router->dialects[i]->name) != length || strncmp(router->dialects[i]->name, names, length)))
      i++;
    if (i == router->dialect_count)
      return sb_fail(
          error, SB_INVALID,
          "--dialects is article, deepface, compreface, deepstack and rekognition with ',' between, or none");
    if (!none) router->dialects_on |= 1u << i;
    names += length + (names[length] == ',');
  }
  return SB_OK;
}

const char *sb_http_route_label(const sb_http_request *request) {
  if (request->route) return request->route->pattern;
  return request->reply.etag ? "page" : "-";
}
