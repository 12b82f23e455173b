/* TLS: the certificate that is served, and plain HTTP sent on to it. */
#ifndef SB_HTTP_CORE_TLS_H
#define SB_HTTP_CORE_TLS_H

#include "config/config.h"
#include "http/core/server.h"

/* TLS 1.2 and 1.3, forward secrecy, authenticated ciphers. */
#define SB_HTTP_TLS_PRIORITIES \
  "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

/* Reads the settings' certificate and key, or those of `semblance tls init` where the gallery has them; sets *tls. */
sb_status sb_http_tls_load(sb_http_tls *tls, const sb_config *config, sb_error *error);
void sb_http_tls_unload(sb_http_tls *tls);

/* Answers plain HTTP with 308 to the same path at https. */
sb_status sb_http_redirect_start(sb_http_server *server, int port, struct MHD_Daemon **out, sb_error *error);
void sb_http_redirect_stop(struct MHD_Daemon *daemon);

#endif
