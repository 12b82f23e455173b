/* Framing check, Host check and origin check, in this order. */
#include "http/core/request_checks.h"
#include "http/core/exchange.h"

#include <ctype.h>
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

/* An IPv4 address in plain decimal, and not a name such as "127.0.0.1.example.org"; its first number, else -1. */
static int first_of_v4(const char *name, size_t length) {
  unsigned parts = 0, digits = 0, value = 0, first = 0;
  for (size_t i = 0; i <= length; i++) {
    if (i < length && name[i] >= '0' && name[i] <= '9') {
      value = value * 10 + (unsigned)(name[i] - '0');
      if (++digits > 3) return -1;
    } else {
      if ((i < length && name[i] != '.') || !digits || value > 255) return -1;
      if (!parts++) first = value;
      digits = value = 0;
    }
  }
  return parts == 4 ? (int)first : -1;
}

static bool name_is(const char *host, const char *name) {
  size_t length = host_name_length(host);
  return length == strlen(name) && !strncasecmp(host, name, length);
}

static bool is_loopback_host(const char *host) {
  return name_is(host, "localhost") || name_is(host, "[::1]") || first_of_v4(host, host_name_length(host)) == 127;
}

/* An address, for which no DNS server is asked, so none can lie about it. */
static bool is_address(const char *host) {
  size_t length = host_name_length(host);
  if (host[0] == '[') return length > 4 && strspn(host + 1, "0123456789abcdefABCDEF:.") == length - 2;
  return first_of_v4(host, length) >= 0;
}

static bool is_named(const sb_http_words *names, const char *host) {
  for (size_t i = 0; i < names->count; i++)
    if (name_is(host, names->list[i])) return true;
  return false;
}

/* The same origin as the setting has it; NULL where it has none. */
static const char *allowed_origin(const sb_http_words *origins, const char *origin) {
  for (size_t i = 0; i < origins->count; i++)
    if (!strcmp(origins->list[i], origin)) return origins->list[i];
  return NULL;
}

static bool refuse(sb_http_request *request, unsigned status, const char *code, const char *message) {
  sb_http_reply_refusal(request, status, code, message);
  request->reply.close = status == 400; /* where the request ends is not certain */
  return false;
}

/* ---- Framing */

typedef struct header_counts {
  size_t lengths, hosts, malformed;
} header_counts;

/* A header's name is a token (RFC 9110, 5.6.2), with no blank before the colon (RFC 9112, 5.1). */
static bool is_token(const char *name) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  const char *at = name;
  while (isalnum((unsigned char)*at) || (*at && strchr(others, *at))) at++;
  return at > name && !*at;
}

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind, (void)value;
  header_counts *counts = context;
  counts->lengths += !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding");
  counts->hosts += !strcasecmp(name, "Host");
  counts->malformed += !is_token(name);
  return MHD_YES;
}

/* Framing check. A proxy in between may believe another one of the headers, and take the rest of this body for the
 * request of somebody else (request smuggling; RFC 9112, 3.2 and 6.3). */
static bool framing_passes(sb_http_request *request) {
  header_counts counts = {0};
  MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_header, &counts);
  if (counts.malformed)
    return refuse(request, 400, "invalid", "the name of a header is malformed: it has no blanks, and none follow it");
  if (counts.lengths > 1)
    return refuse(request, 400, "invalid",
                  "the request has several Content-Length or Transfer-Encoding headers: send one");
  if (counts.hosts > 1 || (!counts.hosts && !request->old))
    return refuse(request, 400, "invalid",
                  counts.hosts ? "the request has several Host headers: send one"
                               : "the request has no Host header, which HTTP/1.1 wants");
  return true;
}

/* ---- Host */

/* Host check, against DNS rebinding: a name that an attacker points at this machine does not make its page this
 * machine's. With keys such a page has none, so it gains nothing. */
static bool may_be_named(sb_http_exchange *exchange, const char *host) {
  const sb_http_context *context = exchange->request.context;
  bool closed = false;
  if (is_loopback_host(host) || is_named(&exchange->daemon->names, host)) return true;
  if (context->auth.loopback) return false;
  return is_address(host) || (sb_engine_access_required(context->engine, &closed, NULL) == SB_OK && closed);
}

static bool host_passes(sb_http_exchange *exchange, const char *host) {
  sb_http_request *request = &exchange->request;
  if (!host) return true;
  if (!*host || strpbrk(host, " \t,/?#@\\") || !host_name_length(host))
    return refuse(request, 400, "invalid",
                  "the Host header is malformed: it is a name or an address, and maybe a port");
  return may_be_named(exchange, host) ||
         refuse(request, 403, "forbidden",
                "the Host header has a name that is not known to be this server's: use localhost or the machine's "
                "address, or give the name with --server-names");
}

/* ---- Origin */

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
  if (!framing_passes(&exchange->request) || !host_passes(exchange, host)) return false;
  /* The host of a target in absolute form takes the place of the header (RFC 9112, 3.2.2). */
  if (exchange->authority && !host_passes(exchange, host = exchange->authority)) return false;
  return origin_passes(exchange, host);
}

/* ---- The settings */

static sb_status add_word(sb_http_words *words, const char *text, size_t length, sb_error *error) {
  void *grown = words->list;
  sb_status status = sb_grow(&grown, words->count + 1, sizeof *words->list, error);
  if (status != SB_OK) return status;
  words->list = grown;
  char *word = strndup(text, length);
  if (!word) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  words->list[words->count++] = word;
  return SB_OK;
}

static bool is_origin(const char *word) {
  const char *host = strstr(word, "://");
  return host && host[3] && !strchr(host + 3, '/') && !strchr(word, '*');
}

static bool is_server_name(const char *word) {
  return *word && !strpbrk(word, " \t/:*@?#");
}

static sb_status read_words(sb_http_words *words, const char *text, bool (*fits)(const char *), const char *refusal,
                            sb_error *error) {
  while (*text) {
    size_t length = strcspn(text, ",");
    sb_status status = add_word(words, text, length, error);
    if (status != SB_OK) return status;
    if (!fits(words->list[words->count - 1])) return sb_fail(error, SB_INVALID, "%s", refusal);
    text += length + (text[length] == ',');
  }
  return SB_OK;
}

sb_status sb_http_checks_origins(sb_http_words *origins, const char *text, sb_error *error) {
  return read_words(origins, text, is_origin,
                    "--cors is a list of origins such as https://desk.example, ',' between, without '*'", error);
}

sb_status sb_http_checks_names(sb_http_words *names, const char *text, sb_error *error) {
  return read_words(names, text, is_server_name,
                    "--server-names is a list of names such as desk.example, ',' between, without ports or '*'", error);
}

void sb_http_words_free(sb_http_words *words) {
  for (size_t i = 0; i < words->count; i++) free(words->list[i]);
  free(words->list);
  *words = (sb_http_words){0};
}
