/* Sending a reply: its headers, and its bytes as a response of libmicrohttpd. */
#include "http/core/exchange.h"

#include <stdio.h>
#include <string.h>

/* Sent with every answer. The page may run its own scripts and reach its own server; no other site may embed it. */
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
};

static bool headers_add(const sb_http_exchange *exchange, struct MHD_Response *response) {
  const sb_http_request *request = &exchange->request;
  const sb_http_reply *reply = &request->reply;
  char wait[16];
  snprintf(wait, sizeof wait, "%u", reply->retry);
  bool preflight = exchange->cors && reply->allow[0] && !strcmp(request->method, "OPTIONS");
  const char *const headers[][2] = {
      {"X-Request-Id", request->id},
      {"Content-Type", reply->type},
      {"ETag", reply->etag},
      {"Cache-Control", reply->etag ? "no-cache" : "no-store"},
      {"Allow", reply->allow[0] ? reply->allow : NULL},
      {"Retry-After", reply->retry ? wait : NULL},
      {"WWW-Authenticate", reply->challenge ? "Bearer realm=\"semblance\"" : NULL},
      {"Set-Cookie", reply->cookie[0] ? reply->cookie : NULL},
      {"Strict-Transport-Security", request->context->tls.on ? "max-age=31536000" : NULL},
      {"Content-Encoding", reply->gzip ? "gzip" : NULL},
      {"Vary", exchange->cors  ? (reply->varies ? "Accept-Encoding, Origin" : "Origin")
               : reply->varies ? "Accept-Encoding"
                               : NULL},
      {"Idempotent-Replayed", reply->replayed ? "true" : NULL},
      {"Content-Disposition", reply->file},
      {"Access-Control-Allow-Origin", exchange->cors},
      {"Access-Control-Expose-Headers", exchange->cors ? "ETag, Retry-After, X-Request-Id" : NULL},
      {"Access-Control-Allow-Methods", preflight ? reply->allow : NULL},
      {"Access-Control-Allow-Headers",
       preflight ? "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Api-Key" : NULL},
      {"Access-Control-Max-Age", preflight ? "600" : NULL},
      {"Cross-Origin-Resource-Policy", exchange->cors ? "cross-origin" : "same-origin"},
      {"Connection", reply->close || atomic_load(&request->context->load.stopping) ? "close" : NULL},
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    if (headers[i][1] && MHD_add_response_header(response, headers[i][0], headers[i][1]) != MHD_YES) return false;
  }
  for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++) {
    if (MHD_add_response_header(response, security_headers[i].name, security_headers[i].value) != MHD_YES) return false;
  }
  return true;
}

/* An answer that lasts. That of a WebSocket (101) has the headers of its handshake only. */
static enum MHD_Result send_stream(sb_http_exchange *exchange) {
  sb_http_request *request = &exchange->request;
  struct MHD_Response *response = request->reply.stream;
  request->reply.stream = NULL;
  enum MHD_Result queued = MHD_NO;
  if (request->reply.status == 101 || headers_add(exchange, response))
    queued = MHD_queue_response(request->connection, request->reply.status, response);
  MHD_destroy_response(response);
  exchange->phase = SB_HTTP_PHASE_REPLIED;
  return queued;
}

enum MHD_Result sb_http_reply_send(sb_http_exchange *exchange) {
  sb_http_request *request = &exchange->request;
  sb_http_reply *reply = &request->reply;
  if (reply->stream) return send_stream(exchange);
  enum MHD_ResponseMemoryMode mode = reply->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
  /* libmicrohttpd's pointer is not const, but it never writes to the bytes. */
  union {
    const void *constant;
    void *plain;
  } bytes = {.constant = reply->bytes ? reply->bytes : ""};
  struct MHD_Response *response = MHD_create_response_from_buffer(reply->size, bytes.plain, mode);
  if (!response) return MHD_NO;
  reply->owned = NULL; /* the response frees it */
  enum MHD_Result queued = MHD_NO;
  if (headers_add(exchange, response)) queued = MHD_queue_response(request->connection, reply->status, response);
  MHD_destroy_response(response);
  exchange->phase = SB_HTTP_PHASE_REPLIED;
  return queued;
}
