/* Who asks, and what they may: API keys and the admin's session. */
#ifndef SB_HTTP_CORE_AUTH_H
#define SB_HTTP_CORE_AUTH_H

#include "http/core/context.h"

struct sb_http_request;

/* Set for each request before its body is read. */
typedef struct sb_http_principal {
  unsigned roles;                         /* SB_ROLE_*; 0: nobody */
  char actor[64];                         /* as it stands in the audit */
  char collection[SB_COLLECTION_MAX + 1]; /* the one that it may touch; "": all */
  bool session;                           /* by cookie: what changes something needs the session's token, too */
  char prefix[SB_API_KEY_PREFIX + 1];     /* of the key; "": none */
  char token[SB_HTTP_TOKEN_SIZE];         /* of the session; "": none */
} sb_http_principal;

/* Replies 401 or 403 and gives false unless the route's role is the caller's. While a gallery has no keys and no admin,
 * everybody who can connect may do everything: the server then listens on loopback only. */
bool sb_http_auth_pass(struct sb_http_request *request);

/* May who asked go on reading? For what stays open: false once the key was revoked or is over, the session has ended,
 * or the gallery has got its first key. */
bool sb_http_auth_still(sb_http_context *context, const sb_http_principal *principal);

/* The body has come, too: replies 403 and gives false where a key for one collection names another. (The engine holds
 * to it besides, whatever a handler does: sb_actor.) */
bool sb_http_auth_scope(struct sb_http_request *request);

#endif
