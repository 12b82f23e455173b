/* Credentials of the server's users: API keys, the admin's password, one-time passwords. */
#ifndef SB_CRYPTO_ACCESS_H
#define SB_CRYPTO_ACCESS_H

#include "crypto/crypto.h"

/* An API key is "sbk_PREFIX_SECRET": an 8-letter prefix that identifies it, and 43 characters of secret (256 bits,
 * base64url). */
enum {
  SB_API_KEY_PREFIX = 8,
  SB_API_KEY_SIZE = 4 + SB_API_KEY_PREFIX + 1 + 43 + 1, /* with the NUL */
  SB_PASSWORD_HASH = 128,
  SB_TOTP_SECRET = 20,
};
sb_status sb_crypto_api_key_make(char text[SB_API_KEY_SIZE], sb_error *error);
/* Extracts the prefix (NUL-terminated). False: not the form of an API key. */
bool sb_crypto_api_key_parse(const char *text, char prefix[SB_API_KEY_PREFIX + 1]);
/* What is stored of an API key: BLAKE2b-256 of the whole text. A slow hash is not needed: 256 random bits cannot be
 * guessed. */
void sb_crypto_api_key_hash(const char *text, uint8_t digest[SB_DIGEST_SIZE]);

/* Argon2id (RFC 9106); takes about 0.1 s and 64 MiB. SB_NO_MEMORY. */
sb_status sb_crypto_password_hash(const char *password, char hash[SB_PASSWORD_HASH], sb_error *error);
bool sb_crypto_password_matches(const char *hash, const char *password);

/* Base32 (RFC 4648, section 6) without padding, as authenticator programs expect it. */
void sb_crypto_base32(const uint8_t *bytes, size_t size, char *text); /* (size * 8 + 4) / 5 + 1 chars */
/* TOTP (RFC 6238): HMAC-SHA-1, steps of 30 s, 6 digits. */
unsigned sb_crypto_totp(const uint8_t secret[SB_TOTP_SECRET], int64_t step);

#endif
