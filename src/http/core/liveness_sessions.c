/* A token is "ID.EXPIRY.DIGEST": the session, a Unix time in seconds, and a keyed digest of both under a key of this
 * process. */
#include "http/core/liveness_sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct liveness_session {
  char id[SB_HTTP_LIVENESS_ID + 1]; /* "": the place is free */
  sb_http_principal caller;
  char collection[SB_COLLECTION_MAX + 1], model[64];
  double made_ms, passed_ms; /* monotonic */
  int64_t expires_ms;        /* Unix time */
  bool busy;                 /* a frame is being looked at, or the token is taken */
  bool over;                 /* was ended, or its token used; it is forgotten when it is not busy */
  sb_challenge challenge;
} liveness_session;

struct sb_http_liveness {
  sb_engine *engine;
  uint8_t key[SB_KEY_SIZE]; /* of tokens */
  pthread_mutex_t lock;     /* guards the sessions; the challenge of a busy one belongs to who made it busy */
  liveness_session sessions[SB_HTTP_LIVENESS_SESSIONS_MAX];
};

sb_status sb_http_liveness_new(sb_engine *engine, sb_http_liveness **out, sb_error *error) {
  sb_http_liveness *liveness = sb_alloc(1, sizeof *liveness, error);
  if (!liveness) return SB_NO_MEMORY;
  liveness->engine = engine;
  sb_crypto_random(liveness->key, sizeof liveness->key);
  pthread_mutex_init(&liveness->lock, NULL);
  *out = liveness;
  return SB_OK;
}

void sb_http_liveness_free(sb_http_liveness *liveness) {
  if (!liveness) return;
  pthread_mutex_destroy(&liveness->lock);
  sb_wipe(liveness, sizeof *liveness);
  free(liveness);
}

/* ---- The table. All of this under the lock. */

static bool is_over(const liveness_session *s, double now_ms) {
  if (s->over) return true;
  bool passed = s->passed_ms > 0;
  double life = 1000.0 * (passed ? SB_HTTP_LIVENESS_TOKEN_SECONDS : SB_HTTP_LIVENESS_SECONDS);
  return now_ms - (passed ? s->passed_ms : s->made_ms) > life;
}

static void forget_old(sb_http_liveness *liveness, double now_ms) {
  for (size_t i = 0; i < SB_HTTP_LIVENESS_SESSIONS_MAX; i++) {
    liveness_session *s = &liveness->sessions[i];
    if (*s->id && !s->busy && is_over(s, now_ms)) sb_wipe(s, sizeof *s);
  }
}

static bool is_of(const liveness_session *s, const sb_http_principal *caller) {
  return !strcmp(s->caller.actor, caller->actor) && !strcmp(s->caller.prefix, caller->prefix) &&
         !strcmp(s->caller.token, caller->token);
}

static liveness_session *find(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id) {
  liveness_session *found = NULL;
  if (strlen(id) != SB_HTTP_LIVENESS_ID) return NULL;
  forget_old(liveness, sb_monotonic_ms());
  for (size_t i = 0; i < SB_HTTP_LIVENESS_SESSIONS_MAX; i++) {
    liveness_session *s = &liveness->sessions[i];
    if (*s->id && sb_crypto_equal(s->id, id, SB_HTTP_LIVENESS_ID) && is_of(s, caller) && !s->over) found = s;
  }
  return found;
}

static sb_status not_found(sb_error *error) {
  return sb_fail(error, SB_NOT_FOUND, "there is no such liveness session, or it has ended: begin another one");
}

/* A free place. A caller who begins one after another loses the oldest, so an abandoned page does not lock out. */
static liveness_session *take_place(sb_http_liveness *liveness, const sb_http_principal *caller) {
  liveness_session *free_place = NULL, *oldest = NULL;
  size_t own = 0;
  forget_old(liveness, sb_monotonic_ms());
  for (size_t i = 0; i < SB_HTTP_LIVENESS_SESSIONS_MAX; i++) {
    liveness_session *s = &liveness->sessions[i];
    if (!*s->id) free_place = s;
    if (!*s->id || !is_of(s, caller)) continue;
    own++;
    if (!s->busy && (!oldest || s->made_ms < oldest->made_ms)) oldest = s;
  }
  if (own < SB_HTTP_LIVENESS_CALLER_MAX && free_place) return free_place;
  if (own < SB_HTTP_LIVENESS_CALLER_MAX || !oldest) return NULL;
  sb_wipe(oldest, sizeof *oldest);
  return oldest;
}

/* ---- Tokens */

static void sign(const sb_http_liveness *liveness, const char *signed_text, char out[2 * SB_DIGEST_SIZE + 1]) {
  uint8_t digest[SB_DIGEST_SIZE];
  sb_crypto_keyed_digest(liveness->key, signed_text, strlen(signed_text), digest);
  sb_hex(digest, sizeof digest, out);
}

static void make_token(const sb_http_liveness *liveness, const liveness_session *s, char out[SB_HTTP_LIVENESS_TOKEN]) {
  char text[SB_HTTP_LIVENESS_ID + 24], digest[2 * SB_DIGEST_SIZE + 1];
  snprintf(text, sizeof text, "%s.%" PRId64, s->id, s->expires_ms / 1000);
  sign(liveness, text, digest);
  snprintf(out, SB_HTTP_LIVENESS_TOKEN, "%s.%s", text, digest);
}

static bool is_genuine(const sb_http_liveness *liveness, const char *token) {
  char text[SB_HTTP_LIVENESS_TOKEN], digest[2 * SB_DIGEST_SIZE + 1];
  const char *dot = strrchr(token, '.');
  if (!dot || strlen(token) >= sizeof text || strlen(dot + 1) != 2 * SB_DIGEST_SIZE) return false;
  snprintf(text, sizeof text, "%.*s", (int)(dot - token), token);
  sign(liveness, text, digest);
  return sb_crypto_equal(digest, dot + 1, 2 * SB_DIGEST_SIZE);
}

/* ---- What callers do */

static void view(const sb_http_liveness *liveness, const liveness_session *s, sb_http_liveness_view *out) {
  const sb_challenge *c = &s->challenge;
  *out = (sb_http_liveness_view){.state = c->state,
                                 .reason = c->reason,
                                 .hint = c->hint,
                                 .instruction = c->instruction,
                                 .done = c->done,
                                 .frames = c->frames,
                                 .expires_ms = s->expires_ms};
  snprintf(out->id, sizeof out->id, "%s", s->id);
  if (c->state != SB_CHALLENGE_PASSED) return;
  out->took_ms = c->ended_ms - c->began_ms;
  make_token(liveness, s, out->token);
}

sb_status sb_http_liveness_add(sb_http_liveness *liveness, const sb_http_principal *caller, const char *collection,
                               const char *model, sb_http_liveness_view *out, sb_error *error) {
  uint8_t random[SB_HTTP_LIVENESS_ID / 2];
  sb_challenge *drawn = sb_alloc(1, sizeof *drawn, error);
  if (!drawn) return SB_NO_MEMORY;
  sb_status status = sb_engine_challenge_begin(liveness->engine, model, drawn, error);
  if (status != SB_OK) goto done;
  sb_crypto_random(random, sizeof random);
  pthread_mutex_lock(&liveness->lock);
  liveness_session *s = take_place(liveness, caller);
  if (s) {
    sb_hex(random, sizeof random, s->id);
    s->caller = *caller;
    snprintf(s->collection, sizeof s->collection, "%s", collection);
    snprintf(s->model, sizeof s->model, "%s", model);
    s->made_ms = sb_monotonic_ms();
    s->expires_ms = sb_now_ms() + 1000 * (int64_t)SB_HTTP_LIVENESS_SECONDS;
    s->challenge = *drawn;
    view(liveness, s, out);
  }
  pthread_mutex_unlock(&liveness->lock);
  if (!s) status = sb_fail(error, SB_BUSY, "too many liveness sessions are running: try again in a minute");
done:
  sb_wipe(drawn, sizeof *drawn);
  free(drawn);
  return status;
}

static sb_status claim(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                       liveness_session **out, sb_error *error) {
  sb_status status = SB_OK;
  pthread_mutex_lock(&liveness->lock);
  liveness_session *s = find(liveness, caller, id);
  if (!s)
    status = not_found(error);
  else if (s->busy)
    status = sb_fail(error, SB_BUSY, "the frame before is being looked at: send one frame at a time");
  else
    s->busy = true;
  pthread_mutex_unlock(&liveness->lock);
  *out = s;
  return status;
}

/* Enters a session that has just passed or failed in the audit; the caller made it busy. */
static sb_status record_result(sb_http_liveness *liveness, liveness_session *s, sb_error *error) {
  const sb_challenge *c = &s->challenge;
  char verb[SB_VERB_MAX + 1] = "liveness-passed";
  if (c->state == SB_CHALLENGE_FAILED)
    snprintf(verb, sizeof verb, "liveness-failed %s", sb_challenge_reason_code(c->reason));
  sb_status status = sb_engine_audit_note(liveness->engine, verb, s->collection, 0, (int64_t)c->frames, error);
  if (status == SB_OK) return SB_OK;
  pthread_mutex_lock(&liveness->lock);
  s->over = true;
  pthread_mutex_unlock(&liveness->lock);
  return status;
}

sb_status sb_http_liveness_feed(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                                sb_photo photo, double at_ms, sb_http_liveness_view *out, sb_error *error) {
  liveness_session *s = NULL;
  sb_status status = claim(liveness, caller, id, &s, error);
  if (status != SB_OK) return status;
  bool running = s->challenge.state == SB_CHALLENGE_RUNNING;
  if (running) status = sb_engine_challenge_feed(liveness->engine, s->model, photo, at_ms, &s->challenge, error);
  if (running && s->challenge.state != SB_CHALLENGE_RUNNING) {
    sb_status recorded = record_result(liveness, s, status == SB_OK ? error : NULL);
    if (status == SB_OK) status = recorded;
  }
  pthread_mutex_lock(&liveness->lock);
  if (running && s->challenge.state == SB_CHALLENGE_PASSED) {
    s->passed_ms = sb_monotonic_ms();
    s->expires_ms = sb_now_ms() + 1000 * (int64_t)SB_HTTP_LIVENESS_TOKEN_SECONDS;
  }
  s->busy = false;
  view(liveness, s, out);
  pthread_mutex_unlock(&liveness->lock);
  return status;
}

sb_status sb_http_liveness_get(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                               sb_http_liveness_view *out, sb_error *error) {
  liveness_session *s = NULL;
  sb_status status = claim(liveness, caller, id, &s, error);
  if (status != SB_OK) return status;
  bool running = s->challenge.state == SB_CHALLENGE_RUNNING;
  sb_challenge_check_time(&s->challenge, sb_monotonic_ms());
  if (running && s->challenge.state != SB_CHALLENGE_RUNNING) status = record_result(liveness, s, error);
  pthread_mutex_lock(&liveness->lock);
  s->busy = false;
  view(liveness, s, out);
  pthread_mutex_unlock(&liveness->lock);
  return status;
}

sb_status sb_http_liveness_end(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                               sb_error *error) {
  pthread_mutex_lock(&liveness->lock);
  liveness_session *s = find(liveness, caller, id);
  if (s) s->over = true;
  pthread_mutex_unlock(&liveness->lock);
  return s ? SB_OK : not_found(error);
}

/* ---- Proofs */

static sb_status copy_proof(const liveness_session *s, sb_http_live_proof *out, sb_error *error) {
  const sb_challenge *c = &s->challenge;
  *out = (sb_http_live_proof){.embedding = sb_alloc(c->dim, sizeof *out->embedding, error)};
  if (!out->embedding) return SB_NO_MEMORY;
  memcpy(out->embedding, c->anchor, c->dim * sizeof *out->embedding);
  memcpy(out->id, s->id, sizeof out->id);
  memcpy(out->model, s->model, sizeof out->model);
  out->person = (sb_live_person){out->embedding, c->dim, out->model};
  return SB_OK;
}

sb_status sb_http_liveness_take(sb_http_liveness *liveness, const sb_http_principal *caller, const char *token,
                                sb_http_live_proof *out, sb_error *error) {
  char id[SB_HTTP_LIVENESS_ID + 1];
  liveness_session *s = NULL;
  sb_status status = SB_NOT_LIVE;
  snprintf(id, sizeof id, "%s", token);
  pthread_mutex_lock(&liveness->lock);
  if (is_genuine(liveness, token)) s = find(liveness, caller, id);
  if (s && !s->busy && s->challenge.state == SB_CHALLENGE_PASSED) {
    status = copy_proof(s, out, error);
    s->busy = status == SB_OK;
  }
  pthread_mutex_unlock(&liveness->lock);
  if (status != SB_NOT_LIVE) return status;
  return sb_fail(error, SB_NOT_LIVE,
                 "liveness: the token is not valid, has expired or was used: pass another challenge (POST "
                 "/v1/liveness/sessions)");
}

void sb_http_liveness_settle(sb_http_liveness *liveness, sb_http_live_proof *proof, bool used) {
  pthread_mutex_lock(&liveness->lock);
  for (size_t i = 0; i < SB_HTTP_LIVENESS_SESSIONS_MAX; i++) {
    liveness_session *s = &liveness->sessions[i];
    if (strcmp(s->id, proof->id) != 0) continue;
    s->busy = false;
    s->over = s->over || used;
  }
  pthread_mutex_unlock(&liveness->lock);
  sb_wipe(proof->embedding, proof->person.dim * sizeof *proof->embedding);
  free(proof->embedding);
  *proof = (sb_http_live_proof){.embedding = NULL};
}
