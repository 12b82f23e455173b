/* xorshift64 (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003): fast pseudorandom numbers for
 * sampling and starting values. Deterministic, not for secrets. */
#ifndef SB_VECTOR_QUANTIZER_XORSHIFT_H
#define SB_VECTOR_QUANTIZER_XORSHIFT_H

#include <stdint.h>

/* `*state` must not be zero. */
static inline uint64_t sb_xorshift(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

/* Uniform in -0.5 .. 0.5. */
static inline double sb_xorshift_centred(uint64_t *state) {
  return (double)(sb_xorshift(state) >> 11) * 0x1p-53 - 0.5;
}

#endif
