/* The life of an exchange, and the query of its request. */
#include "http/core/exchange.h"
#include "http/core/decode.h"
#include "http/core/route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* Splits a target in absolute form, "http://host/path?query" (RFC 9112, 3.2.2), as clients send it to proxies. */
static sb_status split_target(sb_http_exchange *exchange, const char *target, sb_error *error) {
  size_t scheme = !strncasecmp(target, "http://", 7) ? 7 : !strncasecmp(target, "https://", 8) ? 8 : 0;
  const char *path = target + scheme + (scheme ? strcspn(target + scheme, "/?") : 0);
  if (scheme && !(exchange->authority = strndup(target + scheme, (size_t)(path - target) - scheme)))
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_buffer text = {0};
  sb_status status = sb_buffer_addf(&text, error, "%s%s", scheme && *path != '/' ? "/" : "", path);
  exchange->request.path = text.bytes;
  return status;
}

sb_http_exchange *sb_http_exchange_new(sb_http_daemon *daemon, const char *target) {
  sb_http_exchange *exchange = sb_alloc(1, sizeof *exchange, NULL);
  if (!exchange) return NULL;
  sb_http_request *request = &exchange->request;
  exchange->daemon = daemon;
  request->context = daemon->context;
  exchange->started_ms = sb_monotonic_ms();
  uint8_t random[SB_HTTP_REQUEST_ID / 2] = {0};
  if (getrandom(random, sizeof random, 0) != sizeof random) sb_log(SB_LOG_WARNING, "the system gave no random bytes");
  sb_hex(random, sizeof random, request->id);
  if (split_target(exchange, target, NULL) != SB_OK) {
    free(request->path);
    free(exchange->authority);
    free(exchange);
    return NULL;
  }
  exchange->query = strchr(request->path, '?');
  if (exchange->query) *exchange->query++ = '\0';
  return exchange;
}

void sb_http_exchange_free(sb_http_exchange *exchange) {
  if (!exchange) return;
  sb_http_request *request = &exchange->request;
  atomic_fetch_sub(&request->context->load.body_bytes, exchange->held);
  sb_http_multipart_free(exchange->form);
  sb_http_gunzip_free(exchange->gunzip);
  for (size_t i = 0; i < request->field_count; i++) sb_buffer_free(&request->fields[i].value);
  free(request->fields);
  free(request->photos);
  sb_import_free(request->bundle);
  sb_http_reply_clear(&request->reply);
  for (size_t i = 0; i < SB_HTTP_PATH_PARAMETERS_MAX; i++) free(request->path_parameters[i]);
  free(request->path);
  free(exchange->authority);
  free(exchange);
}

void sb_http_exchange_begun(sb_http_exchange *exchange) {
  if (exchange->begun) return;
  exchange->begun = true;
  atomic_fetch_add(&exchange->request.context->load.begun, 1);
}

bool sb_http_exchange_query(sb_http_exchange *exchange) {
  sb_http_request *request = &exchange->request;
  sb_error error = {0};
  for (char *rest = exchange->query; rest && *rest;) {
    char *pair = strsep(&rest, "&");
    if (!*pair) continue;
    char *value = strchr(pair, '=');
    if (value) *value++ = '\0';
    if (request->parameter_count == SB_HTTP_PARAMETERS_MAX) {
      sb_fail(&error, SB_INVALID, "the address has more than %d parameters", SB_HTTP_PARAMETERS_MAX);
    } else if (sb_http_percent_decode(pair, true, &error) == SB_OK &&
               (!value || sb_http_percent_decode(value, true, &error) == SB_OK)) {
      request->parameters[request->parameter_count++] = (sb_http_parameter){pair, value ? value : ""};
    }
    if (sb_http_failed(request, error.code, &error)) return false;
  }
  return true;
}
