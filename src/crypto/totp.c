/* One-time passwords (TOTP, RFC 6238) with HMAC-SHA-1 (RFC 2104, FIPS 180-4). libsodium has no SHA-1, but authenticator
 * programs support no other hash. It is used inside an HMAC only, where SHA-1's collisions do no harm. Key and message
 * are short enough that the inner and the outer hash are two blocks each. */
#include "crypto/access.h"

#include <string.h>

static uint32_t rotate_left(uint32_t value, int by) {
  return value << by | value >> (32 - by);
}

static void sha1_block(uint32_t h[5], const uint8_t block[64]) {
  uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           block[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
    uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
    uint32_t next = rotate_left(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = rotate_left(b, 30);
    b = a;
    a = next;
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* SHA-1 over one block of padded key followed by at most 55 bytes. */
static void sha1_keyed(const uint8_t key_block[64], const uint8_t *bytes, size_t size, uint8_t out[20]) {
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t last[64] = {0};
  memcpy(last, bytes, size);
  last[size] = 0x80;
  size_t bits = 8 * (64 + size);
  last[62] = (uint8_t)(bits >> 8);
  last[63] = (uint8_t)bits;
  sha1_block(h, key_block);
  sha1_block(h, last);
  for (int i = 0; i < 20; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

unsigned sb_crypto_totp(const uint8_t secret[SB_TOTP_SECRET], int64_t step) {
  uint8_t inner[64], outer[64], counter[8], digest[20];
  memset(inner, 0x36, sizeof inner);
  memset(outer, 0x5c, sizeof outer);
  for (int i = 0; i < SB_TOTP_SECRET; i++) inner[i] ^= secret[i], outer[i] ^= secret[i];
  for (int i = 0; i < 8; i++) counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
  sha1_keyed(inner, counter, sizeof counter, digest);
  sha1_keyed(outer, digest, sizeof digest, digest);
  const uint8_t *at = digest + (digest[19] & 15);
  uint32_t value = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  return value % 1000000;
}
