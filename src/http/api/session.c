/* /v1/session: the admin's login for the page. */
#include "http/core/session.h"
#include "engine/engine.h"
#include "http/api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_cookie(sb_http_request *request, const char *token, int seconds) {
  snprintf(request->reply.cookie, sizeof request->reply.cookie,
           "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", SB_HTTP_SESSION_COOKIE, token, seconds,
           request->context->tls.on ? "; Secure" : "");
}

/* Is a login needed, and is the caller in? */
void sb_http_handle_session_get(sb_http_request *request) {
  sb_error error = {0};
  bool closed = true;
  char csrf[SB_HTTP_TOKEN_SIZE] = "";
  if (sb_engine_access_required(request->context->engine, &closed, &error) != SB_OK) {
    sb_http_reply_error(request, &error);
    return;
  }
  const char *token = sb_http_cookie(request, SB_HTTP_SESSION_COOKIE);
  bool in = token && sb_http_session_csrf(request->context->auth.sessions, token, csrf);
  sb_http_reply_json(request, 200,
                     json_pack("{s:b,s:b,s:o}", "login_needed", closed && !in, "signed_in", in, "csrf",
                               in ? json_string(csrf) : json_null()));
}

/* The password comes in the body, never in the address. */
static sb_status read_login(sb_http_request *request, const char **password, int *one_time, sb_error *error) {
  const char *code = NULL;
  *one_time = -1;
  for (size_t i = 0; i < request->parameter_count; i++)
    if (!strcmp(request->parameters[i].name, "password"))
      return sb_fail(error, SB_INVALID, "a password in an address is kept by logs: send it in the body, and change it");
  sb_status status = sb_http_request_text(request, "password", password, error);
  if (status == SB_OK) status = sb_http_request_text(request, "code", &code, error);
  if (status == SB_OK && !*password) status = sb_fail(error, SB_INVALID, "the password is missing");
  if (status == SB_OK && code && strlen(code) == 6 && strspn(code, "0123456789") == 6) *one_time = atoi(code);
  return status;
}

void sb_http_handle_session_add(sb_http_request *request) {
  sb_error error = {0};
  uint8_t address[16];
  const char *password = NULL;
  int one_time = -1;
  sb_http_client_address(request, address);
  unsigned wait = sb_http_login_wait(request->context->auth.sessions, address);
  if (wait) {
    sb_http_reply_refusal(request, 429, "too_many_tries", "too many wrong passwords: wait, and try again");
    request->reply.retry = wait;
    return;
  }
  sb_status status = read_login(request, &password, &one_time, &error);
  if (status == SB_OK) {
    status = sb_engine_access_login(request->context->engine, password, one_time, &error);
    sb_http_login_tried(request->context->auth.sessions, address, status == SB_OK);
  }
  if (status == SB_FORBIDDEN) {
    sb_http_reply_refusal(request, 401, "unauthorized", error.message);
  } else if (status != SB_OK) {
    sb_http_reply_error(request, &error);
  } else {
    char token[SB_HTTP_TOKEN_SIZE], csrf[SB_HTTP_TOKEN_SIZE];
    sb_http_session_begin(request->context->auth.sessions, token, csrf);
    sb_http_reply_json(request, 200, json_pack("{s:b,s:s}", "signed_in", 1, "csrf", csrf));
    set_cookie(request, token, 12 * 3600);
  }
}

void sb_http_handle_session_delete(sb_http_request *request) {
  const char *token = sb_http_cookie(request, SB_HTTP_SESSION_COOKIE);
  if (token) sb_http_session_end(request->context->auth.sessions, token);
  sb_http_reply_json(request, 200, json_pack("{s:b}", "signed_in", 0));
  set_cookie(request, "", 0);
}
