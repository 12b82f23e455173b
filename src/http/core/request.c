/* What libmicrohttpd knows about a request: its headers and the client's address. */
#include "http/core/request.h"

#include <string.h>
#include <strings.h>

const char *sb_http_header(const sb_http_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

typedef struct token_search {
  const char *header, *token;
  bool found;
} token_search;

static enum MHD_Result find_token(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  token_search *search = context;
  size_t wanted = strlen(search->token);
  if (!value || strcasecmp(name, search->header)) return MHD_YES;
  for (const char *at = value; *at && !search->found; at += strcspn(at, ",")) {
    at += strspn(at, ", \t");
    size_t length = strcspn(at, ",; \t");
    search->found = length == wanted && !strncasecmp(at, search->token, length);
  }
  return search->found ? MHD_NO : MHD_YES;
}

bool sb_http_header_lists(const sb_http_request *request, const char *name, const char *token) {
  token_search search = {.header = name, .token = token};
  MHD_get_connection_values(request->connection, MHD_HEADER_KIND, find_token, &search);
  return search.found;
}

const char *sb_http_cookie(const sb_http_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

sb_http_address sb_http_request_customer(const sb_http_request *request) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const sb_http_address peer = sb_http_address_of(info ? info->client_addr : NULL);
  return sb_http_address_customer(
      sb_http_address_forwarded(&request->context->proxies, peer, sb_http_header(request, "X-Forwarded-For")));
}
