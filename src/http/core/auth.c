/* Authentication and authorisation, before a byte of the body is read.
 *
 * A key comes as `Authorization: Bearer sbk_...` or `X-API-Key: sbk_...`; from clients of Amazon's APIs as the session
 * token, `X-Amz-Security-Token: sbk_...`, because the signatures that they make could be checked only with the key
 * itself, of which a hash is stored. It never comes in an address, where logs would keep it.
 *
 * A session comes as a cookie that scripts cannot read and other sites cannot send (HttpOnly, SameSite=Strict); a
 * request that changes something needs the session's CSRF token in X-CSRF-Token as well. */
#include "http/core/auth.h"

#include "http/core/disclosure.h"
#include "http/core/params.h"
#include "http/core/route.h"
#include "http/core/session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *key_of(const sb_http_request *request) {
  const char *bearer = sb_http_header(request, "Authorization"), *key = sb_http_header(request, "X-API-Key");
  if (bearer && !strncasecmp(bearer, "Bearer ", 7)) return bearer + 7 + strspn(bearer + 7, " ");
  return key ? key : sb_http_header(request, "X-Amz-Security-Token");
}

static bool refuse(sb_http_request *request, unsigned status, const char *code, const char *message) {
  sb_http_reply_refusal(request, status, code, message);
  request->reply.challenge = status == 401;
  request->reply.close = request->route->flags & SB_HTTP_ROUTE_BODY; /* the body of a refused request is not read */
  return false;
}

/* 429 to a caller who has used up its requests; callers without a valid key are limited by address. */
static bool rate_passes(sb_http_request *request) {
  const sb_http_principal *caller = &request->principal;
  const sb_http_address address = sb_http_request_customer(request);
  unsigned wait = caller->prefix[0]
                      ? sb_http_rate_limit_take(request->context->requests, caller->prefix, strlen(caller->prefix))
                      : sb_http_rate_limit_take(request->context->requests, &address, sizeof address);
  if (!wait && request->route->flags & SB_HTTP_ROUTE_MODELS) wait = sb_http_disclose_wait(request->context, caller);
  if (!wait) return true;
  refuse(request, 429, "rate_limited", "too many requests: wait as long as Retry-After says");
  request->reply.retry = wait;
  return false;
}

/* 401, unless the address has asked too often without a valid key. */
static bool refuse_stranger(sb_http_request *request, const char *message) {
  return rate_passes(request) && refuse(request, 401, "unauthorized", message);
}

static sb_status by_key(sb_http_request *request, const char *text, sb_error *error) {
  sb_access_key key;
  sb_status status = sb_engine_access_key_find(request->context->engine, text, &key, error);
  if (status != SB_OK) return status;
  request->principal.roles = key.roles;
  memcpy(request->principal.prefix, key.prefix, sizeof key.prefix);
  snprintf(request->principal.actor, sizeof request->principal.actor, "key:%s", key.prefix);
  snprintf(request->principal.collection, sizeof request->principal.collection, "%s", key.collection);
  return SB_OK;
}

static bool changes_something(const sb_http_request *request) {
  return strcmp(request->method, "GET") && strcmp(request->method, "HEAD") && strcmp(request->method, "OPTIONS");
}

/* False: there is a session, but the CSRF token, which proves that the page itself made the request, is missing. */
static bool by_session(sb_http_request *request) {
  const char *token = sb_http_cookie(request, SB_HTTP_SESSION_COOKIE);
  const char *csrf = sb_http_header(request, "X-CSRF-Token");
  if (!token || !sb_http_session_find(request->context->auth.sessions, token, changes_something(request) ? csrf : NULL,
                                      changes_something(request), &request->principal.session))
    return !request->principal.session;
  request->principal.roles = SB_ROLE_ALL;
  snprintf(request->principal.token, sizeof request->principal.token, "%s", token);
  snprintf(request->principal.actor, sizeof request->principal.actor, "admin");
  return true;
}

bool sb_http_auth_still(sb_http_context *context, const sb_http_principal *principal) {
  bool closed = true, known = false;
  if (principal->prefix[0]) /* a key's roles never change */
    return sb_engine_access_key_recheck(context->engine, principal->prefix, NULL) == SB_OK;
  if (principal->token[0]) return sb_http_session_find(context->auth.sessions, principal->token, NULL, false, &known);
  return sb_engine_access_required(context->engine, &closed, NULL) == SB_OK && !closed;
}

bool sb_http_auth_scope(sb_http_request *request) {
  if (!request->principal.collection[0]) return true;
  sb_http_params p = sb_http_params_begin(request);
  const char *named = sb_http_params_text(&p, "collection");
  if (named && strcmp(named, request->principal.collection))
    sb_http_params_reject(&p, SB_FORBIDDEN, "this key is for another collection");
  return !sb_http_params_failed(&p);
}

static unsigned role_of(sb_http_access access) {
  switch (access) {
  case SB_HTTP_ACCESS_OPEN: return 0;
  case SB_HTTP_ACCESS_EITHER: return SB_ROLE_READ | SB_ROLE_ENROLL;
  case SB_HTTP_ACCESS_READ: return SB_ROLE_READ;
  case SB_HTTP_ACCESS_ENROLL: return SB_ROLE_ENROLL;
  case SB_HTTP_ACCESS_ADMIN: return SB_ROLE_ADMIN;
  }
  return SB_ROLE_ADMIN;
}

bool sb_http_auth_pass(sb_http_request *request) {
  sb_error error = {0};
  bool closed = true;
  unsigned wanted = role_of(request->route->access);
  if (sb_engine_access_required(request->context->engine, &closed, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return false;
  }
  snprintf(request->principal.actor, sizeof request->principal.actor,
           request->context->auth.loopback ? "local" : "anybody");
  if (!closed) {
    request->principal.roles = SB_ROLE_ALL;
    return true;
  }
  const char *key = key_of(request);
  if (key) {
    sb_status status = by_key(request, key, &error);
    if (status == SB_FORBIDDEN) return !wanted || refuse_stranger(request, error.message);
    if (status != SB_OK) {
      sb_http_reply_error(request, &error);
      return false;
    }
  } else if (!by_session(request)) {
    return !wanted ||
           refuse(request, 403, "forbidden", "the request lacks the session's X-CSRF-Token: reload the page");
  }
  if (request->principal.collection[0] && request->route->flags & SB_HTTP_ROUTE_ALL_COLLECTIONS)
    return refuse(request, 403, "forbidden", "this concerns all collections, and the key is for one");
  if (sb_http_principal_is_admin(&request->principal) || !wanted) return true;
  if (request->principal.roles & wanted) return rate_passes(request);
  if (request->principal.roles)
    return refuse(request, 403, "forbidden",
                  "the key's roles do not allow this: an admin can make a key with another role");
  return refuse_stranger(request,
                         "send an API key, as `Authorization: Bearer ...` or `X-API-Key: ...` (from an AWS SDK as the "
                         "session token), or sign in on the page");
}
