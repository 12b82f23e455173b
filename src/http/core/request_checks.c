/* Checks of the Host and Origin headers, and of those that say where a body ends. */
#include "http/core/request_checks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The length of the name in "name:port" or "[address]:port". */
static size_t host_name_length(const char *host) {
  if (host[0] == '[') {
    const char *end = strchr(host, ']');
    return end ? (size_t)(end - host) + 1 : strlen(host);
  }
  return strcspn(host, ":");
}

/* 127.a.b.c in plain decimal; a name such as "127.0.0.1.example.org" is none. */
static bool is_loopback_v4(const char *name, size_t length) {
  unsigned parts = 0, digits = 0, value = 0;
  for (size_t i = 0; i <= length; i++) {
    if (i < length && name[i] >= '0' && name[i] <= '9') {
      value = value * 10 + (unsigned)(name[i] - '0');
      if (++digits > 3) return false;
    } else {
      if ((i < length && name[i] != '.') || !digits || value > 255 || (!parts && value != 127)) return false;
      parts++;
      digits = value = 0;
    }
  }
  return parts == 4;
}

static bool is_loopback_host(const char *host) {
  size_t length = host_name_length(host);
  static const char *const names[] = {"localhost", "[::1]"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (length == strlen(names[i]) && !strncasecmp(host, names[i], length)) return true;
  }
  return is_loopback_v4(host, length);
}

/* The origin among the setting's, or NULL. */
static const char *allowed_origin(const sb_http_server *server, const char *origin) {
  for (size_t i = 0; i < server->cors_count; i++)
    if (!strcmp(server->cors[i], origin)) return server->cors[i];
  return NULL;
}

static enum MHD_Result count_ends(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind, (void)value;
  size_t *ends = context;
  *ends += !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding");
  return MHD_YES;
}

/* A proxy in between may take another one for the body's end, and what follows for a request of somebody else (RFC 9112, 6.3). */
static bool has_one_end(sb_http_request *request) {
  size_t ends = 0;
  MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_ends, &ends);
  if (ends <= 1) return true;
  sb_http_reply_refusal(request, 400, "invalid", "the headers say more than once how long the body is");
  request->reply.close = true;
  return false;
}

bool sb_http_checks_pass(sb_http_request *request) {
  const char *host = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Host");
  const char *origin = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Origin");
  if (host && request->context->auth.loopback && !is_loopback_host(host)) {
    sb_http_reply_refusal(
        request, 403, "forbidden",
        "the server answers to names of this machine only: ask for localhost, or listen on another address");
    return false;
  }
  if (!has_one_end(request)) return false;
  if (origin && !(request->cors = allowed_origin(request->server, origin))) {
    const char *site = strstr(origin, "://");
    if (!site || !host || strcasecmp(site + 3, host)) {
      sb_http_reply_refusal(request, 403, "forbidden", "the request comes from another web site");
      return false;
    }
  }
  return true;
}
