/* The one table of routes, and the search in it. */
#include "http/core/route.h"
#include "http/api/handlers.h"
#include "http/core/decode.h"
#include "http/dialects/dialects.h"

#include <string.h>

/* Kept equal to web/openapi.yaml by tests/http/test_routes.py, which reads these lines. */
static const sb_http_route routes[] = {
    {"GET", "/v1/health", sb_http_handle_health, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/v1/version", sb_http_handle_version, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/v1/openapi.yaml", sb_http_handle_openapi_yaml, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/v1/openapi.json", sb_http_handle_openapi_json, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/docs", sb_http_handle_docs, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/healthz", sb_http_handle_healthz, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/readyz", sb_http_handle_readyz, 0, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/metrics", sb_http_handle_metrics, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS, SB_HTTP_ACCESS_READ,
     NULL},
    {"GET", "/v1/stats", sb_http_handle_stats, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS, SB_HTTP_ACCESS_READ,
     NULL},
    {"GET", "/v1/session", sb_http_handle_session_get, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_OPEN, NULL},
    {"POST", "/v1/session", sb_http_handle_session_add, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY, SB_HTTP_ACCESS_OPEN,
     NULL},
    {"DELETE", "/v1/session", sb_http_handle_session_delete, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_OPEN, NULL},
    {"GET", "/v1/people", sb_http_handle_people_list, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ, NULL},
    {"POST", "/v1/people", sb_http_handle_people_add, SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_IDEMPOTENT,
     SB_HTTP_ACCESS_ENROLL, NULL},
    {"GET", "/v1/people/{id}", sb_http_handle_person_get, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ, NULL},
    {"PATCH", "/v1/people/{id}", sb_http_handle_person_change, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY,
     SB_HTTP_ACCESS_ENROLL, NULL},
    {"DELETE", "/v1/people/{id}", sb_http_handle_person_delete, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ADMIN, NULL},
    {"POST", "/v1/people/{id}/faces", sb_http_handle_person_faces_add, SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_IDEMPOTENT,
     SB_HTTP_ACCESS_ENROLL, NULL},
    {"GET", "/v1/people/{id}/faces", sb_http_handle_person_faces, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ, NULL},
    {"DELETE", "/v1/people/{id}/faces/{face}", sb_http_handle_person_face_delete, SB_HTTP_ROUTE_WORK,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"POST", "/v1/people/{id}/merge", sb_http_handle_person_merge, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"POST", "/v1/search", sb_http_handle_search, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, NULL},
    {"POST", "/v1/verify", sb_http_handle_verify, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, NULL},
    {"POST", "/v1/detect", sb_http_handle_detect, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, NULL},
    {"POST", "/v1/represent", sb_http_handle_represent, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, NULL},
    {"POST", "/v1/analyze", sb_http_handle_analyze, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, NULL},
    {"GET", "/v1/collections", sb_http_handle_collections_list, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ, NULL},
    {"POST", "/v1/collections", sb_http_handle_collections_add, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"DELETE", "/v1/collections/{name}", sb_http_handle_collection_delete, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ADMIN,
     NULL},
    {"GET", "/v1/live", sb_http_handle_live, SB_HTTP_ROUTE_MODELS | SB_HTTP_ROUTE_STREAM, SB_HTTP_ACCESS_READ, NULL},
    {"GET", "/v1/jobs", sb_http_handle_jobs_list, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ENROLL, NULL},
    {"POST", "/v1/jobs/import", sb_http_handle_jobs_import, SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_FILES,
     SB_HTTP_ACCESS_ENROLL, NULL},
    {"POST", "/v1/jobs/reembed", sb_http_handle_jobs_reembed, SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_FILES,
     SB_HTTP_ACCESS_ENROLL, NULL},
    {"POST", "/v1/jobs/cluster", sb_http_handle_jobs_cluster, SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_FILES,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"POST", "/v1/jobs/dedup", sb_http_handle_jobs_dedup, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY, SB_HTTP_ACCESS_ADMIN,
     NULL},
    {"GET", "/v1/jobs/{job}", sb_http_handle_job_get, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ENROLL, NULL},
    {"DELETE", "/v1/jobs/{job}", sb_http_handle_job_cancel, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ENROLL, NULL},
    {"POST", "/v1/jobs/{job}/pause", sb_http_handle_job_pause, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ENROLL, NULL},
    {"POST", "/v1/jobs/{job}/resume", sb_http_handle_job_resume, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ENROLL, NULL},
    {"GET", "/v1/jobs/{job}/refused", sb_http_handle_job_refused, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ENROLL, NULL},
    {"GET", "/v1/jobs/{job}/result", sb_http_handle_job_result, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/v1/jobs/{job}/events", sb_http_handle_job_events, SB_HTTP_ROUTE_STREAM, SB_HTTP_ACCESS_ENROLL, NULL},
    {"GET", "/v1/keys", sb_http_handle_keys_list, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"POST", "/v1/keys", sb_http_handle_keys_add,
     SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY | SB_HTTP_ROUTE_ALL_COLLECTIONS, SB_HTTP_ACCESS_ADMIN, NULL},
    {"DELETE", "/v1/keys/{prefix}", sb_http_handle_key_revoke, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/v1/models", sb_http_handle_models_list, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/v1/audit", sb_http_handle_audit_list, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/v1/audit/head", sb_http_handle_audit_head, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/v1/thresholds", sb_http_handle_thresholds_get, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ, NULL},
    {"PUT", "/v1/thresholds", sb_http_handle_thresholds_set,
     SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY | SB_HTTP_ROUTE_ALL_COLLECTIONS, SB_HTTP_ACCESS_ADMIN, NULL},
    {"DELETE", "/v1/thresholds", sb_http_handle_thresholds_reset, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/v1/report", sb_http_handle_report, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_ALL_COLLECTIONS,
     SB_HTTP_ACCESS_ADMIN, NULL},
    {"GET", "/api/status", sb_http_handle_article_status, 0, SB_HTTP_ACCESS_OPEN, &sb_http_article},
    {"POST", "/api/register", sb_http_handle_article_register, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_ENROLL,
     &sb_http_article},
    {"POST", "/api/verify", sb_http_handle_article_verify, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, &sb_http_article},
    {"GET", "/api/people", sb_http_handle_article_people, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ, &sb_http_article},
    {"POST", "/api/verify_family", sb_http_handle_article_family, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ,
     &sb_http_article},
    {"POST", "/represent", sb_http_handle_deepface_represent, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ,
     &sb_http_deepface},
    {"POST", "/verify", sb_http_handle_deepface_verify, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, &sb_http_deepface},
    {"POST", "/analyze", sb_http_handle_deepface_analyze, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, &sb_http_deepface},
    {"POST", "/register", sb_http_handle_deepface_register, SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_IDEMPOTENT,
     SB_HTTP_ACCESS_ENROLL, &sb_http_deepface},
    {"POST", "/search", sb_http_handle_deepface_search, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ, &sb_http_deepface},
    {"POST", "/build/index", sb_http_handle_deepface_build, SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY,
     SB_HTTP_ACCESS_ENROLL, &sb_http_deepface},
    {"GET", "/api/v1/recognition/subjects", sb_http_handle_compreface_subjects, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ,
     &sb_http_compreface},
    {"POST", "/api/v1/recognition/subjects", sb_http_handle_compreface_subject_add,
     SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY, SB_HTTP_ACCESS_ENROLL, &sb_http_compreface},
    {"DELETE", "/api/v1/recognition/subjects", sb_http_handle_compreface_subjects_delete, SB_HTTP_ROUTE_WORK,
     SB_HTTP_ACCESS_ADMIN, &sb_http_compreface},
    {"PUT", "/api/v1/recognition/subjects/{subject}", sb_http_handle_compreface_subject_rename,
     SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY, SB_HTTP_ACCESS_ADMIN, &sb_http_compreface},
    {"DELETE", "/api/v1/recognition/subjects/{subject}", sb_http_handle_compreface_subject_delete, SB_HTTP_ROUTE_WORK,
     SB_HTTP_ACCESS_ADMIN, &sb_http_compreface},
    {"GET", "/api/v1/recognition/faces", sb_http_handle_compreface_faces, SB_HTTP_ROUTE_WORK, SB_HTTP_ACCESS_READ,
     &sb_http_compreface},
    {"POST", "/api/v1/recognition/faces", sb_http_handle_compreface_face_add,
     SB_HTTP_ROUTE_PHOTO | SB_HTTP_ROUTE_IDEMPOTENT, SB_HTTP_ACCESS_ENROLL, &sb_http_compreface},
    {"DELETE", "/api/v1/recognition/faces", sb_http_handle_compreface_faces_delete, SB_HTTP_ROUTE_WORK,
     SB_HTTP_ACCESS_ADMIN, &sb_http_compreface},
    {"POST", "/api/v1/recognition/faces/delete", sb_http_handle_compreface_faces_delete_some,
     SB_HTTP_ROUTE_WORK | SB_HTTP_ROUTE_BODY, SB_HTTP_ACCESS_ADMIN, &sb_http_compreface},
    {"DELETE", "/api/v1/recognition/faces/{image_id}", sb_http_handle_compreface_face_delete, SB_HTTP_ROUTE_WORK,
     SB_HTTP_ACCESS_ADMIN, &sb_http_compreface},
    {"POST", "/api/v1/recognition/faces/{image_id}/verify", sb_http_handle_compreface_face_verify, SB_HTTP_ROUTE_PHOTO,
     SB_HTTP_ACCESS_READ, &sb_http_compreface},
    {"POST", "/api/v1/recognition/recognize", sb_http_handle_compreface_recognize, SB_HTTP_ROUTE_PHOTO,
     SB_HTTP_ACCESS_READ, &sb_http_compreface},
    {"POST", "/api/v1/detection/detect", sb_http_handle_compreface_detect, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ,
     &sb_http_compreface},
    {"POST", "/api/v1/verification/verify", sb_http_handle_compreface_verify, SB_HTTP_ROUTE_PHOTO, SB_HTTP_ACCESS_READ,
     &sb_http_compreface},
};
enum { ROUTES = sizeof routes / sizeof *routes };
_Static_assert((int)ROUTES <= (int)SB_HTTP_ROUTES_MAX, "the counters have a row for each route");

static const sb_http_dialect *const dialects[] = {&sb_http_article, &sb_http_deepface, &sb_http_compreface};
enum { DIALECTS = sizeof dialects / sizeof *dialects };

/* What stands for the braces of a pattern, still encoded. */
typedef struct segments {
  size_t count;
  const char *at[SB_HTTP_PATH_PARAMETERS_MAX];
  size_t length[SB_HTTP_PATH_PARAMETERS_MAX];
} segments;

/* Does the path fit the pattern? */
static bool pattern_fits(const char *pattern, const char *path, segments *found) {
  found->count = 0;
  while (*pattern) {
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
  return !*path;
}

static void allow_add(char allow[64], const char *method) {
  if (allow[0]) strncat(allow, ", ", 64 - strlen(allow) - 1);
  strncat(allow, method, 64 - strlen(allow) - 1);
}

/* The answer to a method that a known path has no handler for. */
static void reply_methods(sb_http_request *request, const char *allow) {
  if (!strcmp(request->method, "OPTIONS")) {
    sb_http_reply_empty(request, 204);
  } else {
    sb_http_reply_refusal(request, 405, "method_not_allowed",
                          "the address is known, but not with this method: see Allow");
  }
  strncpy(request->reply.allow, allow, sizeof request->reply.allow - 1);
}

static void reply_page(sb_http_request *request, bool reading) {
  if (!strcmp(request->path, "*") && !strcmp(request->method, "OPTIONS")) {
    reply_methods(request, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  } else if (!sb_http_page_reply(request, request->path)) {
    sb_http_reply_refusal(request, 404, "not_found", "there is nothing at this address: /docs lists the routes");
  } else if (!reading) {
    reply_methods(request, "GET, HEAD, OPTIONS");
  }
}

/* The decoded names go to the request. */
static void take_names(sb_http_request *request, const segments *found) {
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

static bool is_on(const sb_http_server *server, const sb_http_dialect *dialect) {
  if (!dialect) return true;
  for (size_t i = 0; i < DIALECTS; i++)
    if (dialects[i] == dialect) return server->dialects >> i & 1;
  return false;
}

void sb_http_route_find(sb_http_request *request) {
  bool head = !strcmp(request->method, "HEAD");
  const char *method = head ? "GET" : request->method;
  segments found, chosen = {0};
  bool spelled_out = false;
  char allow[64] = "";
  for (size_t i = 0; i < ROUTES; i++) {
    if (!is_on(request->server, routes[i].dialect)) continue;
    if (!pattern_fits(routes[i].pattern, request->path, &found)) continue;
    /* A path that is spelled out is no name: ".../faces/delete" is no face. The table has it before the one with braces. */
    if (spelled_out && found.count) continue;
    spelled_out = !found.count;
    allow_add(allow, routes[i].method);
    if (!strcmp(routes[i].method, "GET")) allow_add(allow, "HEAD");
    if (strcmp(routes[i].method, method)) continue;
    request->route = &routes[i];
    chosen = found;
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
  take_names(request, &chosen);
}

sb_status sb_http_route_dialects(const char *words, unsigned *out, sb_error *error) {
  *out = 0;
  while (*words) {
    size_t length = strcspn(words, ","), i = 0;
    bool none = length == 4 && !strncmp(words, "none", 4);
    while (!none && i < DIALECTS && (strlen(dialects[i]->name) != length || strncmp(dialects[i]->name, words, length)))
      i++;
    if (i == DIALECTS)
      return sb_fail(error, SB_INVALID, "--dialects is article, deepface and compreface with ',' between, or none");
    if (!none) *out |= 1u << i;
    words += length + (words[length] == ',');
  }
  return SB_OK;
}

const sb_http_route *sb_http_route_at(size_t index) {
  return index < ROUTES ? &routes[index] : NULL;
}

size_t sb_http_route_index(const sb_http_route *route) {
  return (size_t)(route - routes);
}

const char *sb_http_route_label(const sb_http_request *request) {
  if (request->route) return request->route->pattern;
  return request->reply.etag ? "page" : "-";
}
