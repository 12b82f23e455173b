/* The address of an MQTT broker: mqtt://[USER@]HOST[:PORT][/PREFIX], or mqtts:// with TLS. */
#ifndef SB_WEBHOOK_BROKER_H
#define SB_WEBHOOK_BROKER_H

#include "base/base.h"

typedef struct sb_webhook_broker {
  bool tls;
  char user[128], host[256]; /* user "": none; an IPv6 address without its brackets */
  char prefix[128];          /* of all topics; "semblance" where the address has none */
  uint16_t port;             /* 1883 or, with TLS, 8883 where the address has none */
} sb_webhook_broker;

/* Does the URL begin like one? */
bool sb_webhook_is_mqtt(const char *url);
/* SB_INVALID names the part that is wrong. */
sb_status sb_webhook_broker_read(const char *url, sb_webhook_broker *out, sb_error *error);

#endif
