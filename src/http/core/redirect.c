/* Redirects plain HTTP to HTTPS. The answer depends on the request line and the Host header only; no body is read. */
#include "http/core/redirect.h"

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

sb_status sb_http_redirect_start(sb_http_listener *listener, sb_http_redirect **out, sb_error *error) {
  sb_http_redirect *redirect = sb_alloc(1, sizeof *redirect, error);
  if (!redirect) return SB_NO_MEMORY;
  redirect->https_port = listener->port;
  redirect->mhd =
      MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, on_access, redirect, MHD_OPTION_LISTEN_SOCKET,
                       listener->redirect, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                       MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_URI_LOG_CALLBACK, on_target,
                       redirect, MHD_OPTION_NOTIFY_COMPLETED, on_completed, redirect, MHD_OPTION_END);
  if (!redirect->mhd) {
    free(redirect);
    return sb_fail(error, SB_IO, "cannot start the redirection of --redirect-port");
  }
  listener->redirect = 0; /* libmicrohttpd closes it */
  *out = redirect;
  return SB_OK;
}

void sb_http_redirect_stop(sb_http_redirect *redirect) {
  if (!redirect) return;
  MHD_stop_daemon(redirect->mhd);
  free(redirect);
}
