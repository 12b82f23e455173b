/* Templates and attributes as bytes of the database: float32, little-endian. */
#ifndef SB_STORE_ATTRIBUTES_H
#define SB_STORE_ATTRIBUTES_H

#include "base/base.h"

enum { SB_ATTRIBUTES_SIZE = 1 + 4 * (3 + SB_ETHNICITIES) };

void sb_floats_write(const float *values, size_t count, uint8_t *bytes);
void sb_floats_read(const uint8_t *bytes, size_t count, float *values);
void sb_attributes_write(const sb_attributes *attributes, uint8_t bytes[SB_ATTRIBUTES_SIZE]);
bool sb_attributes_read(const uint8_t *bytes, size_t size, sb_attributes *out); /* false: of another layout */

#endif
