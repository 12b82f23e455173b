/* The challenges of active liveness that are in progress or were passed a moment ago: a small table in memory. A
 * restart ends them. */
#ifndef SB_HTTP_CORE_LIVENESS_SESSIONS_H
#define SB_HTTP_CORE_LIVENESS_SESSIONS_H

#include "http/core/auth.h"

enum {
  SB_HTTP_LIVENESS_SESSIONS_MAX = 64,   /* of all callers */
  SB_HTTP_LIVENESS_CALLER_MAX = 16,     /* of one caller, running; a new one ends the oldest of them */
  SB_HTTP_LIVENESS_SECONDS = 60,        /* to pass, from the creation */
  SB_HTTP_LIVENESS_TOKEN_SECONDS = 120, /* to use the token of a passed one */
  SB_HTTP_LIVENESS_ID = 32,             /* hexadecimal digits */
  SB_HTTP_LIVENESS_TOKEN = 160          /* bytes at most, with the NUL */
};

/* Locked. */
typedef struct sb_http_liveness sb_http_liveness;
sb_status sb_http_liveness_new(sb_engine *engine, sb_http_liveness **out, sb_error *error);
void sb_http_liveness_free(sb_http_liveness *liveness); /* NULL is accepted */

/* What a caller is told. */
typedef struct sb_http_liveness_view {
  char id[SB_HTTP_LIVENESS_ID + 1];
  sb_challenge_state state;
  sb_challenge_reason reason;
  sb_challenge_hint hint;
  sb_challenge_move instruction;
  size_t done, frames;
  double took_ms;                     /* of one that was passed */
  int64_t expires_ms;                 /* Unix time: of the session, or of the token */
  char token[SB_HTTP_LIVENESS_TOKEN]; /* of one that was passed and not used; "": none */
} sb_http_liveness_view;

/* A session belongs to the caller who made it (key, session of the page, or local user), and does not exist for others:
 * SB_NOT_FOUND. `collection` is the one that the audit names, `model` embeds the faces. SB_BUSY: too many. */
sb_status sb_http_liveness_add(sb_http_liveness *liveness, const sb_http_principal *caller, const char *collection,
                               const char *model, sb_http_liveness_view *out, sb_error *error);
/* Both record it in the audit when they find that the session has passed or failed; where that is not possible, the
 * session ends with the error. */
/* Feeds a frame that arrived at `at_ms` (sb_monotonic_ms). SB_BUSY: a frame of this session is being looked at; the
 * errors of a photo leave the session as it is. */
sb_status sb_http_liveness_feed(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                                sb_photo photo, double at_ms, sb_http_liveness_view *out, sb_error *error);
sb_status sb_http_liveness_get(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                               sb_http_liveness_view *out, sb_error *error);
sb_status sb_http_liveness_end(sb_http_liveness *liveness, const sb_http_principal *caller, const char *id,
                               sb_error *error);

/* The person whom a token is the proof of. */
typedef struct sb_http_live_proof {
  sb_live_person person; /* points into the other members */
  char id[SB_HTTP_LIVENESS_ID + 1], model[64];
  float *embedding;
} sb_http_live_proof;
/* Takes the token of a passed session, which nobody else can take until it is given back. SB_NOT_LIVE: it is not valid,
 * has expired, is another caller's, or was used. Then sb_http_liveness_settle. */
sb_status sb_http_liveness_take(sb_http_liveness *liveness, const sb_http_principal *caller, const char *token,
                                sb_http_live_proof *out, sb_error *error);
/* `used`: the token is spent; else the request failed, and it can be taken again. Releases the proof. */
void sb_http_liveness_settle(sb_http_liveness *liveness, sb_http_live_proof *proof, bool used);

#endif
