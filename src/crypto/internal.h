/* Shared by the files of src/crypto: subkeys, the box (authenticated encryption), the encoding of a seal context. */
#ifndef SB_CRYPTO_INTERNAL_H
#define SB_CRYPTO_INTERNAL_H

#include "crypto/crypto.h"

#include <sodium.h>

/* Numbers of subkeys, by purpose (crypto_kdf, BLAKE2b): each key is used for one purpose only. Never reuse a number. */
enum {
  SB_SUBKEY_SEAL = 1, /* 1..3 of the root key: schema 1 only */
  SB_SUBKEY_HASH = 2,
  SB_SUBKEY_CHECK = 3,
  SB_SUBKEY_WRAP = 4,
  SB_SUBKEY_FINGERPRINT = 5,
  SB_SUBKEY_BACKUP = 6,
};
/* Initialises libsodium; call it before anything else of it. Any thread. */
sb_status sb_crypto_ready(sb_error *error);
void sb_crypto_subkey(const uint8_t key[SB_KEY_SIZE], uint64_t number, uint8_t out[SB_KEY_SIZE]);

/* The text form of a root key (root.c): hex digits, or locked by a passphrase where that is not NULL. */
enum { SB_ROOT_TEXT_SIZE = 512 };
sb_status sb_root_format(const sb_root *root, const char *passphrase, char text[SB_ROOT_TEXT_SIZE], sb_error *error);

/* Encodes the associated data of a sealed field: the version of the layout, the number of the data key (omitted when
 * 0), then each part of the context preceded by its length, so that two contexts never have the same encoding. Returns
 * its size; 0: a name is too long. */
enum { SB_SEAL_CONTEXT_MAX = 512 };
size_t sb_seal_context_bytes(uint8_t version, uint32_t number, const sb_seal_context *context,
                             uint8_t bytes[SB_SEAL_CONTEXT_MAX]);

/* Authenticated encryption (XChaCha20-Poly1305): `boxed` is nonce, ciphertext, tag: size + 40 bytes; `about` is the
 * associated data. Opening returns false for anything else. */
void sb_crypto_box_seal(const uint8_t key[SB_KEY_SIZE], const uint8_t *about, size_t about_size, const void *plain,
                        size_t size, uint8_t *boxed);
bool sb_crypto_box_open(const uint8_t key[SB_KEY_SIZE], const uint8_t *about, size_t about_size, const uint8_t *boxed,
                        size_t size, void *plain);

#endif
