/* Conversion between float32 and IEEE 754 half precision (binary16) in plain C, rounding to nearest even as the
 * hardware does. */
#ifndef SB_VECTOR_KERNELS_HALF_H
#define SB_VECTOR_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float sb_half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff, bits;
  float value;
  if (exponent == 0) { /* zero or subnormal: fraction * 2^-24 */
    value = (float)fraction * 0x1p-24f;
    memcpy(&bits, &value, 4);
  } else if (exponent == 31) {
    bits = 0x7f800000 | fraction << 13;
  } else {
    bits = (exponent + 112) << 23 | fraction << 13;
  }
  bits |= sign;
  memcpy(&value, &bits, 4);
  return value;
}

static inline uint16_t sb_half_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return sign | 0x7e00;  /* NaN */
  if (bits >= 0x477ff000) return sign | 0x7c00; /* 65520 and more rounds to infinity */
  if (bits < 0x38800000) {                      /* below 2^-14: subnormal; the addition rounds */
    float magnitude;
    memcpy(&magnitude, &bits, 4);
    magnitude += 0.5f; /* the last place of values in 0.5..1 is 2^-24 */
    uint32_t rounded;
    memcpy(&rounded, &magnitude, 4);
    return sign | (uint16_t)(rounded - 0x3f000000);
  }
  bits += 0xfff + (bits >> 13 & 1);
  return sign | (uint16_t)((bits - 0x38000000) >> 13);
}

#endif
