/* The admin's sessions on the page, and the waits after wrong passwords. In memory: a restart ends them. */
#ifndef SB_HTTP_CORE_SESSION_H
#define SB_HTTP_CORE_SESSION_H

#include "base/base.h"

#define SB_HTTP_SESSION_COOKIE "semblance_session"
enum { SB_HTTP_TOKEN_SIZE = 44 }; /* 256 random bits as base64url, with the NUL */

/* Locked. A session ends 12 hours after the login, or after 30 minutes without a request. */
typedef struct sb_http_sessions sb_http_sessions;
sb_status sb_http_sessions_new(sb_http_sessions **out, sb_error *error);
void sb_http_sessions_free(sb_http_sessions *sessions);
/* The oldest gives way when there are too many. */
void sb_http_session_begin(sb_http_sessions *sessions, char token[SB_HTTP_TOKEN_SIZE], char proof[SB_HTTP_TOKEN_SIZE]);
/* True where the token is a session's and, with `need_proof`, `proof` is its. `*known`: the token alone is right. */
bool sb_http_session_find(sb_http_sessions *sessions, const char *token, const char *proof, bool need_proof,
                          bool *known);
/* The proof of a session, for its page; false: no such session. */
bool sb_http_session_proof(sb_http_sessions *sessions, const char *token, char proof[SB_HTTP_TOKEN_SIZE]);
void sb_http_session_end(sb_http_sessions *sessions, const char *token);

/* Seconds to wait before this address may try a password again; 0: now. Each failure beyond the third doubles the
 * wait, up to a quarter of an hour; a success, or an hour of peace, forgets them. `address`: 16 bytes, of IPv6 the
 * first 8. */
unsigned sb_http_session_wait(sb_http_sessions *sessions, const uint8_t address[16]);
void sb_http_session_tried(sb_http_sessions *sessions, const uint8_t address[16], bool right);

#endif
