/* Target: an HTTP request, as "METHOD target", a line break, then a JSON body. Router, percent-decoding, parameters,
 * JSON, base64. */
#include "http/core/params.h"
#include "http/core/receive.h"
#include "http/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool no_page(sb_http_request *request, const char *path) {
  (void)request, (void)path;
  return false;
}

static char collection[] = "default";
static sb_http_context context = {.collection = collection, .limits = {.body = 1 << 20}};

static void read_fields(sb_http_request *request) {
  static const char *const names[] = {"id", "name", "collection", "image", "k", "threshold"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t count = 0, at = 0;
    sb_http_params text = sb_http_params_begin(request), numbers = text, photos = text;
    sb_http_params_text(&text, names[i]);
    sb_http_params_count(&numbers, names[i], 0, 1000, 0);
    numbers.error.code = SB_OK;
    sb_http_params_real(&numbers, names[i], 0, 1, 0);
    sb_http_params_photos(&photos, names[i], &count);
    text.error.code = SB_OK;
    while (sb_http_params_next(&text, names[i], &at)) {
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_http_daemon daemon = {.context = &context,
                           .router = {.routes = sb_http_routes,
                                      .route_count = sb_http_route_count,
                                      .dialects = sb_http_dialects,
                                      .dialect_count = sb_http_dialect_count,
                                      .dialects_on = ~0u,
                                      .page = no_page}};
  const uint8_t *end = memchr(bytes, '\n', size);
  size_t line = end ? (size_t)(end - bytes) : size;
  char *text = strndup((const char *)bytes, line);
  char *space = text ? strchr(text, ' ') : NULL;
  if (space) *space = 0;
  sb_http_exchange *exchange = text ? sb_http_exchange_new(&daemon, space ? space + 1 : text) : NULL;
  if (exchange) {
    sb_http_request *request = &exchange->request;
    snprintf(request->method, sizeof request->method, "%s", space ? text : "POST");
    sb_http_route_find(&daemon.router, request);
    if (!request->reply.status && sb_http_exchange_query(exchange) && end) {
      exchange->body = SB_HTTP_BODY_JSON;
      sb_http_receive(exchange, (const char *)end + 1, size - line - 1);
      if (sb_http_receive_end(exchange, NULL) == SB_OK) read_fields(request);
    }
    sb_http_exchange_free(exchange);
  }
  free(text);
  return 0;
}
