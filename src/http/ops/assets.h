/* The page's files, embedded in the program. The table is generated at build time by web/meson.build. */
#ifndef SB_HTTP_OPS_ASSETS_H
#define SB_HTTP_OPS_ASSETS_H

#include <stddef.h>

/* Immutable and shared. */
typedef struct sb_http_asset {
  const char *path;           /* as in the request: "/app.js"; the page itself is "/" */
  const char *type;           /* Content-Type */
  const unsigned char *bytes; /* static storage */
  size_t size;
  const unsigned char *packed; /* compressed by gzip; NULL where that is not smaller */
  size_t packed_size;
  const char *etag; /* as the header has it; weak, as it is the same for both forms (RFC 9110, 8.8.1) */
} sb_http_asset;

extern const sb_http_asset sb_http_assets[];
extern const size_t sb_http_assets_count;

#endif
