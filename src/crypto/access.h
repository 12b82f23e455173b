/* Secrets of those who use the server: API keys, sessions, the admin's password. */
#ifndef SB_CRYPTO_ACCESS_H
#define SB_CRYPTO_ACCESS_H

#include "crypto/crypto.h"

/* An API key is "sbk_PREFIX_SECRET": 8 letters to know it by, 43 that are the secret (256 bits, base64url). */
enum {
  SB_API_KEY_PREFIX = 8,
  SB_API_KEY_SIZE = 4 + SB_API_KEY_PREFIX + 1 + 43 + 1, /* with the NUL */
  SB_PASSWORD_HASH = 128,
  SB_TOTP_SECRET = 20,
};
sb_status sb_crypto_api_key_make(char text[SB_API_KEY_SIZE], sb_error *error);
/* False for what does not look like one. `prefix` is NUL-terminated. */
bool sb_crypto_api_key_parse(const char *text, char prefix[SB_API_KEY_PREFIX + 1]);
/* What is kept of it: BLAKE2b-256 of the whole text. It needs no slow hash, as nobody guesses 256 random bits. */
void sb_crypto_api_key_hash(const char *text, uint8_t digest[SB_DIGEST_SIZE]);

/* Argon2id; takes about 0.1 s and 64 MiB. SB_NO_MEMORY. */
sb_status sb_crypto_password_hash(const char *password, char hash[SB_PASSWORD_HASH], sb_error *error);
bool sb_crypto_password_matches(const char *hash, const char *password);

/* Base32 (RFC 4648) without padding, as authenticator programs read it. */
void sb_crypto_base32(const uint8_t *bytes, size_t size, char *text); /* (size * 8 + 4) / 5 + 1 chars */
/* RFC 6238 with HMAC-SHA-1, 30 s, 6 digits. */
unsigned sb_crypto_totp(const uint8_t secret[SB_TOTP_SECRET], int64_t step);

#endif
