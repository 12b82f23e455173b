/* RFC 6455: what a client sends is masked, what a server sends is not. */
#include "http/core/websocket.h"

#include <string.h>

/* ---- SHA-1 (FIPS 180-4): the handshake is defined with it; it protects nothing here. */

static uint32_t rotate(uint32_t value, int bits) {
  return value << bits | value >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64]) {
  uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           block[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
    static const uint32_t k[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t next = rotate(a, 5) + f + e + k[i / 20] + w[i];
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* Of at most 119 bytes: the handshake's 60 fit. */
static void sha1_short(const char *text, size_t size, uint8_t digest[20]) {
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t block[128] = {0};
  size_t blocks = size < 56 ? 1 : 2;
  memcpy(block, text, size);
  block[size] = 0x80;
  for (int i = 0; i < 4; i++) block[64 * blocks - 1 - (size_t)i] = (uint8_t)(size * 8 >> (8 * i));
  for (size_t i = 0; i < blocks; i++) sha1_block(state, block + 64 * i);
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

bool sb_http_websocket_accept(const char *key, char accept[SB_HTTP_WEBSOCKET_ACCEPT]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char text[64], raw[32];
  uint8_t digest[21] = {0};
  size_t size = 0;
  if (strlen(key) != 24) return false;
  memcpy(raw, key, 25);
  if (sb_base64_decode(raw, 24, &size, NULL) != SB_OK || size != 16) return false;
  memcpy(text, key, 24);
  memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
  sha1_short(text, 60, digest);
  for (int i = 0; i < 7; i++) {
    uint32_t bits = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
    for (int j = 0; j < 4; j++) accept[4 * i + j] = letters[bits >> (18 - 6 * j) & 63];
  }
  accept[27] = '='; /* 20 bytes leave one place over */
  accept[28] = 0;
  return true;
}

/* ---- Frames */

enum { CONTINUED = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, CONTROL_MAX = 125 };

static size_t head_wanted(const sb_http_websocket *s) {
  if (s->head_size < 2) return 2;
  size_t length = s->head[1] & 127;
  return 2 + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4;
}

/* The frame's header is complete. */
static sb_status begin_frame(sb_http_websocket *s, sb_error *error) {
  uint64_t length = s->head[1] & 127;
  size_t bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes) length = 0;
  for (size_t i = 0; i < bytes; i++) length = length << 8 | s->head[2 + i];
  s->opcode = s->head[0] & 15;
  s->last = s->head[0] & 128;
  s->left = length;
  s->at = 0;
  s->in_frame = true;
  bool control = s->opcode >= CLOSE;
  bool known = s->opcode <= (control ? PONG : BINARY);
  bool fits = control ? s->last && length <= CONTROL_MAX : (s->opcode == CONTINUED) == s->in_message;
  if (s->head[0] & 0x70 || !(s->head[1] & 128) || !known || !fits)
    return sb_fail(error, SB_INVALID, "the WebSocket frame breaks the protocol");
  if (control) {
    s->control.size = 0;
    return SB_OK;
  }
  if (!s->in_message) {
    s->kind = s->opcode == TEXT ? SB_HTTP_MESSAGE_TEXT : SB_HTTP_MESSAGE_BINARY;
    s->message.size = 0;
    s->in_message = true;
  }
  if (length > s->limit || s->message.size + length > s->limit)
    return sb_fail(error, SB_TOO_LARGE, "the frame is larger than %zu bytes", s->limit);
  return SB_OK;
}

static sb_status add_payload(sb_http_websocket *s, const uint8_t *bytes, size_t size, sb_error *error) {
  sb_buffer *to = s->opcode >= CLOSE ? &s->control : &s->message;
  size_t start = to->size;
  const uint8_t *mask = s->head + s->head_size - 4;
  sb_status status = sb_buffer_add(to, bytes, size, error);
  for (size_t i = 0; status == SB_OK && i < size; i++) to->bytes[start + i] ^= (char)mask[(s->at + i) % 4];
  s->at += size;
  s->left -= size;
  return status;
}

static sb_http_message_kind end_frame(sb_http_websocket *s) {
  s->in_frame = false;
  s->head_size = 0;
  if (s->opcode == CLOSE) return SB_HTTP_MESSAGE_CLOSE;
  if (s->opcode == PING) return SB_HTTP_MESSAGE_PING;
  if (s->opcode == PONG || !s->last) return SB_HTTP_MESSAGE_NONE;
  s->in_message = false;
  return s->kind;
}

sb_status sb_http_websocket_feed(sb_http_websocket *s, const uint8_t *bytes, size_t size, size_t *used,
                                 sb_http_message_kind *kind, sb_error *error) {
  size_t at = 0;
  sb_status status = SB_OK;
  *kind = SB_HTTP_MESSAGE_NONE;
  while (at < size && status == SB_OK && *kind == SB_HTTP_MESSAGE_NONE) {
    if (!s->in_frame) {
      s->head[s->head_size++] = bytes[at++];
      if (s->head_size == head_wanted(s)) status = begin_frame(s, error);
    } else {
      size_t part = size - at < s->left ? size - at : (size_t)s->left;
      status = add_payload(s, bytes + at, part, error);
      at += part;
    }
    if (status == SB_OK && s->in_frame && !s->left) *kind = end_frame(s);
  }
  *used = at;
  return status;
}

void sb_http_websocket_free(sb_http_websocket *s) {
  sb_buffer_free(&s->message);
  sb_buffer_free(&s->control);
}

size_t sb_http_websocket_header(int opcode, size_t size, uint8_t header[10]) {
  header[0] = (uint8_t)(128 | opcode);
  if (size < 126) {
    header[1] = (uint8_t)size;
    return 2;
  }
  size_t bytes = size < 65536 ? 2 : 8;
  header[1] = bytes == 2 ? 126 : 127;
  for (size_t i = 0; i < bytes; i++) header[2 + i] = (uint8_t)((uint64_t)size >> (8 * (bytes - 1 - i)));
  return 2 + bytes;
}
