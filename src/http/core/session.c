/* Two small tables under one lock: sessions, by the hash of their token, and addresses that failed to log in. */
#include "http/core/session.h"

#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

enum { SESSIONS_MAX = 64, ADDRESSES_MAX = 256, FREE_TRIES = 3, WAIT_MAX = 900 };
#define LIFE_MS (12 * 3600e3)
#define IDLE_MS (30 * 60e3)
#define FORGIVE_MS 3600e3

typedef struct session {
  uint8_t token[SB_DIGEST_SIZE]; /* the hash of the token */
  char csrf[SB_HTTP_TOKEN_SIZE];
  double begun_ms, used_ms; /* begun 0: free */
} session;

typedef struct address {
  uint8_t bytes[16];
  unsigned failures; /* 0: free */
  double last_ms;
} address;

struct sb_http_sessions {
  pthread_mutex_t lock;
  session sessions[SESSIONS_MAX];
  address addresses[ADDRESSES_MAX];
};

sb_status sb_http_sessions_new(sb_http_sessions **out, sb_error *error) {
  sb_http_sessions *sessions = sb_alloc(1, sizeof *sessions, error);
  if (!sessions) return SB_NO_MEMORY;
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

/* NULL: there is none, or it has ended. Compares hashes, so the time that it takes reveals nothing about a token. The
 * caller holds the lock. */
static session *find(sb_http_sessions *sessions, const char *token) {
  uint8_t hash[SB_DIGEST_SIZE];
  double now = sb_monotonic_ms();
  session *found = NULL;
  sb_crypto_api_key_hash(token, hash);
  for (size_t i = 0; i < SESSIONS_MAX; i++) {
    session *s = &sessions->sessions[i];
    if (s->begun_ms > 0 && (now - s->begun_ms > LIFE_MS || now - s->used_ms > IDLE_MS)) sb_wipe(s, sizeof *s);
    if (s->begun_ms > 0 && sb_crypto_equal(hash, s->token, sizeof hash)) found = s;
  }
  if (found) found->used_ms = now;
  return found;
}

void sb_http_session_begin(sb_http_sessions *sessions, char token[SB_HTTP_TOKEN_SIZE], char csrf[SB_HTTP_TOKEN_SIZE]) {
  session made = {.begun_ms = sb_monotonic_ms()};
  made.used_ms = made.begun_ms;
  make_token(token);
  make_token(csrf);
  sb_crypto_api_key_hash(token, made.token);
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
  pthread_mutex_lock(&sessions->lock);
  const session *s = find(sessions, token);
  *known = s;
  bool csrf_right =
      s && csrf && strlen(csrf) == SB_HTTP_TOKEN_SIZE - 1 && sb_crypto_equal(csrf, s->csrf, SB_HTTP_TOKEN_SIZE - 1);
  pthread_mutex_unlock(&sessions->lock);
  return *known && (csrf_right || !need_csrf);
}

bool sb_http_session_csrf(sb_http_sessions *sessions, const char *token, char csrf[SB_HTTP_TOKEN_SIZE]) {
  pthread_mutex_lock(&sessions->lock);
  const session *s = find(sessions, token);
  if (s) memcpy(csrf, s->csrf, SB_HTTP_TOKEN_SIZE);
  pthread_mutex_unlock(&sessions->lock);
  return s;
}

void sb_http_session_end(sb_http_sessions *sessions, const char *token) {
  pthread_mutex_lock(&sessions->lock);
  session *s = find(sessions, token);
  if (s) sb_wipe(s, sizeof *s);
  pthread_mutex_unlock(&sessions->lock);
}

/* ---- Throttling of logins */

static address *address_of(sb_http_sessions *sessions, const uint8_t bytes[16]) {
  for (size_t i = 0; i < ADDRESSES_MAX; i++) {
    address *a = &sessions->addresses[i];
    if (a->failures && !memcmp(a->bytes, bytes, 16)) {
      if (sb_monotonic_ms() - a->last_ms <= FORGIVE_MS) return a;
      *a = (address){.failures = 0};
    }
  }
  return NULL;
}

unsigned sb_http_login_wait(sb_http_sessions *sessions, const uint8_t bytes[16]) {
  unsigned seconds = 0;
  pthread_mutex_lock(&sessions->lock);
  const address *a = address_of(sessions, bytes);
  if (a && a->failures > FREE_TRIES) {
    unsigned doublings = a->failures - FREE_TRIES;
    double wait = doublings > 10 || 1u << doublings > WAIT_MAX ? WAIT_MAX : 1u << doublings;
    double left = wait - (sb_monotonic_ms() - a->last_ms) / 1e3;
    if (left > 0) seconds = (unsigned)left + 1;
  }
  pthread_mutex_unlock(&sessions->lock);
  return seconds;
}

/* A free row, else that of the address whose last failure is the oldest. */
static address *row_for(sb_http_sessions *sessions, const uint8_t bytes[16]) {
  address *place = &sessions->addresses[0];
  for (size_t i = 1; i < ADDRESSES_MAX && place->failures; i++)
    if (!sessions->addresses[i].failures || sessions->addresses[i].last_ms < place->last_ms)
      place = &sessions->addresses[i];
  *place = (address){.failures = 0};
  memcpy(place->bytes, bytes, 16);
  return place;
}

void sb_http_login_tried(sb_http_sessions *sessions, const uint8_t bytes[16], bool right) {
  pthread_mutex_lock(&sessions->lock);
  address *a = address_of(sessions, bytes);
  if (right && a) *a = (address){.failures = 0};
  if (!right) {
    if (!a) a = row_for(sessions, bytes);
    a->failures++;
    a->last_ms = sb_monotonic_ms();
  }
  pthread_mutex_unlock(&sessions->lock);
}
