/* Digests, random bytes, constant-time comparison, a key stream for temporary files. */
#ifndef SB_CRYPTO_PRIMITIVES_H
#define SB_CRYPTO_PRIMITIVES_H

#include "base/base.h"

enum { SB_DIGEST_SIZE = 32, SB_KEY_SIZE = 32 };

sb_status sb_crypto_sha256(const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE], sb_error *error);
/* Keyed BLAKE2b-256: proves that whoever made the digest had the key. */
void sb_crypto_keyed_digest(const uint8_t key[SB_KEY_SIZE], const void *bytes, size_t size,
                            uint8_t digest[SB_DIGEST_SIZE]);
sb_status sb_crypto_sha256_file(const char *path, uint8_t digest[SB_DIGEST_SIZE], sb_error *error);
/* HMAC-SHA-256 (RFC 2104), with a key of any length. */
void sb_crypto_hmac_sha256(const uint8_t *key, size_t key_size, const void *bytes, size_t size,
                           uint8_t mac[SB_DIGEST_SIZE]);
void sb_crypto_random(void *bytes, size_t size);
bool sb_crypto_equal(const void *a, const void *b, size_t size); /* in constant time */

/* XORs the XChaCha20 key stream in place, from any offset of the stream on; encrypts and decrypts. For temporary files:
 * the key stays in memory, so what is left on disk cannot be read. The nonce is zero: use a key for one file, written
 * once. */
void sb_crypto_stream_xor(const uint8_t key[32], uint64_t offset, void *bytes, size_t size);

#endif
