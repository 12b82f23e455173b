/* Plain HTTP, sent on to HTTPS: nothing else is answered there, and nothing is read of what was sent. */
#include "http/core/tls.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 64, IDLE_SECONDS = 10, HOST_MAX = 253, TARGET_MAX = 2048 };

/* The name in a Host header, if it is one: letters, digits, dots, hyphens, or an IPv6 address in brackets. */
static bool host_name(const char *host, char name[HOST_MAX + 1]) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  size_t length = host && *host == '[' ? strcspn(host, "]") + 1 : host ? strspn(host, letters) : 0;
  if (!length || length > HOST_MAX || length > strlen(host)) return false;
  if (*host == '[' && strspn(host + 1, "0123456789abcdefABCDEF:.") != length - 2) return false;
  memcpy(name, host, length);
  name[length] = 0;
  return true;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  (void)context, (void)connection;
  return strlen(target) <= TARGET_MAX && *target == '/' ? strdup(target) : NULL;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  (void)context, (void)connection, (void)code;
  free(*state);
  *state = NULL;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *size, void **state) {
  (void)url, (void)method, (void)version, (void)bytes, (void)size;
  const sb_http_server *server = context;
  char name[HOST_MAX + 1], location[HOST_MAX + TARGET_MAX + 32];
  const char *target = *state;
  bool known = target && host_name(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"), name);
  struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  if (known) snprintf(location, sizeof location, "https://%s:%d%s", name, server->port, target);
  enum MHD_Result queued = MHD_NO;
  if ((!known || MHD_add_response_header(response, "Location", location) == MHD_YES) &&
      MHD_add_response_header(response, "Connection", "close") == MHD_YES)
    queued = MHD_queue_response(connection, known ? 308 : 400, response);
  MHD_destroy_response(response);
  return queued;
}

sb_status sb_http_redirect_start(sb_http_server *server, int port, struct MHD_Daemon **out, sb_error *error) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD);
  if (!info || getsockname(info->listen_fd, (struct sockaddr *)&address, &length))
    return sb_fail(error, SB_IO, "the address of the server cannot be told");
  if (address.ss_family == AF_INET6)
    ((struct sockaddr_in6 *)(void *)&address)->sin6_port = htons((uint16_t)port);
  else
    ((struct sockaddr_in *)(void *)&address)->sin_port = htons((uint16_t)port);
  unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
  *out = MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, on_access, server, MHD_OPTION_SOCK_ADDR, &address,
                          MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                          (unsigned)IDLE_SECONDS, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
                          MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
  return *out ? SB_OK : sb_fail(error, SB_IO, "port %d of --redirect-port is in use, or may not be used", port);
}

void sb_http_redirect_stop(struct MHD_Daemon *daemon) {
  if (daemon) MHD_stop_daemon(daemon);
}
