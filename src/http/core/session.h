/* The admin's sessions on the page. Kept in memory: a restart ends them. */
#ifndef SB_HTTP_CORE_SESSION_H
#define SB_HTTP_CORE_SESSION_H

#include "engine/engine.h"

#define SB_HTTP_SESSION_COOKIE "semblance_session"
enum { SB_HTTP_TOKEN_SIZE = 44 }; /* 256 random bits as base64url, with the NUL */

/* Locked. A session ends 12 hours after the login, after 30 minutes without a request, or when the admin's password is
 * changed (by whatever process: each request compares sb_engine_access_stamp with the stamp of its session). */
typedef struct sb_http_sessions sb_http_sessions;
sb_status sb_http_sessions_new(sb_engine *engine, sb_http_sessions **out, sb_error *error);
void sb_http_sessions_free(sb_http_sessions *sessions);
/* Begins a session under `stamp`, which was read before the password was checked, and makes its token (for the cookie)
 * and CSRF token (for the page). When there are too many sessions the one that was idle for longest ends. */
void sb_http_session_begin(sb_http_sessions *sessions, const uint8_t stamp[SB_DIGEST_SIZE],
                           char token[SB_HTTP_TOKEN_SIZE], char csrf[SB_HTTP_TOKEN_SIZE]);
/* Whether `token` is a session's and, with `need_csrf`, `csrf` (NULL allowed) is its CSRF token. *known: the token
 * alone is right. */
bool sb_http_session_find(sb_http_sessions *sessions, const char *token, const char *csrf, bool need_csrf, bool *known);
/* The CSRF token of a session, for its page; false: no such session. */
bool sb_http_session_csrf(sb_http_sessions *sessions, const char *token, char csrf[SB_HTTP_TOKEN_SIZE]);
void sb_http_session_end(sb_http_sessions *sessions, const char *token);

#endif
