/* The parts of semblance-send: sender_main.c has the process and HTTP, sender_mqtt.c MQTT,
 * sender_answer.c the way back. */
#ifndef SB_WEBHOOK_SENDER_H
#define SB_WEBHOOK_SENDER_H

#include "webhook/protocol.h"

#define SB_WEBHOOK_FORBIDDEN_ADDRESS \
  "its address is of this machine or of a private network, which was not allowed for this receiver"

/* Answers a request; any thread. The process ends where the parent is gone. */
void sb_webhook_answer_request(uint64_t number, int status, const char *error);

#ifdef SB_WEBHOOK_MQTT
/* Before the sandbox: what the libraries load. */
void sb_webhook_mqtt_init(void);
#endif
/* Publishes the messages of a packet whose URL is that of a broker; answers later. One thread. */
void sb_webhook_mqtt_take(const sb_webhook_packet *packet);

#endif
