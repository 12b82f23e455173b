/* The embedded page. */
#include "http/assets.h"
#include "http/handlers.h"

#include <string.h>

/* Is the file's ETag among those that the client has? */
static bool is_known(sb_request *request, const char *etag) {
  const char *known = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "If-None-Match");
  return known && (!strcmp(known, "*") || strstr(known, etag));
}

bool sb_page_reply(sb_request *request, const char *path) {
  for (size_t i = 0; i < sb_assets_count; i++) {
    const sb_asset *asset = &sb_assets[i];
    if (strcmp(asset->path, path)) continue;
    sb_reply_empty(request, 304);
    request->reply.etag = asset->etag;
    if (is_known(request, asset->etag)) return true;
    request->reply.status = 200;
    request->reply.type = asset->type;
    request->reply.bytes = asset->bytes;
    request->reply.size = asset->size;
    return true;
  }
  return false;
}
