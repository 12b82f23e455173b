/* Encrypted backups: one file, encrypted with a key of its own that is wrapped by the root key. Layout:
 *
 *   "semblance backup 1\n"   19 bytes
 *   box                      72 bytes: the file's key, sealed under a subkey of the root key, bound to the first line
 *   header                   24 bytes of libsodium's secretstream (XChaCha20-Poly1305)
 *   chunks                   65,536 bytes and 17 more each; the last one is shorter and tagged as final */
#ifndef SB_CRYPTO_SEALED_BACKUP_H
#define SB_CRYPTO_SEALED_BACKUP_H

#include "crypto/crypto.h"

/* Encrypts from one open file to another, from their current offsets on. SB_IO, SB_DISK_FULL. */
sb_status sb_sealed_backup_seal(const sb_root *root, int from, int to, sb_error *error);
/* Decrypts. SB_WRONG_KEY: sealed under another root key. SB_INVALID: not a backup, damaged, or truncated; discard what
 * was written to `to`. */
sb_status sb_sealed_backup_open(const sb_root *root, int from, int to, sb_error *error);

#endif
