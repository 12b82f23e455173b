/* Replies and their headers. */
#include "http/request.h"
#include "http/route.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_DIGITS = 9 }; /* all that a float holds */

unsigned sb_http_status(sb_status status) {
  switch (status) {
  case SB_OK: return 200;
  case SB_INVALID:
  case SB_BAD_IMAGE: return 400;
  case SB_FORBIDDEN: return 403;
  case SB_NOT_FOUND: return 404;
  case SB_EXISTS:
  case SB_DUPLICATE: return 409;
  case SB_IMAGE_TOO_LARGE:
  case SB_TOO_LARGE: return 413;
  case SB_UNSUPPORTED_IMAGE: return 415;
  case SB_NO_FACE:
  case SB_SEVERAL_FACES:
  case SB_LOW_QUALITY: return 422;
  case SB_MISUSE:
  case SB_NO_MEMORY:
  case SB_STORE:
  case SB_READ_ONLY:
  case SB_WRONG_KEY:
  case SB_IO:
  case SB_INTERNAL: return 500;
  case SB_BUSY:
  case SB_STOPPING:
  case SB_MODEL: return 503;
  case SB_DISK_FULL: return 507;
  }
  return 500;
}

void sb_reply_clear(sb_reply *reply) {
  free(reply->owned);
  *reply = (sb_reply){0};
}

void sb_reply_json(sb_request *request, unsigned status, json_t *body) {
  static const char no_memory[] = "{\"error\":{\"code\":\"no_memory\",\"message\":\"the server is out of memory\"}}";
  sb_reply *reply = &request->reply;
  sb_reply_clear(reply);
  reply->type = "application/json";
  reply->owned = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(JSON_DIGITS)) : NULL;
  json_decref(body);
  reply->bytes = reply->owned ? reply->owned : no_memory;
  reply->size = strlen(reply->bytes);
  reply->status = reply->owned ? status : 500;
}

json_t *sb_error_json(const sb_request *request, const char *code, const char *message) {
  if (!strncmp(request->path, "/api/", 5)) return json_pack("{s:s}", "error", message);
  return json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code, "message", message, "request_id", request->id);
}

void sb_reply_refusal(sb_request *request, unsigned status, const char *code, const char *message) {
  sb_reply_json(request, status, sb_error_json(request, code, message));
}

void sb_reply_error(sb_request *request, const sb_error *error) {
  unsigned status = sb_http_status(error->code);
  if (status >= 500) sb_log(SB_LOG_WARNING, "%s: %s", sb_status_code(error->code), error->message);
  sb_reply_refusal(request, status, sb_status_code(error->code), error->message);
  request->reply.retry = status == 503;
}

void sb_reply_empty(sb_request *request, unsigned status) {
  sb_reply_clear(&request->reply);
  request->reply.status = status;
}

/* For every answer: the page may run its own scripts and reach its own server, and nothing else may use it. */
static const struct {
  const char *name, *value;
} security_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static bool headers_add(const sb_request *request, struct MHD_Response *response) {
  const sb_reply *reply = &request->reply;
  const char *const headers[][2] = {
      {"X-Request-Id", request->id},
      {"Content-Type", reply->type},
      {"ETag", reply->etag},
      {"Cache-Control", reply->etag ? "no-cache" : "no-store"},
      {"Allow", reply->allow[0] ? reply->allow : NULL},
      {"Retry-After", reply->retry ? "1" : NULL},
      {"Connection", reply->close || atomic_load(&request->server->stopping) ? "close" : NULL},
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    if (headers[i][1] && MHD_add_response_header(response, headers[i][0], headers[i][1]) != MHD_YES) return false;
  }
  for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++) {
    if (MHD_add_response_header(response, security_headers[i].name, security_headers[i].value) != MHD_YES) return false;
  }
  return true;
}

enum MHD_Result sb_reply_send(sb_request *request) {
  sb_reply *reply = &request->reply;
  enum MHD_ResponseMemoryMode mode = reply->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
  /* The library takes the bytes as writable and never writes to them. */
  union {
    const void *constant;
    void *plain;
  } bytes = {.constant = reply->bytes ? reply->bytes : ""};
  struct MHD_Response *response = MHD_create_response_from_buffer(reply->size, bytes.plain, mode);
  if (!response) return MHD_NO;
  reply->owned = NULL; /* it belongs to the response now */
  enum MHD_Result queued = MHD_NO;
  if (headers_add(request, response)) queued = MHD_queue_response(request->connection, reply->status, response);
  MHD_destroy_response(response);
  request->phase = SB_PHASE_REPLIED;
  return queued;
}
