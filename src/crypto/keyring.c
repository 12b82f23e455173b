/* The keyring. Data layout (docs/formats.md):
 *
 *   sealed field   number of the data key (4, little-endian) | nonce (24) | ciphertext | tag (16)
 *   wrapped key    nonce (24) | encrypted key (32) | tag (16)
 *
 * Invariants: keys[0] is the newest data key and the only one that seals; the others only open, until a rotation has
 * resealed everything. All access is under `lock`, and keys never leave locked memory. */
#include "crypto/internal.h"

#include <string.h>

enum { SEAL_VERSION = 2, WRAP_VERSION = 1, NUMBER_SIZE = 4 };
_Static_assert(SB_SEAL_OVERHEAD == NUMBER_SIZE + 40 && SB_WRAPPED_SIZE == SB_KEY_SIZE + 40, "sizes");

typedef struct data_key {
  uint32_t number;
  uint8_t key[SB_KEY_SIZE], seal[SB_KEY_SIZE], hash[SB_KEY_SIZE];
} data_key;

struct sb_keyring {
  pthread_rwlock_t lock; /* protects everything below */
  uint8_t wrap[SB_KEY_SIZE];
  size_t count;
  data_key keys[SB_DATA_KEYS_MAX]; /* newest first */
  bool has_audit;
  uint32_t audit_number;
  uint8_t audit[SB_KEY_SIZE];
};

static pthread_rwlock_t *lock_of(const sb_keyring *keyring) {
  union {
    const pthread_rwlock_t *constant;
    pthread_rwlock_t *lock;
  } view = {&keyring->lock}; /* locking does not change the value of a const keyring */
  return view.lock;
}

sb_status sb_keyring_new(const sb_root *root, sb_keyring **out, sb_error *error) {
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  sb_keyring *keyring = sodium_malloc(sizeof *keyring); /* guard pages, locked in memory, wiped on free */
  if (!keyring) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  memset(keyring, 0, sizeof *keyring);
  pthread_rwlock_init(&keyring->lock, NULL);
  sb_crypto_subkey(root->key, SB_SUBKEY_WRAP, keyring->wrap);
  *out = keyring;
  return SB_OK;
}

void sb_keyring_free(sb_keyring *keyring) {
  if (!keyring) return;
  pthread_rwlock_destroy(&keyring->lock);
  sodium_free(keyring);
}

/* ---- Wrapping */

static size_t wrap_context(uint32_t number, sb_keyring_purpose purpose, uint8_t about[SB_SEAL_CONTEXT_MAX]) {
  const sb_seal_context context = {"data_key", "wrapped", number, purpose == SB_KEYRING_AUDIT ? "audit" : "data"};
  return sb_seal_context_bytes(WRAP_VERSION, 0, &context, about);
}

static void wrap(const uint8_t wrap_key[SB_KEY_SIZE], uint32_t number, sb_keyring_purpose purpose,
                 const uint8_t key[SB_KEY_SIZE], uint8_t wrapped[SB_WRAPPED_SIZE]) {
  uint8_t about[SB_SEAL_CONTEXT_MAX];
  size_t about_size = wrap_context(number, purpose, about);
  sb_crypto_box_seal(wrap_key, about, about_size, key, SB_KEY_SIZE, wrapped);
}

void sb_keyring_make(const sb_keyring *keyring, uint32_t number, sb_keyring_purpose purpose,
                     uint8_t wrapped[SB_WRAPPED_SIZE]) {
  uint8_t key[SB_KEY_SIZE];
  crypto_kdf_keygen(key);
  wrap(keyring->wrap, number, purpose, key, wrapped);
  sodium_memzero(key, sizeof key);
}

/* Inserts a data key, newest first. False: the keyring is full. */
static bool insert(sb_keyring *keyring, uint32_t number, const uint8_t key[SB_KEY_SIZE]) {
  size_t at = 0;
  while (at < keyring->count && keyring->keys[at].number > number) at++;
  if (at < keyring->count && keyring->keys[at].number == number) return true;
  if (keyring->count == SB_DATA_KEYS_MAX) return false;
  memmove(&keyring->keys[at + 1], &keyring->keys[at], (keyring->count - at) * sizeof *keyring->keys);
  data_key *entry = &keyring->keys[at];
  entry->number = number;
  memcpy(entry->key, key, SB_KEY_SIZE);
  sb_crypto_subkey(key, SB_SUBKEY_SEAL, entry->seal);
  sb_crypto_subkey(key, SB_SUBKEY_HASH, entry->hash);
  keyring->count++;
  return true;
}

sb_status sb_keyring_add(sb_keyring *keyring, uint32_t number, sb_keyring_purpose purpose, const uint8_t *wrapped,
                         size_t size, sb_error *error) {
  uint8_t about[SB_SEAL_CONTEXT_MAX], key[SB_KEY_SIZE];
  if (!number) return sb_fail(error, SB_STORE, "a data key of the database has no number; restore a backup");
  size_t about_size = wrap_context(number, purpose, about);
  sb_status status = SB_OK;
  pthread_rwlock_wrlock(&keyring->lock);
  if (size != SB_WRAPPED_SIZE || !sb_crypto_box_open(keyring->wrap, about, about_size, wrapped, size, key)) {
    status = sb_fail(
        error, SB_WRONG_KEY,
        "the gallery was sealed under another root key; nothing was changed: give the right key (SEMBLANCE_KEY_FILE)");
  } else if (purpose == SB_KEYRING_AUDIT) {
    memcpy(keyring->audit, key, SB_KEY_SIZE);
    keyring->audit_number = number;
    keyring->has_audit = true;
  } else if (!insert(keyring, number, key)) {
    status = sb_fail(error, SB_STORE,
                     "the database has more than %d data keys; finish the rotation with `semblance keys rotate`",
                     SB_DATA_KEYS_MAX);
  }
  pthread_rwlock_unlock(&keyring->lock);
  sodium_memzero(key, sizeof key);
  return status;
}

void sb_keyring_drop(sb_keyring *keyring, uint32_t number) {
  pthread_rwlock_wrlock(&keyring->lock);
  for (size_t i = 0; i < keyring->count; i++) {
    if (keyring->keys[i].number != number) continue;
    memmove(&keyring->keys[i], &keyring->keys[i + 1], (keyring->count - i - 1) * sizeof *keyring->keys);
    sodium_memzero(&keyring->keys[--keyring->count], sizeof *keyring->keys);
  }
  pthread_rwlock_unlock(&keyring->lock);
}

static const data_key *find(const sb_keyring *keyring, uint32_t number) {
  for (size_t i = 0; i < keyring->count; i++)
    if (keyring->keys[i].number == number) return &keyring->keys[i];
  return NULL;
}

sb_status sb_keyring_rewrap(const sb_keyring *keyring, const sb_root *root, uint32_t number,
                            uint8_t wrapped[SB_WRAPPED_SIZE], sb_error *error) {
  uint8_t wrap_key[SB_KEY_SIZE];
  sb_status status = SB_OK;
  sb_crypto_subkey(root->key, SB_SUBKEY_WRAP, wrap_key);
  pthread_rwlock_rdlock(lock_of(keyring));
  const data_key *entry = find(keyring, number);
  if (entry)
    wrap(wrap_key, number, SB_KEYRING_DATA, entry->key, wrapped);
  else if (keyring->has_audit && keyring->audit_number == number)
    wrap(wrap_key, number, SB_KEYRING_AUDIT, keyring->audit, wrapped);
  else
    status = sb_fail(error, SB_MISUSE, "the keyring has no data key of that number");
  pthread_rwlock_unlock(lock_of(keyring));
  sodium_memzero(wrap_key, sizeof wrap_key);
  return status;
}

void sb_keyring_reroot(sb_keyring *keyring, const sb_root *root) {
  pthread_rwlock_wrlock(&keyring->lock);
  sb_crypto_subkey(root->key, SB_SUBKEY_WRAP, keyring->wrap);
  pthread_rwlock_unlock(&keyring->lock);
}

size_t sb_keyring_numbers(const sb_keyring *keyring, uint32_t numbers[SB_DATA_KEYS_MAX]) {
  pthread_rwlock_rdlock(lock_of(keyring));
  size_t count = keyring->count;
  for (size_t i = 0; i < count; i++) numbers[i] = keyring->keys[i].number;
  pthread_rwlock_unlock(lock_of(keyring));
  return count;
}

bool sb_keyring_audit(const sb_keyring *keyring, uint64_t what, uint8_t key[SB_KEY_SIZE]) {
  pthread_rwlock_rdlock(lock_of(keyring));
  bool has = keyring->has_audit;
  if (has) sb_crypto_subkey(keyring->audit, what, key);
  pthread_rwlock_unlock(lock_of(keyring));
  return has;
}

/* ---- Sealed fields */

sb_status sb_keyring_seal(const sb_keyring *keyring, const sb_seal_context *context, const void *plain, size_t size,
                          uint8_t *sealed, sb_error *error) {
  uint8_t about[SB_SEAL_CONTEXT_MAX];
  sb_status status = SB_OK;
  pthread_rwlock_rdlock(lock_of(keyring));
  const data_key *entry = keyring->count ? &keyring->keys[0] : NULL;
  size_t about_size = entry ? sb_seal_context_bytes(SEAL_VERSION, entry->number, context, about) : 0;
  if (about_size) {
    for (int i = 0; i < NUMBER_SIZE; i++) sealed[i] = (uint8_t)(entry->number >> (8 * i));
    sb_crypto_box_seal(entry->seal, about, about_size, plain, size, sealed + NUMBER_SIZE);
  } else {
    status = sb_fail(error, SB_MISUSE, "the keyring has no data key yet, or a name in the seal context is too long");
  }
  pthread_rwlock_unlock(lock_of(keyring));
  return status;
}

uint32_t sb_keyring_sealed_number(const uint8_t *sealed, size_t size) {
  uint32_t number = 0;
  for (int i = 0; size >= SB_SEAL_OVERHEAD && i < NUMBER_SIZE; i++) number |= (uint32_t)sealed[i] << (8 * i);
  return number;
}

sb_status sb_keyring_unseal(const sb_keyring *keyring, const sb_seal_context *context, const uint8_t *sealed,
                            size_t size, void *plain, sb_error *error) {
  uint8_t about[SB_SEAL_CONTEXT_MAX];
  uint32_t number = sb_keyring_sealed_number(sealed, size);
  pthread_rwlock_rdlock(lock_of(keyring));
  const data_key *entry = number ? find(keyring, number) : NULL;
  size_t about_size = entry ? sb_seal_context_bytes(SEAL_VERSION, number, context, about) : 0;
  bool opened =
      about_size && sb_crypto_box_open(entry->seal, about, about_size, sealed + NUMBER_SIZE, size - NUMBER_SIZE, plain);
  pthread_rwlock_unlock(lock_of(keyring));
  if (opened) return SB_OK;
  return sb_fail(error, SB_STORE, "a sealed field of the database (%s.%s) is damaged or was moved; restore a backup",
                 context->table, context->column);
}

void sb_keyring_hash(const sb_keyring *keyring, uint32_t number, const char *purpose, int64_t scope, const void *bytes,
                     size_t size, uint8_t digest[SB_DIGEST_SIZE]) {
  static const uint8_t none[SB_KEY_SIZE];
  crypto_generichash_state state;
  uint8_t head[16] = {0};
  size_t length = strlen(purpose);
  for (int i = 0; i < 8; i++) {
    head[i] =
        (uint8_t)((uint64_t)length >> (8 * i)); /* length first: the purpose cannot run into the bytes that follow */
    head[8 + i] = (uint8_t)((uint64_t)scope >> (8 * i));
  }
  pthread_rwlock_rdlock(lock_of(keyring));
  const data_key *entry = find(keyring, number);
  crypto_generichash_init(&state, entry ? entry->hash : none, SB_KEY_SIZE, SB_DIGEST_SIZE);
  pthread_rwlock_unlock(lock_of(keyring));
  crypto_generichash_update(&state, head, sizeof head);
  crypto_generichash_update(&state, (const uint8_t *)purpose, length);
  crypto_generichash_update(&state, bytes, size);
  crypto_generichash_final(&state, digest, SB_DIGEST_SIZE);
}
