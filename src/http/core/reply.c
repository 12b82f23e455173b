/* Making a reply: JSON, errors as the route's dialect writes them, ETags. */
#include "http/core/exchange.h"
#include "http/core/gzip.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  case SB_LOW_QUALITY:
  case SB_NOT_LIVE: return 422;
  case SB_MISUSE:
  case SB_STORE:
  case SB_READ_ONLY:
  case SB_WRONG_KEY:
  case SB_IO:
  case SB_INTERNAL: return 500;
  case SB_BUSY:
  case SB_NO_MEMORY:
  case SB_STOPPING:
  case SB_MODEL: return 503;
  case SB_DISK_FULL: return 507;
  }
  return 500;
}

void sb_http_reply_clear(sb_http_reply *reply) {
  if (reply->stream) MHD_destroy_response(reply->stream);
  if (reply->upgrade.abandon) reply->upgrade.abandon(reply->upgrade.state);
  free(reply->owned);
  *reply = (sb_http_reply){0};
}

void sb_http_reply_owned(sb_http_request *request, unsigned status, const char *type, char *text, size_t size) {
  static const char no_memory[] = "{\"error\":{\"code\":\"no_memory\",\"message\":\"the server is out of memory\"}}";
  sb_http_reply *reply = &request->reply;
  sb_http_reply_clear(reply);
  reply->type = text ? type : "application/json";
  reply->owned = text;
  reply->bytes = text ? text : no_memory;
  reply->size = text ? size : sizeof no_memory - 1;
  reply->status = text ? status : 503;
  /* An answer that is stored for an Idempotency-Key stays plain: the client that repeats the request may not accept
   * gzip. */
  if (text && !sb_http_exchange_of(request)->idempotency) sb_http_gzip_reply(request);
}

void sb_http_reply_json(sb_http_request *request, unsigned status, json_t *body) {
  char *text = sb_json_write(body);
  json_decref(body);
  sb_http_reply_owned(request, status, "application/json", text, text ? strlen(text) : 0);
}

/* Weak comparison (RFC 9110, 8.8.3.2): W/ makes no difference. */
static const char *opaque_tag(const char *tag) {
  return strncmp(tag, "W/", 2) ? tag : tag + 2;
}

bool sb_http_reply_is_known(const sb_http_request *request, const char *etag) {
  const char *at = sb_http_header(request, "If-None-Match"), *wanted = opaque_tag(etag);
  if (at && !strcmp(at, "*")) return true;
  while (at && *(at += strspn(at, ", \t"))) {
    at = opaque_tag(at);
    size_t length = *at == '"' ? strcspn(at + 1, "\"") + 2 : strcspn(at, ",");
    if (length == strlen(wanted) && !strncmp(at, wanted, length)) return true;
    at += length <= strlen(at) ? length : strlen(at);
  }
  return false;
}

void sb_http_reply_json_tagged(sb_http_request *request, json_t *body) {
  char *text = sb_json_write(body);
  json_decref(body);
  uint64_t hash = sb_hash_add(SB_HASH_INIT, text ? text : "", text ? strlen(text) : 0);
  char tag[24];
  snprintf(tag, sizeof tag, "W/\"%016llx\"", (unsigned long long)hash);
  if (text && sb_http_reply_is_known(request, tag)) {
    free(text);
    sb_http_reply_empty(request, 304);
    request->reply.varies = true;
  } else {
    sb_http_reply_owned(request, 200, "application/json", text, text ? strlen(text) : 0);
  }
  strcpy(request->reply.tag, tag);
  if (request->reply.status < 500) request->reply.etag = request->reply.tag;
}

json_t *sb_http_error_json(const sb_http_request *request, const char *code, const char *message) {
  const sb_http_dialect *dialect = request->route ? request->route->dialect : NULL;
  if (dialect) return dialect->error(request, code, message);
  return json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code, "message", message, "request_id", request->id);
}

void sb_http_reply_refusal(sb_http_request *request, unsigned status, const char *code, const char *message) {
  const sb_http_dialect *dialect = request->route ? request->route->dialect : NULL;
  if (dialect && dialect->status) status = dialect->status(status);
  sb_http_reply_json(request, status, sb_http_error_json(request, code, message));
}

bool sb_http_failed(sb_http_request *request, sb_status status, const sb_error *error) {
  if (status != SB_OK) sb_http_reply_error(request, error);
  return status != SB_OK;
}

void sb_http_reply_result(sb_http_request *request, sb_status status, const sb_error *error, unsigned http_status,
                          json_t *body) {
  if (!sb_http_failed(request, status, error))
    sb_http_reply_json(request, http_status, body);
  else
    json_decref(body);
}

void sb_http_reply_error(sb_http_request *request, const sb_error *error) {
  unsigned status = sb_http_status(error->code);
  /* A full queue is not a fault, and happens often under load: the access log has these answers. */
  if (status >= 500 && error->code != SB_BUSY)
    sb_log(SB_LOG_WARNING, "%s: %s", sb_status_code(error->code), error->message);
  sb_http_reply_refusal(request, status, sb_status_code(error->code), error->message);
  request->reply.retry = status == 503;
}

void sb_http_reply_empty(sb_http_request *request, unsigned status) {
  sb_http_reply_clear(&request->reply);
  request->reply.status = status;
}
