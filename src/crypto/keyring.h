/* The keyring: the data keys of a gallery, and sealing fields under them. Locked: any thread may seal and unseal. The
 * keys are in locked memory. */
#ifndef SB_CRYPTO_KEYRING_H
#define SB_CRYPTO_KEYRING_H

#include "crypto/primitives.h"

typedef struct sb_root sb_root;

enum {
  SB_SEAL_OVERHEAD = 44,              /* number of the data key 4 + nonce 24 + tag 16 */
  SB_WRAPPED_SIZE = SB_KEY_SIZE + 40, /* nonce 24 + key + tag 16 */
  SB_DATA_KEYS_MAX = 16,              /* of one gallery at the same time: one, or two and more during a rotation */
};

typedef struct sb_keyring sb_keyring;
typedef enum sb_keyring_purpose {
  SB_KEYRING_DATA, /* seals fields and hashes ids; can be rotated */
  SB_KEYRING_AUDIT /* signs the audit chain; never rotated, so that the chain stays one */
} sb_keyring_purpose;

sb_status sb_keyring_new(const sb_root *root, sb_keyring **out, sb_error *error);
void sb_keyring_free(sb_keyring *keyring);
/* Makes a random key and wraps it. It is not added to the keyring. */
void sb_keyring_make(const sb_keyring *keyring, uint32_t number, sb_keyring_purpose purpose,
                     uint8_t wrapped[SB_WRAPPED_SIZE]);
/* Unwraps a key and adds it; one that is already known is skipped. SB_WRONG_KEY: it was wrapped under another root
 * key. */
sb_status sb_keyring_add(sb_keyring *keyring, uint32_t number, sb_keyring_purpose purpose, const uint8_t *wrapped,
                         size_t size, sb_error *error);
void sb_keyring_drop(sb_keyring *keyring, uint32_t number);
/* Wraps a key of the keyring under another root key. SB_MISUSE: no key of that number. */
sb_status sb_keyring_rewrap(const sb_keyring *keyring, const sb_root *root, uint32_t number,
                            uint8_t wrapped[SB_WRAPPED_SIZE], sb_error *error);
/* Keys added from now on are unwrapped with this root key. */
void sb_keyring_reroot(sb_keyring *keyring, const sb_root *root);
/* The numbers of the data keys, newest first; the first one seals. Returns how many. */
size_t sb_keyring_numbers(const sb_keyring *keyring, uint32_t numbers[SB_DATA_KEYS_MAX]);
/* Derives a subkey of the audit key for purpose `what`; false while the keyring has no audit key. */
bool sb_keyring_audit(const sb_keyring *keyring, uint64_t what, uint8_t key[SB_KEY_SIZE]);

/* The seal context: which field of the database a sealed value belongs to. It is authenticated as associated data, so a
 * value that is moved to another row or column cannot be opened. */
typedef struct sb_seal_context {
  const char *table, *column;
  int64_t row;
  const char *model; /* the embedding model of a template; the collection of a density; NULL: none */
} sb_seal_context;
/* Encrypts a field with XChaCha20-Poly1305 (libsodium's IETF construction) under the newest data key. `sealed` has room
 * for size + SB_SEAL_OVERHEAD bytes. */
sb_status sb_keyring_seal(const sb_keyring *keyring, const sb_seal_context *context, const void *plain, size_t size,
                          uint8_t *sealed, sb_error *error);
/* `plain` has room for size - SB_SEAL_OVERHEAD bytes. SB_STORE: damaged, moved from another place, or sealed under a
 * key that the keyring lacks. */
sb_status sb_keyring_unseal(const sb_keyring *keyring, const sb_seal_context *context, const uint8_t *sealed,
                            size_t size, void *plain, sb_error *error);
/* The number of the data key that a sealed value names; 0: too short to be a sealed value. */
uint32_t sb_keyring_sealed_number(const uint8_t *sealed, size_t size);
/* Keyed BLAKE2b (RFC 7693) for look-ups: equal bytes of the same `purpose` and `scope` give equal digests under the
 * same data key, and the digest reveals nothing without it. */
void sb_keyring_hash(const sb_keyring *keyring, uint32_t number, const char *purpose, int64_t scope, const void *bytes,
                     size_t size, uint8_t digest[SB_DIGEST_SIZE]);

#endif
