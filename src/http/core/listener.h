/* The sockets that a server listens on. They are opened before the process confines itself (sandbox.h), which from then
 * on opens no others. */
#ifndef SB_HTTP_CORE_LISTENER_H
#define SB_HTTP_CORE_LISTENER_H

#include "config/config.h"

typedef struct sb_http_listener {
  int socket, redirect; /* 0: none; `redirect` is that of plain HTTP (--redirect-port) */
  int port;             /* in use, also when 0 was asked for */
  bool loopback;        /* only this machine can connect */
} sb_http_listener;

/* Listens on config->listen:config->port, and on config->redirect_port where there is one. SB_IO: a port is taken;
 * SB_INVALID: this machine has no such address. */
sb_status sb_http_listener_open(const sb_config *config, sb_http_listener *out, sb_error *error);
/* Closes what is still open. */
void sb_http_listener_close(sb_http_listener *listener);

#endif
