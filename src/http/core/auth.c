/* Authentication and authorisation, before a byte of the body is read.
 *
 * A key comes as `Authorization: Bearer sbk_...` or `X-API-Key: sbk_...`; never in an address, where logs would keep it. A
 * session comes as a cookie that scripts cannot read and other sites cannot send (HttpOnly, SameSite=Strict); requests that
 * change something need the session's token in X-CSRF-Token besides. */
#include "http/core/auth.h"

#include "http/core/request.h"
#include "http/core/route.h"
#include "http/core/session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *header(const sb_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static const char *key_of(const sb_request *request) {
  const char *bearer = header(request, "Authorization"), *key = header(request, "X-API-Key");
  if (bearer && !strncasecmp(bearer, "Bearer ", 7)) return bearer + 7 + strspn(bearer + 7, " ");
  return key;
}

static bool refuse(sb_request *request, unsigned status, const char *code, const char *message) {
  sb_reply_refusal(request, status, code, message);
  request->reply.challenge = status == 401;
  request->reply.close = request->route->flags & SB_ROUTE_BODY; /* a photo that is refused is not waited for */
  return false;
}

static sb_status by_key(sb_request *request, const char *text, sb_error *error) {
  sb_access_key key;
  sb_status status = sb_access_key_find(request->server->access, text, sb_now_ms(), &key, error);
  if (status != SB_OK) return status;
  request->who.roles = key.roles;
  memcpy(request->who.prefix, key.prefix, sizeof key.prefix);
  snprintf(request->who.actor, sizeof request->who.actor, "key:%s", key.prefix);
  snprintf(request->who.collection, sizeof request->who.collection, "%s", key.collection);
  return SB_OK;
}

static bool changes_something(const sb_request *request) {
  return strcmp(request->method, "GET") && strcmp(request->method, "HEAD") && strcmp(request->method, "OPTIONS");
}

/* False: there is a session, but the token that proves the page's own request is missing. */
static bool by_session(sb_request *request) {
  const char *token = MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, SB_SESSION_COOKIE);
  const char *proof = header(request, "X-CSRF-Token");
  if (!token || !sb_session_find(request->server->sessions, token, changes_something(request) ? proof : NULL,
                                 changes_something(request), &request->who.session))
    return !request->who.session;
  request->who.roles = SB_ROLE_ALL;
  snprintf(request->who.token, sizeof request->who.token, "%s", token);
  snprintf(request->who.actor, sizeof request->who.actor, "admin");
  return true;
}

bool sb_auth_still(sb_server *server, const sb_principal *who) {
  sb_access_key key;
  bool closed = true, known = false;
  if (who->prefix[0])
    return sb_access_key_again(server->access, who->prefix, sb_now_ms(), &key, NULL) ==
           SB_OK; /* roles stay as they were made */
  if (who->token[0]) return sb_session_find(server->sessions, who->token, NULL, false, &known);
  return sb_access_closed(server->access, &closed, NULL) == SB_OK && !closed;
}

bool sb_auth_scope(sb_request *request) {
  sb_error error = {0};
  const char *named = NULL;
  if (!request->who.collection[0]) return true;
  sb_status status = sb_request_text(request, "collection", &named, &error);
  if (status == SB_OK && named && strcmp(named, request->who.collection))
    status = sb_fail(&error, SB_FORBIDDEN, "this key is for another collection");
  if (status != SB_OK) sb_reply_error(request, &error);
  return status == SB_OK;
}

static unsigned role_of(sb_needs access) {
  switch (access) {
  case SB_ACCESS_OPEN: return 0;
  case SB_ACCESS_READ: return SB_ROLE_READ;
  case SB_ACCESS_ENROLL: return SB_ROLE_ENROLL;
  case SB_ACCESS_ADMIN: return SB_ROLE_ADMIN;
  }
  return SB_ROLE_ADMIN;
}

bool sb_auth_pass(sb_request *request) {
  sb_error error = {0};
  bool closed = true;
  unsigned wanted = role_of(request->route->access);
  if (sb_access_closed(request->server->access, &closed, &error) != SB_OK) {
    sb_reply_error(request, &error);
    return false;
  }
  snprintf(request->who.actor, sizeof request->who.actor, request->server->loopback ? "local" : "anybody");
  if (!closed) {
    request->who.roles = SB_ROLE_ALL;
    return true;
  }
  const char *key = key_of(request);
  if (key) {
    sb_status status = by_key(request, key, &error);
    if (status == SB_FORBIDDEN) return !wanted || refuse(request, 401, "unauthorized", error.message);
    if (status != SB_OK) {
      sb_reply_error(request, &error);
      return false;
    }
  } else if (!by_session(request)) {
    return !wanted ||
           refuse(request, 403, "forbidden", "the request lacks the session's X-CSRF-Token: load the page again");
  }
  if (request->who.collection[0] && request->route->flags & SB_ROUTE_ALL_COLLECTIONS)
    return refuse(request, 403, "forbidden", "this tells of all collections, and the key is for one");
  if (!wanted || request->who.roles & (wanted | SB_ROLE_ADMIN)) return true;
  if (request->who.roles) return refuse(request, 403, "forbidden", "the key's roles do not allow this");
  return refuse(request, 401, "unauthorized",
                "an API key is needed, as `Authorization: Bearer ...` or `X-API-Key: ...`, or a login on the page");
}
