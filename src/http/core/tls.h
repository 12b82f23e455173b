/* TLS: the certificate and the private key that are served, and making a pair of one's own. */
#ifndef SB_HTTP_CORE_TLS_H
#define SB_HTTP_CORE_TLS_H

#include "config/config.h"

/* TLS 1.2 and 1.3, forward secrecy, authenticated ciphers. */
#define SB_HTTP_TLS_PRIORITIES                                                                \
  "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:" \
  "+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

typedef struct sb_http_tls {
  bool on;
  char *certificate, *private_key; /* PEM; NULL without TLS */
  int64_t ends_ms;                 /* when the certificate expires; 0: no TLS */
} sb_http_tls;

/* Reads the certificate and key of the settings, else those that `semblance tls init` put into the gallery's folder.
 * tls->on stays false where there are neither. */
sb_status sb_http_tls_load(sb_http_tls *tls, const sb_config *config, sb_error *error);
void sb_http_tls_unload(sb_http_tls *tls); /* wipes the key */

/* Makes a private key (ECDSA P-256) and a self-signed certificate for `names` (host names and addresses) in
 * `<data_dir>/tls`, mode 0600. SB_EXISTS: there is one. `fingerprint`: SHA-256, for clients that are to trust it. */
enum { SB_HTTP_FINGERPRINT_SIZE = 32 * 3 };
sb_status sb_http_tls_init(const char *data_dir, const char *const *names, size_t count, int days,
                           char fingerprint[SB_HTTP_FINGERPRINT_SIZE], sb_error *error);

/* The certificate that a server with these settings would use. */
typedef struct sb_http_certificate {
  bool there; /* false: no TLS, as the settings name none and `semblance tls init` made none */
  char *path; /* released by free() */
  int64_t begins_ms, ends_ms;
} sb_http_certificate;
/* SB_INVALID, SB_NOT_FOUND: it cannot be used; for example, the private key belongs to another certificate. */
sb_status sb_http_tls_inspect(const sb_config *config, sb_http_certificate *out, sb_error *error);

#endif
