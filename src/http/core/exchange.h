/* One request on its way through the server: the request that handlers see, and what receiving and answering it need.
 * Private to core/. */
#ifndef SB_HTTP_CORE_EXCHANGE_H
#define SB_HTTP_CORE_EXCHANGE_H

#include "http/core/daemon.h"
#include "http/core/gzip.h"
#include "http/core/multipart.h"
#include "http/core/request.h"

typedef enum sb_http_body_kind {
  SB_HTTP_BODY_NONE,
  SB_HTTP_BODY_FORM,
  SB_HTTP_BODY_JSON,
  SB_HTTP_BODY_PHOTO,
  SB_HTTP_BODY_OTHER
} sb_http_body_kind;

/* LINE: only the request line is known. BODY: the body arrives. WORK: a worker has it, and the connection is suspended.
 * REPLY: the reply is made and waits for the socket's thread. REPLIED: the library sends it. */
typedef enum sb_http_phase {
  SB_HTTP_PHASE_LINE,
  SB_HTTP_PHASE_BODY,
  SB_HTTP_PHASE_WORK,
  SB_HTTP_PHASE_REPLY,
  SB_HTTP_PHASE_REPLIED
} sb_http_phase;

typedef struct sb_http_exchange {
  sb_http_request request; /* first: sb_http_exchange_of goes back from it */
  sb_http_daemon *daemon;
  char *query;                                   /* owns the texts of request.parameters */
  char *authority;                               /* the host of a target in absolute form; NULL: none */
  const char *cors;                              /* the allowed origin of another site that asks (--cors); NULL: none */
  struct sb_http_idempotency_entry *idempotency; /* of its Idempotency-Key, in work; NULL: none */
  sb_http_phase phase;
  bool begun;                                  /* counted in context->load.begun */
  double started_ms, complete_ms, answered_ms; /* first line; whole body; reply made, 0: not yet */
  sb_stage_times stages;
  sb_http_body_kind body;
  size_t received, announced; /* bytes as they were sent; announced 0: the client did not say */
  size_t plain;               /* bytes of a compressed body that were decompressed */
  size_t held;                /* bytes of the body in memory, decompressed; counted in context->load.body_bytes */
  sb_http_multipart *form;    /* NULL: the body is no form */
  sb_http_gunzip *gunzip;     /* NULL: the body is not compressed */
} sb_http_exchange;

static inline sb_http_exchange *sb_http_exchange_of(const sb_http_request *request) {
  /* Every request is the first member of an exchange that is not const. */
  union {
    const sb_http_request *request;
    sb_http_exchange *exchange;
  } from = {.request = request};
  return from.exchange;
}

/* From the request's target ("/v1/people?limit=5"); NULL when out of memory. */
sb_http_exchange *sb_http_exchange_new(sb_http_daemon *daemon, const char *target);
void sb_http_exchange_free(sb_http_exchange *exchange);
/* Splits and decodes the query. False: it is wrong, and the request has its reply. */
bool sb_http_exchange_query(sb_http_exchange *exchange);
/* The request has arrived completely: from now on a server that stops finishes it. Idempotent. */
void sb_http_exchange_begun(sb_http_exchange *exchange);

#endif
