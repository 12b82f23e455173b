/* L4: the server: libmicrohttpd, one route table, the native API under /v1, the article's API under /api, the page. */
#ifndef SB_HTTP_H
#define SB_HTTP_H

#include "base/base.h"
#include "config/config.h"

/* Locked. */
typedef struct sb_http_server sb_http_server;
/* Listens on config->listen:config->port at once and loads the models in the background, so that status routes answer
 * while they load. The engine is borrowed and must outlive the server. SB_IO when the port is taken, SB_INVALID for an
 * address other than loopback without --insecure. */
sb_status sb_http_server_start(sb_engine *engine, const sb_config *config, sb_http_server **out, sb_error *error);
bool sb_http_server_tls(const sb_http_server *server);

/* Makes a private key (ECDSA P-256) and a certificate signed by itself for `names` (host names and addresses) in
 * `<data_dir>/tls`, mode 0600. SB_EXISTS: there is one. `fingerprint`: SHA-256, for those who are to trust it. */
enum { SB_HTTP_FINGERPRINT_SIZE = 32 * 3 };
sb_status sb_http_tls_init(const char *data_dir, const char *const *names, size_t count, int days,
                           char fingerprint[SB_HTTP_FINGERPRINT_SIZE], sb_error *error);

/* The certificate that a server with these settings would use. */
typedef struct sb_http_certificate {
  bool there; /* else no TLS: the settings name none, and there is none of `semblance tls init` */
  char *path; /* released by free() */
  int64_t begins_ms, ends_ms;
} sb_http_certificate;
/* SB_INVALID, SB_NOT_FOUND: what is there cannot be used, such as a private key that is not the certificate's. */
sb_status sb_http_tls_inspect(const sb_config *config, sb_http_certificate *out, sb_error *error);

int sb_http_server_port(const sb_http_server *server); /* the port in use, also when 0 was asked for */
/* Stops accepting, finishes the requests it has begun, then frees. */
void sb_http_server_stop(sb_http_server *server);

#endif
