/* What the sender of webhooks and its parent tell each other.
 *
 * The sender (semblance-send, sender_main.c) is a program of its own: it starts without the parent's memory and
 * environment, so it never has a key of the gallery, nor the secret of a webhook: the parent signs. The password of an
 * MQTT broker it has to have, because MQTT sends it. It inherits one file, SB_WEBHOOK_SOCKET, a SOCK_SEQPACKET socket:
 * one request a packet to the sender, one answer a packet back, in any order. A request without an answer is lost, as
 * after a crash of the sender, and sent again by the parent. */
#ifndef SB_WEBHOOK_PROTOCOL_H
#define SB_WEBHOOK_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

enum { SB_WEBHOOK_SOCKET = 3, SB_WEBHOOK_FILES = 4 /* the first number that is not inherited */ };

enum {
  SB_WEBHOOK_URL_SIZE = 1024,
  SB_WEBHOOK_ID_SIZE = 64,
  SB_WEBHOOK_SIGNATURE_SIZE = 64, /* "v1," and the base64 of 32 bytes */
  SB_WEBHOOK_PASSWORD_SIZE = 256,
  SB_WEBHOOK_CA_MAX = 12288, /* bytes of certificates (PEM) that a broker is checked with */
  SB_WEBHOOK_BODY_MAX = 65536,
  SB_WEBHOOK_ERROR_SIZE = 160
};

/* How long the connection to a broker lasts. */
typedef enum sb_webhook_connection {
  SB_WEBHOOK_ONCE, /* for this request */
  SB_WEBHOOK_KEEP, /* until SB_WEBHOOK_LAST, with `PREFIX/status` as the retained will */
  SB_WEBHOOK_LAST  /* for this request, and what was kept ends */
} sb_webhook_connection;

/* A request of HTTP has a body and its signature. One of MQTT has a password and, in `id`, the name of the connection;
 * its body is a sequence of texts, each with its NUL: certificates that the broker is checked with ("": the system's),
 * then, for each message, "r" (retained) or "-", topic and payload. */
typedef struct sb_webhook_packet {
  uint64_t number; /* of the request; its answer has the same */
  int64_t timestamp;
  uint32_t allow_private, connection, body_size;
  char url[SB_WEBHOOK_URL_SIZE], id[SB_WEBHOOK_ID_SIZE], signature[SB_WEBHOOK_SIGNATURE_SIZE]; /* each with a NUL */
  char password[SB_WEBHOOK_PASSWORD_SIZE];
  char body[SB_WEBHOOK_BODY_MAX];
} sb_webhook_packet;
/* Of a packet with a body of so many bytes. */
#define SB_WEBHOOK_PACKET_SIZE(body_size) (offsetof(sb_webhook_packet, body) + (body_size))

typedef struct sb_webhook_answer {
  uint64_t number;
  /* Of HTTP, or of MQTT: 200 where the broker acknowledged every message, else the reason code (128 and up) with which
   * it refused one. 0: there was no answer. */
  int32_t status;
  char error[SB_WEBHOOK_ERROR_SIZE]; /* why there was none, or why the broker refused; else "" */
} sb_webhook_answer;

#endif
