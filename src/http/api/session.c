/* /v1/session: the admin's login on the page. The session's token is a cookie that scripts cannot read; its CSRF
 * token is in the answer, and each request that changes something sends it as a header. */
#include "http/core/session.h"
#include "http/api/handlers.h"
#include "http/core/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COOKIE_SECONDS = 12 * 3600 };

static void set_cookie(sb_http_request *request, const char *token, int seconds) {
  snprintf(request->reply.cookie, sizeof request->reply.cookie,
           "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", SB_HTTP_SESSION_COOKIE, token, seconds,
           request->context->tls.on ? "; Secure" : "");
}

/* Is a login needed, and is the caller signed in? */
void sb_http_handle_session_get(sb_http_request *request) {
  sb_error error = {0};
  bool closed = true;
  char csrf[SB_HTTP_TOKEN_SIZE] = "";
  if (sb_http_failed(request, sb_engine_access_required(request->context->engine, &closed, &error), &error)) return;
  const char *token = sb_http_cookie(request, SB_HTTP_SESSION_COOKIE);
  bool in = token && sb_http_session_csrf(request->context->auth.sessions, token, csrf);
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:b,s:o}", "login_needed", closed && !in, "signed_in", in, "csrf",
                               in ? json_string(csrf) : json_null()));
}

/* ---- Login */

typedef struct credentials {
  const char *password;
  int one_time; /* -1: none, or not six digits */
} credentials;

/* The password is read from the body only: addresses are written to logs. */
static credentials read_credentials(sb_http_params *p) {
  credentials c = {.one_time = -1};
  for (size_t i = 0; i < p->request->parameter_count; i++)
    if (!strcmp(p->request->parameters[i].name, "password"))
      sb_http_params_reject(p, SB_INVALID,
                            "password must not be in the address, which logs keep: send it in the body, and change it");
  c.password = sb_http_params_required(p, "password", "the admin's password");
  const char *code = sb_http_params_text(p, "code");
  if (code && strlen(code) == 6 && strspn(code, "0123456789") == 6) c.one_time = atoi(code);
  return c;
}

static void sign_in(sb_http_request *request, const uint8_t stamp[SB_DIGEST_SIZE]) {
  char token[SB_HTTP_TOKEN_SIZE], csrf[SB_HTTP_TOKEN_SIZE];
  sb_http_session_begin(request->context->auth.sessions, stamp, token, csrf);
  sb_http_reply_json(request, 200, json_pack("{s:b,s:s}", "signed_in", 1, "csrf", csrf));
  set_cookie(request, token, COOKIE_SECONDS);
}

static void sign_in_with(sb_http_request *request, const credentials *c, const sb_http_address *address) {
  sb_error error = {0};
  sb_engine *engine = request->context->engine;
  uint8_t stamp[SB_DIGEST_SIZE];
  sb_status status = sb_engine_access_stamp(engine, stamp, &error);
  if (status == SB_OK) status = sb_engine_access_login(engine, c->password, c->one_time, &error);
  sb_http_login_throttle_end(request->context->auth.throttle, address, status == SB_OK);
  if (status == SB_FORBIDDEN)
    sb_http_reply_refusal(request, 401, "unauthorized", error.message);
  else if (!sb_http_failed(request, status, &error))
    sign_in(request, stamp);
}

void sb_http_handle_session_add(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  const credentials c = read_credentials(&p);
  if (sb_http_params_failed(&p)) return;
  const sb_http_address address = sb_http_request_customer(request);
  unsigned wait = sb_http_login_throttle_begin(request->context->auth.throttle, &address);
  if (!wait) {
    sign_in_with(request, &c, &address);
    return;
  }
  sb_http_reply_refusal(request, 429, "too_many_tries", "too many tries to sign in: wait, then try again");
  request->reply.retry = wait;
}

void sb_http_handle_session_delete(sb_http_request *request) {
  const char *token = sb_http_cookie(request, SB_HTTP_SESSION_COOKIE);
  if (token) sb_http_session_end(request->context->auth.sessions, token);
  sb_http_reply_json(request, 200, json_pack("{s:b}", "signed_in", 0));
  set_cookie(request, "", 0);
}
