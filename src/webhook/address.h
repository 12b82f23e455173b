/* Which addresses a webhook may be sent to. */
#ifndef SB_WEBHOOK_ADDRESS_H
#define SB_WEBHOOK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Is it an address of the Internet? Not so: those of this machine, of private networks, of links, of groups, of
 * documentation, and IPv6 addresses that carry such an IPv4 address (IANA's registries of special-purpose addresses,
 * RFC 6890). */
bool sb_webhook_address_is_public(const struct sockaddr *address);

#endif
