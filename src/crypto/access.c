#include "crypto/access.h"

#include "crypto/internal.h"

#include <string.h>

static const char head[] = "sbk_";
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 that are not taken for each other */

sb_status sb_crypto_api_key_make(char text[SB_API_KEY_SIZE], sb_error *error) {
  uint8_t secret[32], random[SB_API_KEY_PREFIX];
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  randombytes_buf(secret, sizeof secret);
  randombytes_buf(random, sizeof random);
  memcpy(text, head, 4);
  for (int i = 0; i < SB_API_KEY_PREFIX; i++) text[4 + i] = letters[random[i] & 31];
  text[4 + SB_API_KEY_PREFIX] = '_';
  sodium_bin2base64(text + 4 + SB_API_KEY_PREFIX + 1, 44, secret, sizeof secret,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_memzero(secret, sizeof secret);
  return SB_OK;
}

bool sb_crypto_api_key_parse(const char *text, char prefix[SB_API_KEY_PREFIX + 1]) {
  if (strlen(text) != SB_API_KEY_SIZE - 1 || memcmp(text, head, 4) || text[4 + SB_API_KEY_PREFIX] != '_') return false;
  memcpy(prefix, text + 4, SB_API_KEY_PREFIX);
  prefix[SB_API_KEY_PREFIX] = 0;
  return strspn(prefix, letters) == SB_API_KEY_PREFIX;
}

void sb_crypto_api_key_hash(const char *text, uint8_t digest[SB_DIGEST_SIZE]) {
  crypto_generichash(digest, SB_DIGEST_SIZE, (const uint8_t *)text, strlen(text), NULL, 0);
}

sb_status sb_crypto_password_hash(const char *password, char hash[SB_PASSWORD_HASH], sb_error *error) {
  _Static_assert(crypto_pwhash_STRBYTES == SB_PASSWORD_HASH, "password hash");
  sb_status status = sb_crypto_ready(error);
  if (status == SB_OK && crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                           crypto_pwhash_MEMLIMIT_INTERACTIVE))
    status = sb_fail(error, SB_NO_MEMORY, "out of memory: a password needs 64 MiB to be set");
  return status;
}

bool sb_crypto_password_matches(const char *hash, const char *password) {
  return !crypto_pwhash_str_verify(hash, password, strlen(password));
}

void sb_crypto_base32(const uint8_t *bytes, size_t size, char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  uint32_t bits = 0;
  int held = 0;
  for (size_t i = 0; i < size; i++) {
    bits = bits << 8 | bytes[i];
    for (held += 8; held >= 5; held -= 5) *text++ = digits[bits >> (held - 5) & 31];
  }
  if (held) *text++ = digits[bits << (5 - held) & 31];
  *text = 0;
}

/* ---- SHA-1 (FIPS 180-4), which libsodium leaves out: authenticator programs know no other for TOTP. It is used here as
 * the hash of an HMAC only, where its collisions do no harm. One block holds key and message each. */

static uint32_t turn(uint32_t value, int by) {
  return value << by | value >> (32 - by);
}

static void sha1_block(uint32_t h[5], const uint8_t block[64]) {
  uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           block[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
    uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
    uint32_t next = turn(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = turn(b, 30);
    b = a;
    a = next;
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* The hash of one block of key and at most 55 bytes after it. */
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
