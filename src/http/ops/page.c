/* Serves the embedded page: files that web/embed.py made part of the program, plain or compressed, with ETags. */
#include "http/ops/page.h"
#include "http/ops/assets.h"

#include <string.h>

bool sb_http_page_reply(sb_http_request *request, const char *path) {
  for (size_t i = 0; i < sb_http_assets_count; i++) {
    const sb_http_asset *asset = &sb_http_assets[i];
    if (strcmp(asset->path, path)) continue;
    sb_http_reply_empty(request, 304);
    request->reply.etag = asset->etag;
    request->reply.varies = asset->packed != NULL;
    if (sb_http_reply_is_known(request, asset->etag)) return true;
    request->reply.status = 200;
    request->reply.type = asset->type;
    request->reply.gzip = request->accepts_gzip && asset->packed;
    request->reply.bytes = request->reply.gzip ? asset->packed : asset->bytes;
    request->reply.size = request->reply.gzip ? asset->packed_size : asset->size;
    return true;
  }
  return false;
}
