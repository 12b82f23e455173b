/* How large the pictures are that a codec's own stream announces, whatever the boxes around it say: AV1 (sequence header, section 5.5
 * of its specification) and HEVC (sequence parameter set, section 7.3.2.2 of H.265). */
#ifndef SB_IMAGE_CODED_SIZE_H
#define SB_IMAGE_CODED_SIZE_H

#include "base/base.h"

/* The largest of all that a stream announces, each side for itself. */
typedef struct sb_image_coded_size {
  uint32_t width, height; /* of what comes out of the decoder */
  uint32_t room_width,
      room_height; /* what it may make room for: as many as frames' own sizes can tell (AV1), or uncropped (HEVC) */
} sb_image_coded_size;

/* `bytes`: open bitstream units. False: no picture size is announced, or the announcement is cut short. */
bool sb_image_coded_size_av1(const uint8_t *bytes, size_t size, sb_image_coded_size *out);
/* `bytes`: units, each behind its length in four bytes. */
bool sb_image_coded_size_hevc(const uint8_t *bytes, size_t size, sb_image_coded_size *out);

#endif
