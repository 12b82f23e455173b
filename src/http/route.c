/* The one table of routes, and the search in it. */
#include "http/route.h"
#include "http/decode.h"
#include "http/handlers.h"

#include <string.h>

/* Kept equal to web/openapi.yaml by tests/http/test_routes.py, which reads these lines. */
static const sb_route routes[] = {
    {"GET", "/v1/health", sb_handle_health, 0, SB_ACCESS_OPEN},
    {"GET", "/v1/version", sb_handle_version, 0, SB_ACCESS_OPEN},
    {"GET", "/v1/openapi.yaml", sb_handle_openapi, 0, SB_ACCESS_OPEN},
    {"GET", "/v1/people", sb_handle_people_list, SB_ROUTE_WORK, SB_ACCESS_READ},
    {"POST", "/v1/people", sb_handle_people_add, SB_ROUTE_PHOTO, SB_ACCESS_ENROLL},
    {"GET", "/v1/people/{id}", sb_handle_person_get, SB_ROUTE_WORK, SB_ACCESS_READ},
    {"PATCH", "/v1/people/{id}", sb_handle_person_rename, SB_ROUTE_WORK | SB_ROUTE_BODY, SB_ACCESS_ENROLL},
    {"DELETE", "/v1/people/{id}", sb_handle_person_delete, SB_ROUTE_WORK, SB_ACCESS_ADMIN},
    {"POST", "/v1/people/{id}/faces", sb_handle_person_faces, SB_ROUTE_PHOTO, SB_ACCESS_ENROLL},
    {"POST", "/v1/search", sb_handle_search, SB_ROUTE_PHOTO, SB_ACCESS_READ},
    {"POST", "/v1/verify", sb_handle_verify, SB_ROUTE_PHOTO, SB_ACCESS_READ},
    {"POST", "/v1/detect", sb_handle_detect, SB_ROUTE_PHOTO, SB_ACCESS_READ},
    {"POST", "/v1/represent", sb_handle_represent, SB_ROUTE_PHOTO, SB_ACCESS_READ},
    {"POST", "/v1/analyze", sb_handle_analyze, SB_ROUTE_PHOTO, SB_ACCESS_READ},
    {"GET", "/v1/collections", sb_handle_collections_list, SB_ROUTE_WORK, SB_ACCESS_READ},
    {"POST", "/v1/collections", sb_handle_collections_add, SB_ROUTE_WORK | SB_ROUTE_BODY, SB_ACCESS_ADMIN},
    {"DELETE", "/v1/collections/{name}", sb_handle_collection_delete, SB_ROUTE_WORK, SB_ACCESS_ADMIN},
    {"GET", "/api/status", sb_handle_article_status, 0, SB_ACCESS_OPEN},
    {"POST", "/api/register", sb_handle_article_register, SB_ROUTE_PHOTO, SB_ACCESS_ENROLL},
    {"POST", "/api/verify", sb_handle_article_verify, SB_ROUTE_PHOTO, SB_ACCESS_READ},
    {"GET", "/api/people", sb_handle_article_people, SB_ROUTE_WORK, SB_ACCESS_READ},
    {"POST", "/api/verify_family", sb_handle_article_family, SB_ROUTE_PHOTO, SB_ACCESS_READ},
};
enum { ROUTES = sizeof routes / sizeof *routes };

/* Does the path fit the pattern? `name`, `length`: the segment, still encoded, that stands for the braces. */
static bool pattern_fits(const char *pattern, const char *path, const char **name, size_t *length) {
  while (*pattern) {
    if (*pattern == '{') {
      *name = path;
      *length = strcspn(path, "/");
      if (!*length) return false;
      path += *length;
      pattern = strchr(pattern, '}') + 1;
    } else if (*pattern++ != *path++) {
      return false;
    }
  }
  return !*path;
}

static void allow_add(char allow[64], const char *method) {
  if (allow[0]) strncat(allow, ", ", 64 - strlen(allow) - 1);
  strncat(allow, method, 64 - strlen(allow) - 1);
}

/* The answer to a method that a known path has no handler for. */
static void reply_methods(sb_request *request, const char *allow) {
  if (!strcmp(request->method, "OPTIONS")) {
    sb_reply_empty(request, 204);
  } else {
    sb_reply_refusal(request, 405, "method_not_allowed", "the address is known, but not with this method: see Allow");
  }
  strncpy(request->reply.allow, allow, sizeof request->reply.allow - 1);
}

static void reply_page(sb_request *request, bool reading) {
  if (!strcmp(request->path, "*") && !strcmp(request->method, "OPTIONS")) {
    reply_methods(request, "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
  } else if (!sb_page_reply(request, request->path)) {
    sb_reply_refusal(request, 404, "not_found", "there is nothing at this address: /v1/openapi.yaml lists the routes");
  } else if (!reading) {
    reply_methods(request, "GET, HEAD, OPTIONS");
  }
}

void sb_route_find(sb_request *request) {
  bool head = !strcmp(request->method, "HEAD");
  const char *method = head ? "GET" : request->method;
  const char *name = NULL;
  size_t length = 0;
  char allow[64] = "";
  for (size_t i = 0; i < ROUTES; i++) {
    if (!pattern_fits(routes[i].pattern, request->path, &name, &length)) continue;
    allow_add(allow, routes[i].method);
    if (!strcmp(routes[i].method, "GET")) allow_add(allow, "HEAD");
    if (!strcmp(routes[i].method, method)) request->route = &routes[i];
  }
  if (!allow[0]) {
    reply_page(request, head || !strcmp(request->method, "GET"));
    return;
  }
  if (!request->route) {
    allow_add(allow, "OPTIONS");
    reply_methods(request, allow);
    return;
  }
  if (!strchr(request->route->pattern, '{')) return;
  sb_error error = {0};
  if ((request->name = sb_alloc(length + 1, 1, &error))) {
    memcpy(request->name, name, length);
    sb_percent_decode(request->name, false, &error);
  }
  if (error.code != SB_OK) sb_reply_error(request, &error);
}

const char *sb_route_label(const sb_request *request) {
  if (request->route) return request->route->pattern;
  return request->reply.etag ? "page" : "-";
}
