/* L1: libsodium: the root key, data keys, sealed fields, keyed look-up hashes, digests. Nothing is invented here.
 *
 * Envelope: each gallery has random data keys that seal its fields. They lie in its database, wrapped under the root key,
 * which lies elsewhere. So the data keys can change without a new root key, and the root key without touching a field. */
#ifndef SB_CRYPTO_H
#define SB_CRYPTO_H

#include "base/base.h"

enum {
  SB_DIGEST_SIZE = 32,
  SB_KEY_SIZE = 32,
  SB_SEAL_OVERHEAD = 44, /* data key's number 4 + nonce 24 + tag 16 */
  SB_WRAPPED_SIZE = SB_KEY_SIZE + 40,
  SB_DATA_KEYS_MAX = 16, /* of one gallery at the same time: one, and two or more while a rotation goes on */
};

sb_status sb_crypto_sha256(const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE], sb_error *error);
sb_status sb_crypto_sha256_file(const char *path, uint8_t digest[SB_DIGEST_SIZE], sb_error *error);
/* XChaCha20 under a key of the moment (zero nonce: a key is for one file and one pass over it), from any offset on. What a
 * temporary file holds is noise to who finds it: the key is in memory only. In place. */
void sb_crypto_stream_xor(const uint8_t key[32], uint64_t offset, void *bytes, size_t size);
void sb_crypto_random(void *bytes, size_t size);
/* In constant time. */
bool sb_crypto_equal(const void *a, const void *b, size_t size);

/* ---- root.c: the root key. Immutable, in locked memory. */

typedef enum sb_root_origin {
  SB_ROOT_ENVIRONMENT, /* SEMBLANCE_KEY: 64 hex digits */
  SB_ROOT_NAMED_FILE,  /* the file that SEMBLANCE_KEY_FILE names */
  SB_ROOT_CREDENTIAL,  /* $CREDENTIALS_DIRECTORY/semblance.key (systemd) */
  SB_ROOT_FILE,        /* <data_dir>/semblance.key */
} sb_root_origin;

typedef struct sb_root {
  uint8_t key[SB_KEY_SIZE];
  sb_root_origin origin;
  bool passphrase; /* the file holds it under a passphrase */
} sb_root;

/* The first of the origins above that is there; with `may_create` the file is made (mode 0600) when none is. A key file is
 * 64 hex digits, or sealed under a passphrase (docs/formats.md). SB_WRONG_KEY: missing, malformed, wrong passphrase. */
sb_status sb_root_open(const char *data_dir, bool may_create, sb_root **out, sb_error *error);
/* From a key file's or variable's text; `origin` names it in messages. The passphrase is asked for where it is needed. */
sb_status sb_root_parse(const char *text, size_t size, const char *origin, sb_root **out, sb_error *error);
sb_status sb_root_new(const uint8_t key[SB_KEY_SIZE], sb_root **out, sb_error *error); /* key NULL: a random one */
/* Writes `<data_dir>/<name>` whole or not at all, mode 0600; replaces what is there. `passphrase` NULL: plain hex. */
sb_status sb_root_write(const sb_root *root, const char *data_dir, const char *name, const char *passphrase,
                        sb_error *error);
sb_status sb_root_read(const char *path, sb_root **out, sb_error *error); /* a key file anywhere; SB_NOT_FOUND */
/* `<data_dir>/<name>` becomes `<data_dir>/semblance.key`, durably. */
sb_status sb_root_settle(const char *data_dir, const char *name, sb_error *error);
void sb_root_free(sb_root *root);
/* Tells two root keys apart without telling the key: 16 hex digits. */
void sb_root_fingerprint(const sb_root *root, char text[17]);

/* Where the passphrase comes from: SEMBLANCE_PASSPHRASE, else this function, which the program sets at start (before
 * threads); it fills `text` (NUL-terminated, at most `size` bytes) and gives false where nobody can be asked. */
typedef bool (*sb_root_passphrase_ask)(const char *prompt, char *text, size_t size);
void sb_root_passphrase_set(sb_root_passphrase_ask ask);
/* The passphrase into `text`; SB_WRONG_KEY where there is none. */
sb_status sb_root_passphrase_get(const char *prompt, char *text, size_t size, sb_error *error);

/* The key as 17 pronounceable words for paper: five letters for each two bytes (the "proquint" scheme of D. Wilkerson),
 * the last of them a check sum. */
enum { SB_WORDS_SIZE = 17 * 6 };
void sb_root_words(const sb_root *root, char words[SB_WORDS_SIZE]);
/* Letter case, and whether spaces or hyphens stand between, do not matter. SB_INVALID for a word or check sum that is wrong. */
sb_status sb_root_from_words(const char *words, sb_root **out, sb_error *error);

/* ---- keyring.c: the data keys of a gallery. Locked: sealing and opening from any thread; in locked memory. */

typedef struct sb_keyring sb_keyring;
typedef enum sb_keyring_purpose {
  SB_KEYRING_DATA, /* seals fields and hashes ids; rotates */
  SB_KEYRING_AUDIT /* chains the audit; stays, so that the chain stays one */
} sb_keyring_purpose;

sb_status sb_keyring_new(const sb_root *root, sb_keyring **out, sb_error *error);
void sb_keyring_free(sb_keyring *keyring);
/* Makes a random key and wraps it. It is not yet part of the keyring. */
void sb_keyring_make(const sb_keyring *keyring, uint32_t number, sb_keyring_purpose purpose,
                     uint8_t wrapped[SB_WRAPPED_SIZE]);
/* Unwraps a key and takes it in. SB_WRONG_KEY: it was wrapped under another root key. Known ones are passed over. */
sb_status sb_keyring_add(sb_keyring *keyring, uint32_t number, sb_keyring_purpose purpose, const uint8_t *wrapped,
                         size_t size, sb_error *error);
void sb_keyring_drop(sb_keyring *keyring, uint32_t number);
/* Wraps a key that the keyring has under another root key. SB_MISUSE: it has none of that number. */
sb_status sb_keyring_rewrap(const sb_keyring *keyring, const sb_root *root, uint32_t number,
                            uint8_t wrapped[SB_WRAPPED_SIZE], sb_error *error);
/* From now on what is added was wrapped under this root key. */
void sb_keyring_reroot(sb_keyring *keyring, const sb_root *root);
/* The data keys' numbers, newest first; the first is the one that seals. Gives how many. */
size_t sb_keyring_numbers(const sb_keyring *keyring, uint32_t numbers[SB_DATA_KEYS_MAX]);
/* A key for `what` that depends on the audit key; false while the keyring has none. */
bool sb_keyring_audit(const sb_keyring *keyring, uint64_t what, uint8_t key[SB_KEY_SIZE]);

/* Where a sealed field stands: it opens nowhere else. */
typedef struct sb_seal_context {
  const char *table, *column;
  int64_t row;
  const char *model; /* NULL: none */
} sb_seal_context;
/* XChaCha20-Poly1305-IETF under the newest data key. `sealed` has room for size + SB_SEAL_OVERHEAD. */
sb_status sb_keyring_seal(const sb_keyring *keyring, const sb_seal_context *place, const void *plain, size_t size,
                          uint8_t *sealed, sb_error *error);
/* `plain` has room for size - SB_SEAL_OVERHEAD. SB_STORE: not sealed under a key of this keyring for this place, or damaged. */
sb_status sb_keyring_unseal(const sb_keyring *keyring, const sb_seal_context *place, const uint8_t *sealed, size_t size,
                            void *plain, sb_error *error);
/* The number of the key that a field says it is sealed under; 0: it is too short to be sealed. */
uint32_t sb_keyring_sealed_number(const uint8_t *sealed, size_t size);
/* Keyed BLAKE2b: equal texts of one `purpose` and `scope` give equal digests under one data key; worthless without it. */
void sb_keyring_hash(const sb_keyring *keyring, uint32_t number, const char *purpose, int64_t scope, const void *bytes,
                     size_t size, uint8_t digest[SB_DIGEST_SIZE]);

/* ---- legacy.c: galleries of schema 1, whose fields were sealed under subkeys of the root key itself. */

enum { SB_LEGACY_OVERHEAD = 40 };
void sb_root_legacy_check(const sb_root *root, uint8_t check[SB_DIGEST_SIZE]);
sb_status sb_root_legacy_unseal(const sb_root *root, const sb_seal_context *place, const uint8_t *sealed, size_t size,
                                void *plain, sb_error *error);

#endif
