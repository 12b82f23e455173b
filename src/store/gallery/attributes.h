/* Templates and attributes as bytes of the database: float32, little-endian; or binary16. */
#ifndef SB_STORE_GALLERY_ATTRIBUTES_H
#define SB_STORE_GALLERY_ATTRIBUTES_H

#include "base/base.h"

enum { SB_ATTRIBUTES_SIZE = 1 + 4 * (3 + SB_ETHNICITIES) };

void sb_store_floats_write(const float *values, size_t count, uint8_t *bytes);
void sb_store_floats_read(const uint8_t *bytes, size_t count, float *values);
/* As pgvector's halfvec has them on the wire: int16 count, int16 0, binary16, big-endian. A number loses all but 11 bits. */
enum { SB_HALFVEC_HEAD = 4 };
void sb_store_halfvec_write(const float *values, size_t count, uint8_t *bytes);
bool sb_store_halfvec_read(const uint8_t *bytes, size_t count,
                           float *values); /* false: of another count, or not all finite */
void sb_store_attributes_write(const sb_attributes *attributes, uint8_t bytes[SB_ATTRIBUTES_SIZE]);
bool sb_store_attributes_read(const uint8_t *bytes, size_t size, sb_attributes *out); /* false: of another layout */

#endif
