#include "http/core/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET)
    return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int bound_port(int socket) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(socket, (struct sockaddr *)&address, &size)) return 0;
  return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                                             : ((struct sockaddr_in *)(void *)&address)->sin_port);
}

/* One port to listen on, and the flag that chose it. */
typedef struct wanted {
  const char *address, *flag;
  int port;
} wanted;

static sb_status listen_at(const struct addrinfo *found, const wanted *w, int *out, sb_error *error) {
  int on = 1, made = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return sb_fail_errno(error, errno, "open a socket for", w->address);
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!bind(made, found->ai_addr, found->ai_addrlen) && !listen(made, SOMAXCONN)) {
    *out = made;
    return SB_OK;
  }
  int code = errno;
  close(made);
  if (code == EADDRINUSE)
    return sb_fail(error, SB_IO, "port %d is in use: another server runs there; choose another with %s", w->port,
                   w->flag);
  if (code == EACCES)
    return sb_fail(error, SB_IO, "port %d needs more rights: choose one above 1023 with %s", w->port, w->flag);
  return sb_fail_errno(error, code, "listen on", w->address);
}

static sb_status open_port(const wanted *w, int *out, bool *loopback, sb_error *error) {
  char port[16];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE}, *found = NULL;
  snprintf(port, sizeof port, "%d", w->port);
  if (getaddrinfo(w->address, port, &hints, &found) || !found)
    return sb_fail(error, SB_INVALID,
                   "cannot listen on %s: give an address of this machine with --listen, and the port with --port",
                   w->address);
  sb_status status = listen_at(found, w, out, error);
  *loopback = is_loopback(found->ai_addr);
  freeaddrinfo(found);
  return status;
}

sb_status sb_http_listener_open(const sb_config *config, sb_http_listener *out, sb_error *error) {
  const wanted main = {config->listen, "--port", (int)config->port},
               redirect = {config->listen, "--redirect-port", (int)config->redirect_port};
  *out = (sb_http_listener){.socket = 0};
  sb_status status = open_port(&main, &out->socket, &out->loopback, error);
  if (status != SB_OK) return status;
  out->port = bound_port(out->socket);
  if (!redirect.port) return SB_OK;
  if ((status = open_port(&redirect, &out->redirect, &out->loopback, error)) != SB_OK) sb_http_listener_close(out);
  return status;
}

void sb_http_listener_close(sb_http_listener *listener) {
  if (listener->socket) close(listener->socket);
  if (listener->redirect) close(listener->redirect);
  listener->socket = listener->redirect = 0;
}
