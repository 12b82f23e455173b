/* A message authentication code over a set of rows that can be updated while rows are added and removed: rows that were
 * removed, restored or changed without the key are detected. Algorithm: MSet-Add-Hash of Clarke, Devadas, van Dijk,
 * Gassend and Suh (ASIACRYPT 2003): the sum modulo 2^256 of a keyed hash (BLAKE2b) of each row.
 *
 * The sum is stored encrypted. With readable sums, an attacker would learn the hash of each row that is written, as
 * the difference of two sums, and could search among many for some whose hashes add up to the same sum (a generalised
 * birthday problem, Wagner, CRYPTO 2002). Schemas 4 to 8 stored it readable; since then, rows are hashed under another
 * subkey, so that hashes learnt from an old file are of no use. */
#ifndef SB_CRYPTO_ROW_SET_MAC_H
#define SB_CRYPTO_ROW_SET_MAC_H

#include "crypto/crypto.h"

typedef struct sb_crypto_row_set_mac {
  uint64_t words[4]; /* the 256-bit sum, least significant word first */
  bool legacy;       /* as in schemas 4 to 8: rows are hashed under the subkey of that time */
} sb_crypto_row_set_mac;

/* One value of a row. */
typedef struct sb_crypto_row_set_mac_part {
  uint8_t kind; /* distinguishes values of different meaning with the same bytes */
  const void *bytes;
  size_t size;
} sb_crypto_row_set_mac_part;

/* Adds a row to the sum, or with `minus` removes it. SB_WRONG_KEY while the keyring has no audit key. */
sb_status sb_crypto_row_set_mac_row(const sb_keyring *keyring, const sb_crypto_row_set_mac_part *parts, size_t count,
                                    bool minus, sb_crypto_row_set_mac *sum, sb_error *error);
void sb_crypto_row_set_mac_add(sb_crypto_row_set_mac *sum, const sb_crypto_row_set_mac *more);

/* Nonce 24, the encrypted sequence 8 and sum 32, tag 16 */
enum { SB_ROW_SET_MAC_SIZE = 80, SB_ROW_SET_MAC_LEGACY_SIZE = 8 + 32 + SB_DIGEST_SIZE };
/* Encrypts the sum, bound to the audit entry `sequence`, so that an older one is not accepted. SB_WRONG_KEY as
 * above. */
sb_status sb_crypto_row_set_mac_seal(const sb_keyring *keyring, int64_t sequence, const sb_crypto_row_set_mac *sum,
                                     uint8_t sealed[SB_ROW_SET_MAC_SIZE], sb_error *error);
/* False: not sealed with this key, or changed. */
bool sb_crypto_row_set_mac_unseal(const sb_keyring *keyring, const uint8_t *sealed, size_t size, int64_t *sequence,
                                  sb_crypto_row_set_mac *sum);
/* The same for a sum of schemas 4 to 8. */
bool sb_crypto_row_set_mac_read_legacy(const sb_keyring *keyring, const uint8_t *bytes, size_t size, int64_t *sequence,
                                       sb_crypto_row_set_mac *sum);

#endif
