/* FNV-1a: hash = (hash xor byte) * prime, for each byte. */
#include "base/hash.h"

uint64_t sb_hash_add(uint64_t hash, const void *bytes, size_t size) {
  static const uint64_t prime = 0x100000001b3u;
  const uint8_t *at = bytes;
  for (size_t i = 0; i < size; i++) hash = (hash ^ at[i]) * prime;
  return hash;
}
