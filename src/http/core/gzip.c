/* gzip, by zlib: whether an answer is compressed, its compression, and bodies that come compressed. */
#include "http/core/gzip.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum {
  LEAST = 1400, /* bytes: less fits one packet, where compression gains nothing */
  LEVEL = 5,
};

/* The weight of an element such as "gzip;q=0.5": 1 where it has none; 0, "not acceptable", where it is malformed. */
static double weight_of(const char *element, size_t length) {
  const char *semicolon = memchr(element, ';', length);
  if (!semicolon) return 1;
  const char *at = semicolon + 1 + strspn(semicolon + 1, " \t");
  if ((*at != 'q' && *at != 'Q') || at[1] != '=' || !isdigit((unsigned char)at[2])) return 0;
  return at[2] == '1' ? 1 : at[3] == '.' ? strtod(at + 2, NULL) : 0;
}

bool sb_http_gzip_accepted(const sb_http_request *request) {
  double gzip = -1, identity = -1, others = -1; /* -1: not mentioned */
  const char *at = sb_http_header(request, "Accept-Encoding");
  while (at && *(at += strspn(at, ", \t"))) {
    size_t length = strcspn(at, ","), name = strcspn(at, ",; \t");
    double weight = weight_of(at, length);
    if ((name == 4 && !strncasecmp(at, "gzip", 4)) || (name == 6 && !strncasecmp(at, "x-gzip", 6))) gzip = weight;
    if (name == 8 && !strncasecmp(at, "identity", 8)) identity = weight;
    if (name == 1 && *at == '*') others = weight;
    at += length;
  }
  if (gzip < 0) gzip = others;
  return gzip > 0 && gzip >= identity;
}

void sb_http_gzip_reply(sb_http_request *request) {
  sb_http_reply *reply = &request->reply;
  reply->varies = true;
  if (!request->accepts_gzip || reply->size < LEAST) return;
  z_stream stream = {0};
  if (deflateInit2(&stream, LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return;
  uLong room = deflateBound(&stream, reply->size);
  char *packed = malloc(room);
  /* zlib's input pointer is not const, but zlib never writes to it. */
  union {
    const void *constant;
    void *plain;
  } input = {.constant = reply->bytes};
  stream.next_in = input.plain;
  stream.avail_in = (uInt)reply->size;
  stream.next_out = (Bytef *)packed;
  stream.avail_out = (uInt)room;
  bool done = packed && reply->size < UINT_MAX && room < UINT_MAX && deflate(&stream, Z_FINISH) == Z_STREAM_END;
  size_t size = stream.total_out;
  deflateEnd(&stream);
  if (!done) {
    free(packed);
    return;
  }
  free(reply->owned);
  reply->bytes = reply->owned = packed;
  reply->size = size;
  reply->gzip = true;
}

/* ---- Bodies of requests */

struct sb_http_gunzip {
  z_stream stream;
  bool ended; /* a member is complete; another one may follow */
};

sb_status sb_http_gunzip_new(sb_http_gunzip **out, sb_error *error) {
  sb_http_gunzip *gunzip = sb_alloc(1, sizeof *gunzip, error);
  if (!gunzip) return SB_NO_MEMORY;
  if (inflateInit2(&gunzip->stream, MAX_WBITS + 16) != Z_OK) {
    free(gunzip);
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  *out = gunzip;
  return SB_OK;
}

sb_status sb_http_gunzip_feed(sb_http_gunzip *gunzip, const char *bytes, size_t size, char *out, size_t room,
                              size_t *got, sb_error *error) {
  z_stream *stream = &gunzip->stream;
  /* zlib's input pointer is not const, but zlib never writes to it. */
  union {
    const char *constant;
    Bytef *plain;
  } input = {.constant = bytes};
  if (size) {
    stream->next_in = input.plain;
    stream->avail_in = (uInt)size;
  }
  stream->next_out = (Bytef *)out;
  stream->avail_out = (uInt)room;
  while (stream->avail_out && (stream->avail_in || !gunzip->ended)) {
    if (gunzip->ended) inflateReset(stream);
    int code = inflate(stream, Z_NO_FLUSH);
    gunzip->ended = code == Z_STREAM_END;
    if (code == Z_BUF_ERROR || (code == Z_OK && !stream->avail_in)) break; /* it needs more bytes, or more room */
    if (code != Z_OK && code != Z_STREAM_END)
      return sb_fail(error, SB_INVALID, "the body is not gzip, which its Content-Encoding says, or it is damaged");
  }
  *got = room - stream->avail_out;
  return SB_OK;
}

bool sb_http_gunzip_whole(const sb_http_gunzip *gunzip) {
  return gunzip->ended;
}

void sb_http_gunzip_free(sb_http_gunzip *gunzip) {
  if (!gunzip) return;
  inflateEnd(&gunzip->stream);
  free(gunzip);
}
