/* The address that a request comes from: that of the connection, or the one that a trusted proxy reports. */
#ifndef SB_HTTP_CORE_CLIENT_ADDRESS_H
#define SB_HTTP_CORE_CLIENT_ADDRESS_H

#include "base/base.h"

#include <sys/socket.h>

/* 16 bytes of IPv6; IPv4 is mapped into it (::ffff:a.b.c.d). */
typedef struct sb_http_address {
  uint8_t bytes[16];
} sb_http_address;

enum { SB_HTTP_PROXIES_MAX = 16 };
/* The proxies whose X-Forwarded-For is believed (--trusted-proxy). */
typedef struct sb_http_proxies {
  sb_http_address networks[SB_HTTP_PROXIES_MAX];
  unsigned bits[SB_HTTP_PROXIES_MAX]; /* of the prefix, 0 to 128 */
  size_t count;
} sb_http_proxies;

/* "127.0.0.1,10.0.0.0/8,fd00::/8"; SB_INVALID for what is not an address or a network. */
sb_status sb_http_proxies_read(sb_http_proxies *proxies, const char *text, sb_error *error);
sb_http_address sb_http_address_of(const struct sockaddr *peer);
/* The client of a request that `peer` forwarded: the last address of X-Forwarded-For (NULL: there is none) that is not
 * a trusted proxy's. Whoever is no trusted proxy is the client itself, whatever the header says. */
sb_http_address sb_http_address_forwarded(const sb_http_proxies *proxies, sb_http_address peer, const char *forwarded);
bool sb_http_address_is_trusted(const sb_http_proxies *proxies, const sb_http_address *address);
/* What one customer of a network provider usually holds: an address of IPv4, a /64 of IPv6. For limits. */
sb_http_address sb_http_address_customer(sb_http_address address);

#endif
