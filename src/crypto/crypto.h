/* Cryptography (L1), on libsodium. No algorithm is invented here. Key hierarchy (envelope encryption):
 *
 *   root key   outside the database: a file, a variable or a systemd credential (root.h)
 *     wraps
 *   data keys  random, kept wrapped in the gallery's database; seal its fields and hash its ids (keyring.h)
 *   audit key  random, wrapped likewise; signs the audit chain (chain.h) and authenticates sets of rows (row_set_mac.h)
 *
 * So data keys can be rotated without a new root key, and the root key replaced without touching a sealed field.
 * Include this header for primitives.h, keyring.h and root.h; the others are included by name. */
#ifndef SB_CRYPTO_H
#define SB_CRYPTO_H

#include "crypto/keyring.h"
#include "crypto/primitives.h"
#include "crypto/root.h"

#endif
