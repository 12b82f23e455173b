/* L1: webhooks. Sends signed requests over HTTP, and messages over MQTT, by a process of its own, which has no keys
 * (protocol.h). */
#ifndef SB_WEBHOOK_H
#define SB_WEBHOOK_H

#include "base/base.h"
#include "webhook/protocol.h"

/* Is the sender installed? It is made where libcurl was found. */
bool sb_webhook_available(void);

/* A running sender. One thread at a time. */
typedef struct sb_webhook_sender sb_webhook_sender;
/* Starts it: before this process enters its own sandbox, which forbids starting programs. `sandbox`: confine it.
 * SB_NOT_FOUND: it is not installed. */
sb_status sb_webhook_start(bool sandbox, sb_webhook_sender **out, sb_error *error);
void sb_webhook_stop(sb_webhook_sender *sender); /* NULL is accepted */

typedef struct sb_webhook_request {
  uint64_t number;
  bool allow_private;               /* of the target's address */
  sb_webhook_connection connection; /* of MQTT */
  const char *url, *id;             /* protocol.h says what the id is */
  const char *signature, *password; /* NULL: none */
  int64_t timestamp;                /* Unix time in seconds */
  const char *body;
  size_t body_size;
} sb_webhook_request;
/* Hands a request over. SB_INVALID: a part of it is too long; SB_BUSY: the sender takes no more at present; SB_IO: it
 * has ended. */
sb_status sb_webhook_send(sb_webhook_sender *sender, const sb_webhook_request *request, sb_error *error);
/* Waits `ms` at most for an answer; *got: there was one. Its error is printable ASCII. */
sb_status sb_webhook_take(sb_webhook_sender *sender, int ms, sb_webhook_answer *out, bool *got, sb_error *error);

#endif
