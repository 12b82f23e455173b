/* A message authentication code over a set of rows that can be updated while rows are added and removed: rows that were
 * removed, restored or changed without the key are detected. Algorithm: MSet-Add-Hash of Clarke, Devadas, van Dijk,
 * Gassend and Suh (ASIACRYPT 2003): the sum modulo 2^256 of a keyed hash (BLAKE2b) of each row, and a keyed hash over
 * the sum. */
#ifndef SB_CRYPTO_ROW_SET_MAC_H
#define SB_CRYPTO_ROW_SET_MAC_H

#include "crypto/crypto.h"

typedef struct sb_crypto_row_set_mac {
  uint64_t words[4]; /* the 256-bit sum, least significant word first */
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

enum { SB_ROW_SET_MAC_SIZE = 8 + 32 + SB_DIGEST_SIZE };
/* Writes the sum with its MAC, bound to the audit entry `sequence`, so that an older one is not accepted. SB_WRONG_KEY
 * as above. */
sb_status sb_crypto_row_set_mac_write(const sb_keyring *keyring, int64_t sequence, const sb_crypto_row_set_mac *sum,
                                      uint8_t bytes[SB_ROW_SET_MAC_SIZE], sb_error *error);
/* False: not written with this key, or changed. */
bool sb_crypto_row_set_mac_read(const sb_keyring *keyring, const uint8_t *bytes, size_t size, int64_t *sequence,
                                sb_crypto_row_set_mac *sum);

#endif
