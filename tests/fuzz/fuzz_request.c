/* A request: "METHOD target", a line break, then a JSON body. Router, percent-decoding, parameters, JSON, base64. */
#include "http/core/decode.h"
#include "http/core/request.h"
#include "http/core/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_fields(sb_http_request *request) {
  static const char *const names[] = {"id", "name", "collection", "image", "k", "threshold"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = NULL;
    size_t count = 0;
    double real = 0;
    sb_photo *photos = NULL;
    sb_http_request_text(request, names[i], &text, NULL);
    sb_http_request_count(request, names[i], 0, 1000, &count, NULL);
    sb_http_request_real(request, names[i], 0, 1, &real, NULL);
    if (sb_http_request_photos(request, names[i], &photos, &count, NULL) == SB_OK) free(photos);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static char collection[] = "default";
  sb_http_server server = {.context = {.collection = collection, .limits = {.body = 1 << 20}}, .dialects = ~0u};
  const uint8_t *end = memchr(bytes, '\n', size);
  size_t line = end ? (size_t)(end - bytes) : size;
  char *text = strndup((const char *)bytes, line);
  char *space = text ? strchr(text, ' ') : NULL;
  if (space) *space = 0;
  sb_http_request *request = text ? sb_http_request_new(&server, space ? space + 1 : text) : NULL;
  if (request) {
    snprintf(request->method, sizeof request->method, "%s", space ? text : "POST");
    sb_http_route_find(request);
    if (!request->reply.status && sb_http_request_query(request) && end) {
      request->body = SB_HTTP_BODY_JSON;
      sb_http_request_receive(request, (const char *)end + 1, size - line - 1);
      if (sb_http_request_finish(request, NULL) == SB_OK) read_fields(request);
    }
    sb_http_request_free(request);
  }
  free(text);
  return 0;
}
