/* Host check, framing check and origin check, in this order. */
#include "http/core/request_checks.h"
#include "http/core/exchange.h"

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

/* 127.a.b.c in plain decimal, and not a name such as "127.0.0.1.example.org". */
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

/* The same origin as the setting has it; NULL where it has none. */
static const char *allowed_origin(const sb_http_origins *origins, const char *origin) {
  for (size_t i = 0; i < origins->count; i++)
    if (!strcmp(origins->list[i], origin)) return origins->list[i];
  return NULL;
}

static enum MHD_Result count_framing(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind, (void)value;
  size_t *headers = context;
  *headers += !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding");
  return MHD_YES;
}

/* Framing check. A proxy in between may believe another one of the headers, and take the rest of this body for the
 * request of somebody else (request smuggling; RFC 9112, 6.3). */
static bool framing_passes(sb_http_request *request) {
  size_t headers = 0;
  MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_framing, &headers);
  if (headers <= 1) return true;
  sb_http_reply_refusal(request, 400, "invalid",
                        "the request has several Content-Length or Transfer-Encoding headers: send one");
  request->reply.close = true;
  return false;
}

/* Host check: a name in the DNS that an attacker points at this machine does not make its page this machine's. */
static bool host_passes(sb_http_request *request, const char *host) {
  if (!host || !request->context->auth.loopback || is_loopback_host(host)) return true;
  sb_http_reply_refusal(
      request, 403, "forbidden",
      "the server listens on this machine only, and the Host header names another: use localhost, or --listen");
  return false;
}

/* Origin check: the page's own origin is that of the Host header, and other sites are those of --cors. */
static bool origin_passes(sb_http_exchange *exchange, const char *host) {
  const char *origin = sb_http_header(&exchange->request, "Origin");
  if (!origin || (exchange->cors = allowed_origin(&exchange->daemon->origins, origin))) return true;
  const char *site = strstr(origin, "://");
  if (site && host && !strcasecmp(site + 3, host)) return true;
  sb_http_reply_refusal(&exchange->request, 403, "forbidden",
                        "the request comes from another web site: --cors allows its origin");
  return false;
}

bool sb_http_checks_pass(sb_http_exchange *exchange) {
  const char *host = sb_http_header(&exchange->request, "Host");
  return host_passes(&exchange->request, host) && framing_passes(&exchange->request) && origin_passes(exchange, host);
}

/* ---- The setting */

sb_status sb_http_origins_read(sb_http_origins *origins, const char *words, sb_error *error) {
  while (*words) {
    size_t length = strcspn(words, ",");
    void *grown = origins->list;
    char *origin = strndup(words, length), *host = origin ? strstr(origin, "://") : NULL;
    sb_status status =
        !host || !host[3] || strchr(host + 3, '/') || strchr(origin, '*')
            ? sb_fail(error, SB_INVALID,
                      "--cors is a list of origins such as https://desk.example, ',' between, without '*'")
            : sb_grow(&grown, origins->count + 1, sizeof *origins->list, error);
    if (status != SB_OK) {
      free(origin);
      return status;
    }
    origins->list = grown;
    origins->list[origins->count++] = origin;
    words += length + (words[length] == ',');
  }
  return SB_OK;
}

void sb_http_origins_free(sb_http_origins *origins) {
  for (size_t i = 0; i < origins->count; i++) free(origins->list[i]);
  free(origins->list);
  *origins = (sb_http_origins){0};
}
