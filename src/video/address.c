/* Addresses of cameras. No message repeats any part of one: the password may stand anywhere in it, in cameras' own ways
 * also in the path and the query. */
#include "video/video.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
  const char *name;
  uint16_t port;
} schemes[] = {
    [SB_VIDEO_RTSP] = {"rtsp", 554},
    [SB_VIDEO_RTSPS] = {"rtsps", 322},
    [SB_VIDEO_HTTP] = {"http", 80},
    [SB_VIDEO_HTTPS] = {"https", 443},
};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

static sb_status malformed(sb_error *error) {
  return sb_fail(error, SB_INVALID,
                 "the camera's address is malformed; it looks like rtsp://user:password@192.0.2.1:554/path, with "
                 "reserved letters of the password percent-encoded (@ is %%40)");
}

static bool is_printable(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text > '~' || *text == '\\' || *text == '"') return false;
  return true;
}

/* The scheme of `text`, and where its authority begins. */
static sb_status parse_scheme(const char *text, sb_video_address *out, const char **rest, sb_error *error) {
  for (int i = 0; i < SCHEMES; i++) {
    size_t length = strlen(schemes[i].name);
    if (strncasecmp(text, schemes[i].name, length) != 0 || strncmp(text + length, "://", 3) != 0) continue;
    out->scheme = (sb_video_scheme)i;
    out->port = schemes[i].port;
    *rest = text + length + 3;
    return SB_OK;
  }
  return sb_fail(error, SB_INVALID, "a camera's address begins with rtsp://, rtsps://, http:// or https://");
}

static bool parse_port(const char *text, const char *end, uint16_t *out) {
  size_t length = (size_t)(end - text);
  if (!length || length > 5 || strspn(text, "0123456789") < length) return false;
  long port = strtol(text, NULL, 10);
  *out = (uint16_t)port;
  return port > 0 && port <= 65535;
}

/* `text`..`end`: host and port, "camera.example:554", "[fe80::1]:554". */
static bool parse_host(const char *text, const char *end, sb_video_address *out) {
  bool bracket = *text == '[';
  const char *from = text + bracket, *to = from;
  if (bracket)
    to = memchr(from, ']', (size_t)(end - from));
  else
    while (to < end && *to != ':') to++;
  if (!to || to == from || (size_t)(to - from) >= sizeof out->host) return false;
  memcpy(out->host, from, (size_t)(to - from));
  out->host[to - from] = 0;
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_",
                    digits[] = "0123456789abcdefABCDEF:.";
  if (out->host[strspn(out->host, bracket ? digits : letters)]) return false;
  to += bracket;
  return to == end || (*to == ':' && parse_port(to + 1, end, &out->port));
}

sb_status sb_video_address_parse(const char *text, sb_video_address *out, sb_error *error) {
  const char *rest = NULL;
  *out = (sb_video_address){.port = 0};
  if (strlen(text) > SB_VIDEO_ADDRESS_MAX)
    return sb_fail(error, SB_INVALID, "a camera's address has at most %d letters", SB_VIDEO_ADDRESS_MAX);
  sb_status status = parse_scheme(text, out, &rest, error);
  if (status != SB_OK) return status;
  if (!is_printable(text)) return malformed(error);
  const char *end = rest + strcspn(rest, "/?#"), *host = rest;
  for (const char *at = rest; at < end; at++)
    if (*at == '@') host = at + 1;
  if (host != rest) out->has_password = memchr(rest, ':', (size_t)(host - rest)) != NULL;
  if (host != rest && memchr(rest, '@', (size_t)(host - 1 - rest))) return malformed(error);
  if (!parse_host(host, end, out)) return malformed(error);
  bool ipv6 = strchr(out->host, ':');
  snprintf(out->shown, sizeof out->shown, "%s://%s%s%s:%d", schemes[out->scheme].name, ipv6 ? "[" : "", out->host,
           ipv6 ? "]" : "", out->port);
  return SB_OK;
}
