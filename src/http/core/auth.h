/* Authentication and authorisation: API keys and the admin's session, roles, collections. */
#ifndef SB_HTTP_CORE_AUTH_H
#define SB_HTTP_CORE_AUTH_H

#include "http/core/context.h"

struct sb_http_request;

/* The caller, as far as it is known; set for each request before its body is read. */
typedef struct sb_http_principal {
  unsigned roles;                         /* SB_ROLE_*; 0: not authenticated */
  char actor[64];                         /* as the audit names it */
  char collection[SB_COLLECTION_MAX + 1]; /* the only one that the caller may use; "": all */
  bool session;                           /* came by a session's cookie, and not by a key */
  char prefix[SB_API_KEY_PREFIX + 1];     /* of the key; "": none */
  char token[SB_HTTP_TOKEN_SIZE];         /* of the session; "": none */
} sb_http_principal;

/* May see and do what concerns other callers' work. */
static inline bool sb_http_principal_is_admin(const sb_http_principal *principal) {
  return principal->roles & SB_ROLE_ADMIN;
}

/* Replies 401 or 403 and gives false unless the route's role is the caller's. While a gallery has no keys and no admin,
 * everybody who can connect may do everything; the server then listens on loopback only. */
bool sb_http_auth_pass(struct sb_http_request *request);

/* Whether the caller of an answer that lasts may still read it: false once the key was revoked or has expired, the
 * session has ended, or a gallery without keys has got its first one. */
bool sb_http_auth_still(sb_http_context *context, const sb_http_principal *principal);

/* To be called when the body is complete: replies 403 and gives false where a key for one collection names another.
 * (The engine enforces it as well, whatever a handler does: sb_actor.) */
bool sb_http_auth_scope(struct sb_http_request *request);

#endif
