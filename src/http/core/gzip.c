/* gzip: whether an answer is compressed, and the compression by zlib. */
#include "http/core/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
  LEAST = 1400, /* bytes: less fits one packet, where compression gains nothing */
  LEVEL = 5,
};

bool sb_http_gzip_accepted(const sb_http_request *request) {
  const char *encodings = sb_http_header(request, "Accept-Encoding");
  return encodings && strstr(encodings, "gzip") && !strstr(encodings, "gzip;q=0");
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
