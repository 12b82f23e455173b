/* L1: libsodium: the root key, sealed fields, keyed look-up hashes, file digests. Nothing is invented here. */
#ifndef SB_CRYPTO_H
#define SB_CRYPTO_H

#include "base/base.h"

enum { SB_DIGEST_SIZE = 32, SB_SEAL_OVERHEAD = 40 /* nonce 24 + tag 16 */, SB_KEY_SIZE = 32 };

sb_status sb_sha256(const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE], sb_error *error);
sb_status sb_sha256_file(const char *path, uint8_t digest[SB_DIGEST_SIZE], sb_error *error);

/* Immutable and shared: a gallery's keys, in locked memory, derived from its root key. */
typedef struct sb_keyring sb_keyring;
/* The root key: SEMBLANCE_KEY (64 hex digits) if set, else the file `<data_dir>/semblance.key` (0600; made when there is
 * none and `may_create`). SB_WRONG_KEY: the file is missing or malformed. */
sb_status sb_keyring_open(const char *data_dir, bool may_create, sb_keyring **out, sb_error *error);
void sb_keyring_free(sb_keyring *keyring);
/* Tells whether two keyrings hold the same key without telling the key. */
void sb_keyring_check(const sb_keyring *keyring, uint8_t check[SB_DIGEST_SIZE]);

/* Where a sealed field stands: it opens nowhere else. */
typedef struct sb_place {
  const char *table, *column;
  int64_t row;
  const char *model; /* NULL: none */
} sb_place;
/* XChaCha20-Poly1305-IETF. `sealed` has room for size + SB_SEAL_OVERHEAD: nonce, ciphertext, tag. */
sb_status sb_seal(const sb_keyring *keyring, const sb_place *place, const void *plain, size_t size, uint8_t *sealed,
                  sb_error *error);
/* `plain` has room for size - SB_SEAL_OVERHEAD. SB_STORE: not sealed under this key for this place, or damaged. */
sb_status sb_unseal(const sb_keyring *keyring, const sb_place *place, const uint8_t *sealed, size_t size, void *plain,
                    sb_error *error);
/* Keyed BLAKE2b: equal texts of one `purpose` and `scope` give equal digests; worthless without the key. */
void sb_keyed_hash(const sb_keyring *keyring, const char *purpose, int64_t scope, const void *bytes, size_t size,
                   uint8_t digest[SB_DIGEST_SIZE]);
void sb_wipe(void *bytes, size_t size);

#endif
