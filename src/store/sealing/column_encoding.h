/* Templates and attributes as the bytes of a column (docs/formats.md): float32 or binary16. */
#ifndef SB_STORE_SEALING_COLUMN_ENCODING_H
#define SB_STORE_SEALING_COLUMN_ENCODING_H

#include "base/base.h"

/* float32, little-endian; 4 * count bytes. `bytes` and `values` of sb_store_floats_read may be the same memory. */
void sb_store_floats_write(const float *values, size_t count, uint8_t *bytes);
void sb_store_floats_read(const uint8_t *bytes, size_t count, float *values);

/* pgvector's halfvec on the wire: int16 count, int16 0, then binary16 values, all big-endian. A value is rounded to 11
 * bits. */
enum { SB_HALFVEC_HEAD = 4 };
void sb_store_halfvec_write(const float *values, size_t count, uint8_t *bytes);
/* false: another count, or a value that is not finite. */
bool sb_store_halfvec_read(const uint8_t *bytes, size_t count, float *values);

/* A version, then float32 values. */
enum { SB_ATTRIBUTES_SIZE = 1 + 4 * (3 + SB_ETHNICITIES) };
void sb_store_attributes_write(const sb_attributes *attributes, uint8_t bytes[SB_ATTRIBUTES_SIZE]);
/* false: an unknown version or length. */
bool sb_store_attributes_read(const uint8_t *bytes, size_t size, sb_attributes *out);

#endif
