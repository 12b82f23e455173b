/* Redirects plain HTTP to HTTPS. The answer depends on the request line and the Host header only; no body is read. */
#include "http/core/redirect.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 64, IDLE_SECONDS = 10, HOST_MAX = 253, TARGET_MAX = 2048 };

struct sb_http_redirect {
  struct MHD_Daemon *mhd;
  int https_port;
};

/* Copies the host of a Host header; false unless it is one: letters, digits, dots, hyphens, or an IPv6 address in
 * brackets. */
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

/* libmicrohttpd prescribes the eight parameters. */
static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *size, void **state) {
  (void)url, (void)method, (void)version, (void)bytes, (void)size;
  const sb_http_redirect *redirect = context;
  char name[HOST_MAX + 1], location[HOST_MAX + TARGET_MAX + 32];
  const char *target = *state;
  bool known = target && host_name(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"), name);
  struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  if (known) snprintf(location, sizeof location, "https://%s:%d%s", name, redirect->https_port, target);
  enum MHD_Result queued = MHD_NO;
  if ((!known || MHD_add_response_header(response, "Location", location) == MHD_YES) &&
      MHD_add_response_header(response, "Connection", "close") == MHD_YES)
    queued = MHD_queue_response(connection, known ? 308 : 400, response);
  MHD_destroy_response(response);
  return queued;
}

/* The address that the daemon listens on, with another port. */
static sb_status address_of(const sb_http_daemon *daemon, int port, struct sockaddr_storage *address, sb_error *error) {
  socklen_t length = sizeof *address;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_LISTEN_FD);
  if (!info || getsockname(info->listen_fd, (struct sockaddr *)address, &length))
    return sb_fail(error, SB_IO, "the server's address, which --redirect-port needs, is not known");
  if (address->ss_family == AF_INET6)
    ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
  else
    ((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
  return SB_OK;
}

sb_status sb_http_redirect_start(const sb_http_daemon *daemon, int port, sb_http_redirect **out, sb_error *error) {
  struct sockaddr_storage address;
  sb_status status = address_of(daemon, port, &address, error);
  if (status != SB_OK) return status;
  sb_http_redirect *redirect = sb_alloc(1, sizeof *redirect, error);
  if (!redirect) return SB_NO_MEMORY;
  redirect->https_port = daemon->port;
  unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
  redirect->mhd =
      MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, on_access, redirect, MHD_OPTION_SOCK_ADDR, &address,
                       MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                       (unsigned)IDLE_SECONDS, MHD_OPTION_URI_LOG_CALLBACK, on_target, redirect,
                       MHD_OPTION_NOTIFY_COMPLETED, on_completed, redirect, MHD_OPTION_END);
  if (!redirect->mhd) {
    free(redirect);
    return sb_fail(error, SB_IO, "cannot listen on port %d of --redirect-port: it is in use, or needs more rights",
                   port);
  }
  *out = redirect;
  return SB_OK;
}

void sb_http_redirect_stop(sb_http_redirect *redirect) {
  if (!redirect) return;
  MHD_stop_daemon(redirect->mhd);
  free(redirect);
}
