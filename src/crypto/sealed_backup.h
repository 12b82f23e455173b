/* Encrypted backups: one file, sealed under a key of its own, which the root key wraps.
 *
 *   "semblance backup 1\n"   19 bytes
 *   box                      72 bytes: the file's key, boxed under a subkey of the root key; the first line is bound to it
 *   header                   24 bytes of libsodium's secretstream (XChaCha20-Poly1305)
 *   chunks                   65,536 bytes and 17 more each, the last one shorter and marked as the last */
#ifndef SB_CRYPTO_SEALED_BACKUP_H
#define SB_CRYPTO_SEALED_BACKUP_H

#include "crypto/crypto.h"

/* From one open file to another, from where each stands. SB_IO, SB_DISK_FULL. */
sb_status sb_sealed_backup_seal(const sb_root *root, int from, int to, sb_error *error);
/* SB_WRONG_KEY: sealed under another root key. SB_INVALID: no backup, damaged, or cut short; then what was written to `to`
 * is worthless. */
sb_status sb_sealed_backup_open(const sb_root *root, int from, int to, sb_error *error);

#endif
