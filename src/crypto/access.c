/* API keys, password hashes and base32; access.h describes the formats. */
#include "crypto/access.h"

#include "crypto/internal.h"

#include <string.h>

static const char scheme[] = "sbk_";
static const char letters[] =
    "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 letters and digits that are not easily confused (no l, o, 0, 1) */

sb_status sb_crypto_api_key_make(char text[SB_API_KEY_SIZE], sb_error *error) {
  uint8_t secret[32], random[SB_API_KEY_PREFIX];
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  randombytes_buf(secret, sizeof secret);
  randombytes_buf(random, sizeof random);
  memcpy(text, scheme, 4);
  for (int i = 0; i < SB_API_KEY_PREFIX; i++) text[4 + i] = letters[random[i] & 31];
  text[4 + SB_API_KEY_PREFIX] = '_';
  sodium_bin2base64(text + 4 + SB_API_KEY_PREFIX + 1, 44, secret, sizeof secret,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_memzero(secret, sizeof secret);
  return SB_OK;
}

bool sb_crypto_api_key_parse(const char *text, char prefix[SB_API_KEY_PREFIX + 1]) {
  if (strlen(text) != SB_API_KEY_SIZE - 1 || memcmp(text, scheme, 4) || text[4 + SB_API_KEY_PREFIX] != '_')
    return false;
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
    status = sb_fail(error, SB_NO_MEMORY, "out of memory: hashing a password needs 64 MiB");
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
