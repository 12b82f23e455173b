/* What the files of src/crypto share. */
#ifndef SB_CRYPTO_INTERNAL_H
#define SB_CRYPTO_INTERNAL_H

#include "crypto/crypto.h"

#include <sodium.h>

/* Subkeys of a key by purpose (crypto_kdf, BLAKE2b): a key does one thing only. Numbers are never used twice. */
enum {
  SB_SUBKEY_SEAL = 1, /* 1..3 of the root key: schema 1 only */
  SB_SUBKEY_HASH = 2,
  SB_SUBKEY_CHECK = 3,
  SB_SUBKEY_WRAP = 4,
  SB_SUBKEY_FINGERPRINT = 5,
  SB_SUBKEY_BACKUP = 6,
};
sb_status sb_crypto_ready(sb_error *error);
void sb_crypto_subkey(const uint8_t key[SB_KEY_SIZE], uint64_t number, uint8_t out[SB_KEY_SIZE]);

/* The associated data of a sealed field: the layout's version, the data key's number (0: none), then each part of the
 * place with its length before it, so that no two places read alike. 0: the place's names are too long. */
enum { SB_SEAL_CONTEXT_MAX = 512 };
size_t sb_seal_context_bytes(uint8_t version, uint32_t number, const sb_seal_context *place,
                             uint8_t bytes[SB_SEAL_CONTEXT_MAX]);

/* Nonce, ciphertext, tag: size + 40 bytes. Unboxing gives false for anything that was not boxed so. */
void sb_crypto_box_seal(const uint8_t key[SB_KEY_SIZE], const uint8_t *about, size_t about_size, const void *plain,
                        size_t size, uint8_t *boxed);
bool sb_crypto_box_open(const uint8_t key[SB_KEY_SIZE], const uint8_t *about, size_t about_size, const uint8_t *boxed,
                        size_t size, void *plain);

#endif
