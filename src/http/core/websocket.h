/* WebSocket (RFC 6455), the server's side: the handshake, reading frames, and the header of a frame that is sent. */
#ifndef SB_HTTP_CORE_WEBSOCKET_H
#define SB_HTTP_CORE_WEBSOCKET_H

#include "base/base.h"

enum { SB_HTTP_WEBSOCKET_ACCEPT = 29 };
/* Sec-WebSocket-Accept for a client's Sec-WebSocket-Key. False: the key is not 16 bytes of base64. */
bool sb_http_websocket_accept(const char *key, char accept[SB_HTTP_WEBSOCKET_ACCEPT]);

typedef enum sb_http_message_kind {
  SB_HTTP_MESSAGE_NONE,
  SB_HTTP_MESSAGE_TEXT,
  SB_HTTP_MESSAGE_BINARY,
  SB_HTTP_MESSAGE_PING,
  SB_HTTP_MESSAGE_CLOSE
} sb_http_message_kind;

/* Reads a client's frames as their bytes arrive. One thread. Zero-initialise with `limit`. */
typedef struct sb_http_websocket {
  size_t limit; /* most bytes of a message */
  uint8_t head[14];
  size_t head_size;
  uint64_t left; /* bytes of the frame's payload that are still to come */
  uint64_t at;   /* position in the payload, for the mask */
  int opcode;    /* of the frame */
  bool last;     /* the frame ends its message */
  bool in_frame, in_message;
  sb_http_message_kind kind; /* of the message that is being collected */
  sb_buffer message;         /* what sb_http_websocket_feed found, valid until its next call */
  sb_buffer control;         /* the same of a ping or close */
} sb_http_websocket;

/* Reads from `bytes` on; *used: how many it read. *kind: the message that is complete now (its bytes are in
 * `message`, or in `control` for a ping or close), or SB_HTTP_MESSAGE_NONE: it needs more bytes. After SB_INVALID
 * (the frame breaks the protocol) or SB_TOO_LARGE (a message beyond the limit) close the connection. */
sb_status sb_http_websocket_feed(sb_http_websocket *socket, const uint8_t *bytes, size_t size, size_t *used,
                                 sb_http_message_kind *kind, sb_error *error);
void sb_http_websocket_free(sb_http_websocket *socket);

/* Writes the header of a server's frame (opcode 1: text, 8: close, 10: pong) with a payload of `size` bytes; gives the
 * header's length. */
size_t sb_http_websocket_header(int opcode, size_t size, uint8_t header[10]);

#endif
