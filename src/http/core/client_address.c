#include "http/core/client_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { V4_AT = 12, TEXT_MAX = 64 };
static const uint8_t v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};

static sb_http_address from_v4(const struct in_addr *address) {
  sb_http_address out;
  memcpy(out.bytes, v4_prefix, V4_AT);
  memcpy(out.bytes + V4_AT, address, 4);
  return out;
}

/* An address as X-Forwarded-For has it: maybe with brackets and a port. */
static bool parse(const char *text, size_t length, sb_http_address *out) {
  char copy[TEXT_MAX], *at = copy;
  struct in_addr v4;
  if (!length || length >= sizeof copy) return false;
  memcpy(copy, text, length);
  copy[length] = 0;
  if (*at == '[') {
    at++;
    at[strcspn(at, "]")] = 0;
  } else if (strchr(at, '.')) {
    at[strcspn(at, ":")] = 0;
  }
  if (inet_pton(AF_INET, at, &v4) == 1) {
    *out = from_v4(&v4);
    return true;
  }
  return inet_pton(AF_INET6, at, out->bytes) == 1;
}

static bool is_v4(const sb_http_address *address) {
  return !memcmp(address->bytes, v4_prefix, V4_AT);
}

sb_status sb_http_proxies_read(sb_http_proxies *proxies, const char *text, sb_error *error) {
  while (*text) {
    size_t length = strcspn(text, ","), name = strcspn(text, ",/");
    sb_http_address *network = &proxies->networks[proxies->count];
    if (proxies->count == SB_HTTP_PROXIES_MAX || !parse(text, name, network)) goto refused;
    unsigned most = is_v4(network) ? 32 : 128, bits = most;
    if (name < length) {
      char *end = NULL;
      unsigned long given = strtoul(text + name + 1, &end, 10);
      if (end == text + name + 1 || end != text + length || given > most) goto refused;
      bits = (unsigned)given;
    }
    proxies->bits[proxies->count++] = bits + (128 - most);
    text += length + (text[length] == ',');
  }
  return SB_OK;
refused:
  return sb_fail(error, SB_INVALID,
                 "--trusted-proxy is a list of at most %d addresses or networks such as 10.0.0.0/8, ',' between",
                 SB_HTTP_PROXIES_MAX);
}

sb_http_address sb_http_address_of(const struct sockaddr *peer) {
  sb_http_address out = {{0}};
  if (!peer) return out;
  if (peer->sa_family == AF_INET) return from_v4(&((const struct sockaddr_in *)(const void *)peer)->sin_addr);
  if (peer->sa_family == AF_INET6)
    memcpy(out.bytes, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, sizeof out.bytes);
  return out;
}

static bool is_in(const sb_http_address *address, const sb_http_address *network, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(address->bytes, network->bytes, whole) != 0) return false;
  return !rest || !((address->bytes[whole] ^ network->bytes[whole]) >> (8 - rest));
}

bool sb_http_address_is_trusted(const sb_http_proxies *proxies, const sb_http_address *address) {
  for (size_t i = 0; i < proxies->count; i++)
    if (is_in(address, &proxies->networks[i], proxies->bits[i])) return true;
  return false;
}

sb_http_address sb_http_address_forwarded(const sb_http_proxies *proxies, sb_http_address peer, const char *forwarded) {
  size_t end = forwarded ? strlen(forwarded) : 0;
  while (end && sb_http_address_is_trusted(proxies, &peer)) {
    size_t start = end;
    while (start && forwarded[start - 1] != ',') start--;
    size_t from = start + strspn(forwarded + start, " \t"), to = end;
    while (to > from && (forwarded[to - 1] == ' ' || forwarded[to - 1] == '\t')) to--;
    if (!parse(forwarded + from, to - from, &peer)) break;
    end = start ? start - 1 : 0;
  }
  return peer;
}

sb_http_address sb_http_address_customer(sb_http_address address) {
  if (!is_v4(&address)) memset(address.bytes + 8, 0, 8);
  return address;
}
