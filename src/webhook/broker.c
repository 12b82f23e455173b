#include "webhook/broker.h"

#include <stdlib.h>
#include <string.h>

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char PLAIN[] = "mqtt://", TLS[] = "mqtts://";
enum { PORT = 1883, PORT_TLS = 8883, PORT_MAX = 65535 };

bool sb_webhook_is_mqtt(const char *url) {
  return !strncmp(url, PLAIN, strlen(PLAIN)) || !strncmp(url, TLS, strlen(TLS));
}

/* `length` bytes, all of them among `allowed` (NULL: printable ASCII). */
static bool take(char *out, size_t size, const char *text, size_t length, const char *allowed) {
  if (!length || length >= size) return false;
  memcpy(out, text, length);
  out[length] = 0;
  if (allowed) return strspn(out, allowed) == length;
  for (const char *at = out; *at; at++)
    if (*at <= ' ' || *at > '~') return false;
  return true;
}

static sb_status read_user(const char *text, size_t length, sb_webhook_broker *out, sb_error *error) {
  if (memchr(text, ':', length))
    return sb_fail(error, SB_INVALID, "url must not hold a password; it is given apart, and kept sealed");
  if (take(out->user, sizeof out->user, text, length, NULL)) return SB_OK;
  return sb_fail(error, SB_INVALID, "url has a user of 1 to %zu printable letters before the @", sizeof out->user - 1);
}

static sb_status read_port(const char *text, const char *end, sb_webhook_broker *out, sb_error *error) {
  char digits[6];
  if (text == end) return SB_OK;
  long port = *text == ':' && take(digits, sizeof digits, text + 1, (size_t)(end - text) - 1, "0123456789")
                  ? strtol(digits, NULL, 10)
                  : 0;
  if (port < 1 || port > PORT_MAX) return sb_fail(error, SB_INVALID, "url has a port of 1 to 65535 after the host");
  out->port = (uint16_t)port;
  return SB_OK;
}

static sb_status read_host(const char *text, const char *end, sb_webhook_broker *out, sb_error *error) {
  bool six = *text == '[';
  const char *last = six ? memchr(text, ']', (size_t)(end - text)) : memchr(text, ':', (size_t)(end - text));
  if (!last && !six) last = end;
  if (!last || !take(out->host, sizeof out->host, text + six, (size_t)(last - text) - six,
                     six ? "0123456789abcdefABCDEF:." : ALNUM ".-_"))
    return sb_fail(error, SB_INVALID, "url is the address of a broker: mqtts://USER@HOST:PORT/PREFIX");
  return read_port(last + six, end, out, error);
}

/* A topic of one or more levels, none of them empty, without what topics of subscriptions use. */
static sb_status read_prefix(const char *text, sb_webhook_broker *out, sb_error *error) {
  size_t length = strlen(text);
  if (length && text[length - 1] == '/') length--;
  if (!length) return memcpy(out->prefix, "semblance", sizeof "semblance"), SB_OK;
  if (take(out->prefix, sizeof out->prefix, text, length, ALNUM "/._-") && *out->prefix != '/' &&
      !strstr(out->prefix, "//"))
    return SB_OK;
  return sb_fail(error, SB_INVALID, "url ends with a prefix of topics: up to %zu of A-Z, a-z, 0-9, . _ - and / between",
                 sizeof out->prefix - 1);
}

sb_status sb_webhook_broker_read(const char *url, sb_webhook_broker *out, sb_error *error) {
  bool tls = !strncmp(url, TLS, strlen(TLS));
  *out = (sb_webhook_broker){.tls = tls, .port = tls ? PORT_TLS : PORT};
  if (!sb_webhook_is_mqtt(url)) return sb_fail(error, SB_INVALID, "url begins with mqtt:// or mqtts://");
  const char *at = url + strlen(tls ? TLS : PLAIN), *end = at + strcspn(at, "/"), *host = at;
  for (const char *sign = at; sign < end; sign++)
    if (*sign == '@') host = sign + 1;
  sb_status status = host > at ? read_user(at, (size_t)(host - at) - 1, out, error) : SB_OK;
  if (status != SB_OK) return status;
  status = read_host(host, end, out, error);
  return status == SB_OK ? read_prefix(*end ? end + 1 : end, out, error) : status;
}
