#include "video/decoder_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OWN_MAX = 32 };
static struct in6_addr own[OWN_MAX]; /* of the camera's host; those of IPv4 as ::ffff:a.b.c.d */
static int own_count;
static bool watching, refused;

/* ---- Addresses. All are IPv6; IPv4 is mapped into it. */

static bool read_address(const struct sockaddr *from, struct in6_addr *out) {
  if (from->sa_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const void *)from;
    *out = six->sin6_addr;
    return true;
  }
  if (from->sa_family != AF_INET) return false;
  const struct sockaddr_in *four = (const void *)from;
  *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
  memcpy(&out->s6_addr[12], &four->sin_addr, 4);
  return true;
}

typedef struct network {
  uint8_t first[4];
  int bits;
} network;

/* RFC 6890 and its successors: this network, private, shared, loopback, link-local, benchmarks, multicast, reserved. */
static const network inward4[] = {
    {{0, 0, 0, 0}, 8},     {{10, 0, 0, 0}, 8},   {{100, 64, 0, 0}, 10},  {{127, 0, 0, 0}, 8},   {{169, 254, 0, 0}, 16},
    {{172, 16, 0, 0}, 12}, {{192, 0, 0, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{224, 0, 0, 0}, 3},
};

static bool is_inward4(const uint8_t a[4]) {
  uint32_t address = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
  for (size_t i = 0; i < sizeof inward4 / sizeof *inward4; i++) {
    const uint8_t *f = inward4[i].first;
    uint32_t first = (uint32_t)f[0] << 24 | (uint32_t)f[1] << 16 | (uint32_t)f[2] << 8 | f[3];
    if ((address ^ first) >> (32 - inward4[i].bits) == 0) return true;
  }
  return false;
}

/* Of IPv6 only 2000::/3 is global; 2002::/16 (6to4), and 64:ff9b::/96 (NAT64), which is outside of it, hold an address
 * of IPv4. */
static bool is_inward(const struct in6_addr *a) {
  if (IN6_IS_ADDR_V4MAPPED(a)) return is_inward4(&a->s6_addr[12]);
  if (a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x02) return is_inward4(&a->s6_addr[2]);
  return (a->s6_addr[0] & 0xe0) != 0x20;
}

static bool is_own(const struct in6_addr *a) {
  for (int i = 0; i < own_count; i++)
    if (IN6_ARE_ADDR_EQUAL(a, &own[i])) return true;
  return false;
}

static bool allows(const struct sockaddr *address) {
  struct in6_addr a;
  if (!watching || (read_address(address, &a) && (is_own(&a) || !is_inward(&a)))) return true;
  if (address->sa_family != AF_UNSPEC) refused = true;
  errno = EACCES;
  return false;
}

bool sb_video_network_own(const char *host, uint16_t port) {
  struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  if (getaddrinfo(host, service, &hints, &found)) return false;
  for (const struct addrinfo *a = found; a && own_count < OWN_MAX; a = a->ai_next)
    own_count += read_address(a->ai_addr, &own[own_count]);
  freeaddrinfo(found);
  watching = true;
  return own_count > 0;
}

bool sb_video_network_refused(void) {
  return refused;
}

/* ---- In place of the C library's, for FFmpeg's libraries. The library's own look-ups of names do not come here. */

static int checked_connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length) {
  const struct sockaddr *to = address.__sockaddr__;
  return allows(to) ? (int)syscall(SYS_connect, fd, to, length) : -1;
}

static ssize_t checked_sendto(int fd, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG address,
                              socklen_t length) {
  const struct sockaddr *to = address.__sockaddr__;
  if (to && !allows(to)) return -1;
  return (ssize_t)syscall(SYS_sendto, fd, bytes, size, flags, to, length);
}

extern __typeof__(connect) connect __attribute__((visibility("default"), alias("checked_connect")));
extern __typeof__(sendto) sendto __attribute__((visibility("default"), alias("checked_sendto")));
