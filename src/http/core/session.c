/* A small table of sessions, by the hash of their token. */
#include "http/core/session.h"

#include <stdlib.h>
#include <string.h>

enum { SESSIONS_MAX = 64 };
#define LIFE_MS (12 * 3600e3)
#define IDLE_MS (30 * 60e3)

typedef struct session {
  uint8_t token[SB_DIGEST_SIZE]; /* the hash of the token */
  uint8_t stamp[SB_DIGEST_SIZE]; /* sb_engine_access_stamp at the login */
  char csrf[SB_HTTP_TOKEN_SIZE];
  double begun_ms, used_ms; /* begun 0: free */
} session;

struct sb_http_sessions {
  sb_engine *engine;
  pthread_mutex_t lock;
  session sessions[SESSIONS_MAX];
};

sb_status sb_http_sessions_new(sb_engine *engine, sb_http_sessions **out, sb_error *error) {
  sb_http_sessions *sessions = sb_alloc(1, sizeof *sessions, error);
  if (!sessions) return SB_NO_MEMORY;
  sessions->engine = engine;
  pthread_mutex_init(&sessions->lock, NULL);
  *out = sessions;
  return SB_OK;
}

void sb_http_sessions_free(sb_http_sessions *sessions) {
  if (!sessions) return;
  pthread_mutex_destroy(&sessions->lock);
  sb_wipe(sessions, sizeof *sessions);
  free(sessions);
}

static void make_token(char token[SB_HTTP_TOKEN_SIZE]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint8_t random[SB_HTTP_TOKEN_SIZE - 1];
  sb_crypto_random(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++) token[i] = digits[random[i] & 63];
  token[sizeof random] = 0;
}

/* The stamp that sessions must have now; false: the database does not answer, and no session counts. */
static bool read_stamp(const sb_http_sessions *sessions, uint8_t stamp[SB_DIGEST_SIZE]) {
  sb_error error = {0};
  if (sb_engine_access_stamp(sessions->engine, stamp, &error) == SB_OK) return true;
  sb_log(SB_LOG_WARNING, "a session could not be checked: %s", error.message);
  return false;
}

/* NULL: there is none, or it has ended. Compares hashes, so the time that it takes reveals nothing about a token. The
 * caller holds the lock. */
static session *find(sb_http_sessions *sessions, const char *token, const uint8_t stamp[SB_DIGEST_SIZE]) {
  uint8_t hash[SB_DIGEST_SIZE];
  double now = sb_monotonic_ms();
  session *found = NULL;
  sb_crypto_api_key_hash(token, hash);
  for (size_t i = 0; i < SESSIONS_MAX; i++) {
    session *s = &sessions->sessions[i];
    bool over = now - s->begun_ms > LIFE_MS || now - s->used_ms > IDLE_MS || memcmp(s->stamp, stamp, SB_DIGEST_SIZE);
    if (s->begun_ms > 0 && over) sb_wipe(s, sizeof *s);
    if (s->begun_ms > 0 && sb_crypto_equal(hash, s->token, sizeof hash)) found = s;
  }
  if (found) found->used_ms = now;
  return found;
}

void sb_http_session_begin(sb_http_sessions *sessions, const uint8_t stamp[SB_DIGEST_SIZE],
                           char token[SB_HTTP_TOKEN_SIZE], char csrf[SB_HTTP_TOKEN_SIZE]) {
  session made = {.begun_ms = sb_monotonic_ms()};
  made.used_ms = made.begun_ms;
  make_token(token);
  make_token(csrf);
  sb_crypto_api_key_hash(token, made.token);
  memcpy(made.stamp, stamp, SB_DIGEST_SIZE);
  memcpy(made.csrf, csrf, SB_HTTP_TOKEN_SIZE);
  pthread_mutex_lock(&sessions->lock);
  session *place = &sessions->sessions[0];
  for (size_t i = 1; i < SESSIONS_MAX; i++)
    if (sessions->sessions[i].used_ms < place->used_ms) place = &sessions->sessions[i];
  *place = made;
  pthread_mutex_unlock(&sessions->lock);
}

bool sb_http_session_find(sb_http_sessions *sessions, const char *token, const char *csrf, bool need_csrf,
                          bool *known) {
  uint8_t stamp[SB_DIGEST_SIZE];
  *known = false;
  if (!read_stamp(sessions, stamp)) return false;
  pthread_mutex_lock(&sessions->lock);
  const session *s = find(sessions, token, stamp);
  *known = s;
  bool csrf_right =
      s && csrf && strlen(csrf) == SB_HTTP_TOKEN_SIZE - 1 && sb_crypto_equal(csrf, s->csrf, SB_HTTP_TOKEN_SIZE - 1);
  pthread_mutex_unlock(&sessions->lock);
  return *known && (csrf_right || !need_csrf);
}

bool sb_http_session_csrf(sb_http_sessions *sessions, const char *token, char csrf[SB_HTTP_TOKEN_SIZE]) {
  uint8_t stamp[SB_DIGEST_SIZE];
  if (!read_stamp(sessions, stamp)) return false;
  pthread_mutex_lock(&sessions->lock);
  const session *s = find(sessions, token, stamp);
  if (s) memcpy(csrf, s->csrf, SB_HTTP_TOKEN_SIZE);
  pthread_mutex_unlock(&sessions->lock);
  return s;
}

void sb_http_session_end(sb_http_sessions *sessions, const char *token) {
  uint8_t stamp[SB_DIGEST_SIZE];
  if (!read_stamp(sessions, stamp)) return;
  pthread_mutex_lock(&sessions->lock);
  session *s = find(sessions, token, stamp);
  if (s) sb_wipe(s, sizeof *s);
  pthread_mutex_unlock(&sessions->lock);
}
