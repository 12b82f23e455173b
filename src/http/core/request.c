/* What libmicrohttpd knows about a request: its headers and the client's address. */
#include "http/core/request.h"

#include <netinet/in.h>
#include <string.h>

const char *sb_http_header(const sb_http_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *sb_http_cookie(const sb_http_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

void sb_http_client_address(const sb_http_request *request, uint8_t bytes[16]) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  memset(bytes, 0, 16);
  if (!info || !info->client_addr) return;
  if (info->client_addr->sa_family == AF_INET)
    memcpy(bytes, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, 4);
  else if (info->client_addr->sa_family == AF_INET6)
    memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, 8);
}
