/* Checks made before routing: cross-site requests (Origin), DNS rebinding (Host), and ambiguous framing (several
 * Content-Length or Transfer-Encoding headers). */
#ifndef SB_HTTP_CORE_REQUEST_CHECKS_H
#define SB_HTTP_CORE_REQUEST_CHECKS_H

#include "base/base.h"

struct sb_http_exchange;

/* The words of a setting that is a list. */
typedef struct sb_http_words {
  char **list;
  size_t count;
} sb_http_words;

/* Origins of other sites that may use the API (--cors): "https://a.example,https://b.example:8443"; SB_INVALID for what
 * is not an origin. Free in either case. */
sb_status sb_http_checks_origins(sb_http_words *origins, const char *text, sb_error *error);
/* Names under which clients reach the server (--server-names): "desk.example,box"; the same. */
sb_status sb_http_checks_names(sb_http_words *names, const char *text, sb_error *error);
void sb_http_words_free(sb_http_words *words);

/* Replies and gives false: 400 to a request whose headers are malformed, say more than once how long the body is, or do
 * not name one host; 403 to a page of another site, and to a host that may not be this machine: on a loopback address
 * one that is not loopback, without keys one that is a name, unless --server-names has it. Sets exchange->cors. */
bool sb_http_checks_pass(struct sb_http_exchange *exchange);

#endif
