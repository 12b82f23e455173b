#include "webhook/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

typedef struct network {
  uint32_t address;
  int bits;
} network;

/* Special-purpose IPv4 networks that are not globally reachable, and multicast. */
static const network special[] = {
    {0x00000000, 8},  /* 0.0.0.0/8: this network */
    {0x0a000000, 8},  /* 10.0.0.0/8: private */
    {0x64400000, 10}, /* 100.64.0.0/10: shared by a carrier's customers */
    {0x7f000000, 8},  /* 127.0.0.0/8: loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0/16: link-local, with the metadata of clouds */
    {0xac100000, 12}, /* 172.16.0.0/12: private */
    {0xc0000000, 24}, /* 192.0.0.0/24: protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0/24: documentation */
    {0xc0586300, 24}, /* 192.88.99.0/24: 6to4 relays */
    {0xc0a80000, 16}, /* 192.168.0.0/16: private */
    {0xc6120000, 15}, /* 198.18.0.0/15: benchmarks */
    {0xc6336400, 24}, /* 198.51.100.0/24: documentation */
    {0xcb007100, 24}, /* 203.0.113.0/24: documentation */
    {0xe0000000, 3},  /* 224.0.0.0/4 and 240.0.0.0/4: groups, reserved, broadcast */
};

static bool is_public_ipv4(uint32_t address) {
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    if ((address ^ special[i].address) >> (32 - special[i].bits) == 0) return false;
  return true;
}

static uint32_t ipv4_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Only 2000::/3 is assigned to the Internet. Of it, what is special or carries an IPv4 address is refused: 2001::/23
 * (Teredo and others), 2001:db8::/32 (documentation), 2002::/16 (6to4), 3fff::/20 (documentation). Beside it there is
 * NAT64, 64:ff9b::/96, which reaches an IPv4 address. */
static bool is_public_ipv6(const uint8_t a[16]) {
  static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
  if (!memcmp(a, nat64, sizeof nat64)) return is_public_ipv4(ipv4_at(a + 12));
  if (a[0] >> 5 != 1) return false;
  if (a[0] == 0x20 && a[1] == 0x01 && (a[2] < 2 || (a[2] == 0x0d && a[3] == 0xb8))) return false;
  if (a[0] == 0x20 && a[1] == 0x02) return false;
  return a[0] != 0x3f || a[1] != 0xff || a[2] >> 4;
}

bool sb_webhook_address_is_public(const struct sockaddr *address) {
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  struct sockaddr_in four;
  struct sockaddr_in6 six;
  if (address->sa_family == AF_INET) {
    memcpy(&four, address, sizeof four);
    return is_public_ipv4(ntohl(four.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return false;
  memcpy(&six, address, sizeof six);
  const uint8_t *bytes = six.sin6_addr.s6_addr;
  return memcmp(bytes, mapped, sizeof mapped) ? is_public_ipv6(bytes) : is_public_ipv4(ipv4_at(bytes + 12));
}
