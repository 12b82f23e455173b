/* Encoding of templates and attributes as the bytes of a column (docs/formats.md). */
#include "store/sealing/column_encoding.h"

#include <string.h>

enum { VERSION = 2, OLD_ETHNICITIES = 5, OLD_SIZE = 1 + 4 * (3 + OLD_ETHNICITIES) };
/* Version 1 had fewer classes, in this order. */
static const int old_ethnicities[OLD_ETHNICITIES] = {0, 1, 2, 3, SB_ETHNICITIES - 1};

static void put_float(uint8_t *at, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(bits >> (8 * i));
}

static float get_float(const uint8_t *at) {
  uint32_t bits = 0;
  float value;
  for (int i = 0; i < 4; i++) bits |= (uint32_t)at[i] << (8 * i);
  memcpy(&value, &bits, sizeof value);
  return value;
}

void sb_store_floats_write(const float *values, size_t count, uint8_t *bytes) {
  for (size_t i = 0; i < count; i++) put_float(bytes + 4 * i, values[i]);
}

void sb_store_floats_read(const uint8_t *bytes, size_t count, float *values) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memmove(values, bytes,
          count * sizeof *values); /* fast: it reads a million templates at start. May be the same memory. */
#else
  for (size_t i = 0; i < count; i++) values[i] = get_float(bytes + 4 * i);
#endif
}

/* binary16 has 5 bits of exponent (bias 15) and 10 of fraction; float32 has 8 (bias 127) and 23. Scaling by 2^(127-15)
 * converts one bias into the other, subnormal numbers included, without a branch, so the compiler can vectorize it. */
static uint16_t float_to_half(float value) {
  uint32_t bits;
  value *= 0x1p-112f;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  magnitude += 0xfffu + (magnitude >> 13 & 1u); /* round to nearest, ties to even */
  uint32_t half = magnitude >> 13;
  return (uint16_t)(sign | (half < 0x7bffu ? half : 0x7bffu));
}

static float half_to_float(uint16_t half) {
  uint32_t bits = (half & 0x7fffu) << 13, sign = (half & 0x8000u) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  value *= 0x1p112f;
  memcpy(&bits, &value, sizeof bits);
  bits |= sign;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void sb_store_halfvec_write(const float *values, size_t count, uint8_t *bytes) {
  bytes[0] = (uint8_t)(count >> 8), bytes[1] = (uint8_t)count, bytes[2] = bytes[3] = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t half = float_to_half(values[i]);
    bytes[SB_HALFVEC_HEAD + 2 * i] = (uint8_t)(half >> 8);
    bytes[SB_HALFVEC_HEAD + 2 * i + 1] = (uint8_t)half;
  }
}

bool sb_store_halfvec_read(const uint8_t *bytes, size_t count, float *values) {
  unsigned not_finite = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t half = (uint16_t)(bytes[SB_HALFVEC_HEAD + 2 * i] << 8 | bytes[SB_HALFVEC_HEAD + 2 * i + 1]);
    not_finite |= (half & 0x7c00u) == 0x7c00u; /* infinite, or not a number */
    values[i] = half_to_float(half);
  }
  return !not_finite && (size_t)(bytes[0] << 8 | bytes[1]) == count;
}

void sb_store_attributes_write(const sb_attributes *attributes, uint8_t bytes[SB_ATTRIBUTES_SIZE]) {
  bytes[0] = VERSION;
  put_float(bytes + 1, attributes->age);
  put_float(bytes + 5, attributes->man);
  put_float(bytes + 9, attributes->woman);
  sb_store_floats_write(attributes->ethnicity, SB_ETHNICITIES, bytes + 13);
}

bool sb_store_attributes_read(const uint8_t *bytes, size_t size, sb_attributes *out) {
  bool old = size == OLD_SIZE && bytes[0] == 1;
  if (!old && (size != SB_ATTRIBUTES_SIZE || bytes[0] != VERSION)) return false;
  out->age = get_float(bytes + 1);
  out->man = get_float(bytes + 5);
  out->woman = get_float(bytes + 9);
  for (int i = 0; i < SB_ETHNICITIES; i++) out->ethnicity[i] = -1;
  if (old)
    for (int i = 0; i < OLD_ETHNICITIES; i++) out->ethnicity[old_ethnicities[i]] = get_float(bytes + 13 + 4 * i);
  else
    sb_store_floats_read(bytes + 13, SB_ETHNICITIES, out->ethnicity);
  out->ethnicity_dominant = 0;
  for (int i = 1; i < SB_ETHNICITIES; i++)
    if (out->ethnicity[i] > out->ethnicity[out->ethnicity_dominant]) out->ethnicity_dominant = i;
  return true;
}
