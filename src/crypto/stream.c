/* The XChaCha20 key stream of temporary files, applied from any offset on. */
#include "crypto/crypto.h"

#include <sodium.h>
#include <string.h>

enum { BLOCK = 64 };

void sb_crypto_stream_xor(const uint8_t key[32], uint64_t offset, void *bytes, size_t size) {
  static const uint8_t nonce[crypto_stream_xchacha20_NONCEBYTES] = {0};
  uint8_t *at = bytes;
  size_t skip = offset % BLOCK;
  if (skip && size) { /* the rest of the block that contains `offset` */
    uint8_t block[BLOCK] = {0};
    size_t part = size < BLOCK - skip ? size : BLOCK - skip;
    crypto_stream_xchacha20_xor_ic(block, block, BLOCK, nonce, offset / BLOCK, key);
    for (size_t i = 0; i < part; i++) at[i] ^= block[skip + i];
    at += part;
    size -= part;
    offset += part;
    sodium_memzero(block, sizeof block);
  }
  if (size) crypto_stream_xchacha20_xor_ic(at, at, size, nonce, offset / BLOCK, key);
}
