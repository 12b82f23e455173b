/* The root key of a gallery: where it comes from, its file, its words on paper. Immutable, in locked memory. */
#ifndef SB_CRYPTO_ROOT_H
#define SB_CRYPTO_ROOT_H

#include "crypto/keyring.h"

typedef enum sb_root_origin {
  SB_ROOT_ENVIRONMENT, /* SEMBLANCE_KEY: 64 hex digits */
  SB_ROOT_NAMED_FILE,  /* the file that SEMBLANCE_KEY_FILE names */
  SB_ROOT_CREDENTIAL,  /* $CREDENTIALS_DIRECTORY/semblance.key (systemd) */
  SB_ROOT_FILE,        /* <data_dir>/semblance.key */
} sb_root_origin;

struct sb_root {
  uint8_t key[SB_KEY_SIZE];
  sb_root_origin origin;
  bool passphrase; /* the file holds it under a passphrase */
};

/* Opens the root key from the first origin above that exists; with `may_create`, the file is created (mode 0600) when
 * none does. A key file holds 64 hex digits, or is sealed under a passphrase (docs/formats.md). SB_WRONG_KEY: missing,
 * malformed, or wrong passphrase. */
sb_status sb_root_open(const char *data_dir, bool may_create, sb_root **out, sb_error *error);
/* Parses the text of a key file or variable; `origin` names it in messages. Asks for the passphrase where one is
 * needed. */
sb_status sb_root_parse(const char *text, size_t size, const char *origin, sb_root **out, sb_error *error);
sb_status sb_root_new(const uint8_t key[SB_KEY_SIZE], sb_root **out, sb_error *error); /* `key` NULL: random */
/* Writes `<data_dir>/<name>` atomically, mode 0600, replacing an existing file. `passphrase` NULL: plain hex. */
sb_status sb_root_write(const sb_root *root, const char *data_dir, const char *name, const char *passphrase,
                        sb_error *error);
/* Temporary key files that a killed process left in `data_dir`: how many there are. With `wipe` they are overwritten
 * and removed. Those younger than a minute do not count: another process may be writing them. sb_root_write and
 * sb_root_settle wipe first. */
size_t sb_root_leftovers(const char *data_dir, bool wipe);
sb_status sb_root_read(const char *path, sb_root **out, sb_error *error); /* any key file; SB_NOT_FOUND */
/* Renames `<data_dir>/<name>` to `<data_dir>/semblance.key`, durably. */
sb_status sb_root_settle(const char *data_dir, const char *name, sb_error *error);
void sb_root_free(sb_root *root);
/* Identifies a root key without revealing it: 16 hex digits. */
void sb_root_fingerprint(const sb_root *root, char text[17]);

/* The passphrase comes from SEMBLANCE_PASSPHRASE, else from this callback, which the program sets at start, before
 * threads exist. It fills `text` (NUL-terminated, at most `size` bytes) and returns false where nobody can be asked. */
typedef bool (*sb_root_passphrase_ask)(const char *prompt, char *text, size_t size);
void sb_root_passphrase_set(sb_root_passphrase_ask ask);
/* SB_WRONG_KEY: no passphrase was given. */
sb_status sb_root_passphrase_get(const char *prompt, char *text, size_t size, sb_error *error);

/* The key as 17 pronounceable words, to be kept on paper: five letters for each two bytes (proquints, D. Wilkerson
 * 2009); the last word is a check sum. */
enum { SB_WORDS_SIZE = 17 * 6 };
void sb_root_words(const sb_root *root, char words[SB_WORDS_SIZE]);
/* Letter case does not matter; words are separated by spaces or hyphens. SB_INVALID: a wrong word or check sum. */
sb_status sb_root_from_words(const char *words, sb_root **out, sb_error *error);

/* ---- Galleries of schema 1 (legacy.c), whose fields were sealed under subkeys of the root key itself. */

enum { SB_LEGACY_OVERHEAD = 40 };
void sb_root_legacy_check(const sb_root *root, uint8_t check[SB_DIGEST_SIZE]);
sb_status sb_root_legacy_unseal(const sb_root *root, const sb_seal_context *context, const uint8_t *sealed, size_t size,
                                void *plain, sb_error *error);

#endif
