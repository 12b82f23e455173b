/* The messages of webhooks, after the Standard Webhooks convention (standardwebhooks.com); those of MQTT are made in
 * mqtt.h, and sent here. */
#ifndef SB_HTTP_OUTBOX_MESSAGE_H
#define SB_HTTP_OUTBOX_MESSAGE_H

#include "engine/receivers.h"
#include "webhook/webhook.h"

#include <jansson.h>

/* A message and its signature. The same event makes the same id for a receiver at every try. For MQTT, `id` names the
 * connection, and the message's own id is in the body. */
typedef struct sb_http_webhook_message {
  char id[SB_WEBHOOK_ID_SIZE], signature[SB_WEBHOOK_SIGNATURE_SIZE];
  sb_webhook_connection connection; /* of MQTT */
  int64_t timestamp;                /* of this try, Unix time in seconds */
  char *body;                       /* released by free() */
  size_t body_size;
} sb_http_webhook_message;

/* `event` NULL: a test. */
sb_status sb_http_webhook_message_make(const sb_store_receiver *receiver, const sb_event *event,
                                       sb_http_webhook_message *out, sb_error *error);
/* Takes over the body of a packet of MQTT that is not about an event. */
sb_http_webhook_message sb_http_mqtt_message(const sb_store_receiver *receiver, sb_buffer *body,
                                             sb_webhook_connection connection);
/* Hands the message to the sender as request `number`. */
sb_status sb_http_webhook_message_send(sb_webhook_sender *sender, const sb_store_receiver *receiver,
                                       const sb_http_webhook_message *message, uint64_t number, sb_error *error);

/* A secret as receivers' libraries take it: "whsec_" and base64. NULL: out of memory; else wiped and released by the
 * caller. */
char *sb_http_webhook_secret_write(const uint8_t *secret, size_t size);
/* SB_INVALID: not such a text, or of a wrong length. */
sb_status sb_http_webhook_secret_read(const char *text, sb_store_receiver *out, sb_error *error);

/* A receiver without its secret, and an event that was given up. */
json_t *sb_http_receiver_json(const sb_store_receiver *receiver);
json_t *sb_http_dead_letter_json(const sb_store_dead_letter *dead);

#endif
