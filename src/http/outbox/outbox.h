/* The outbox: delivers events to their receivers, each at least once and in order. */
#ifndef SB_HTTP_OUTBOX_H
#define SB_HTTP_OUTBOX_H

#include "engine/receivers.h"
#include "webhook/webhook.h"

/* A thread that delivers. */
typedef struct sb_http_outbox sb_http_outbox;
/* `sender`: borrowed; NULL: none is installed, and nothing is delivered. `retry_ms`: the pause before the second try;
 * it doubles with each try. */
sb_status sb_http_outbox_start(sb_engine *engine, sb_webhook_sender *sender, int64_t retry_ms, sb_http_outbox **out,
                               sb_error *error);
void sb_http_outbox_stop(sb_http_outbox *outbox); /* NULL is accepted */

/* What a receiver answered to a test: the status of HTTP or, with 0, why there was none. */
typedef struct sb_http_outbox_result {
  int status;
  char error[sizeof((sb_error *)0)->message];
} sb_http_outbox_result;
/* Sends a test to a receiver and waits for the answer. SB_NOT_FOUND; SB_BUSY: another test is running; SB_INVALID: no
 * sender is installed. */
sb_status sb_http_outbox_test(sb_http_outbox *outbox, int64_t receiver, sb_http_outbox_result *out, sb_error *error);

#endif
