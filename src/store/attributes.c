/* Attributes as bytes: a version, then float32 values, little-endian (docs/formats.md). */
#include "store/attributes.h"

#include <string.h>

enum { VERSION = 2, OLD_ETHNICITIES = 5, OLD_SIZE = 1 + 4 * (3 + OLD_ETHNICITIES) };
/* Version 1 knew fewer classes, in this order. */
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

void sb_floats_write(const float *values, size_t count, uint8_t *bytes) {
  for (size_t i = 0; i < count; i++) put_float(bytes + 4 * i, values[i]);
}

void sb_floats_read(const uint8_t *bytes, size_t count, float *values) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(values, bytes, count * sizeof *values); /* a million templates at start */
#else
  for (size_t i = 0; i < count; i++) values[i] = get_float(bytes + 4 * i);
#endif
}

void sb_attributes_write(const sb_attributes *attributes, uint8_t bytes[SB_ATTRIBUTES_SIZE]) {
  bytes[0] = VERSION;
  put_float(bytes + 1, attributes->age);
  put_float(bytes + 5, attributes->man);
  put_float(bytes + 9, attributes->woman);
  sb_floats_write(attributes->ethnicity, SB_ETHNICITIES, bytes + 13);
}

bool sb_attributes_read(const uint8_t *bytes, size_t size, sb_attributes *out) {
  bool old = size == OLD_SIZE && bytes[0] == 1;
  if (!old && (size != SB_ATTRIBUTES_SIZE || bytes[0] != VERSION)) return false;
  out->age = get_float(bytes + 1);
  out->man = get_float(bytes + 5);
  out->woman = get_float(bytes + 9);
  for (int i = 0; i < SB_ETHNICITIES; i++) out->ethnicity[i] = -1;
  if (old)
    for (int i = 0; i < OLD_ETHNICITIES; i++) out->ethnicity[old_ethnicities[i]] = get_float(bytes + 13 + 4 * i);
  else
    sb_floats_read(bytes + 13, SB_ETHNICITIES, out->ethnicity);
  out->ethnicity_dominant = 0;
  for (int i = 1; i < SB_ETHNICITIES; i++)
    if (out->ethnicity[i] > out->ethnicity[out->ethnicity_dominant]) out->ethnicity_dominant = i;
  return true;
}
