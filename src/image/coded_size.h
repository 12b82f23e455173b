/* The picture size in a codec's own bitstream, whatever the container around it claims: AV1 (sequence header, section
 * 5.5 of the AV1 Bitstream & Decoding Process Specification) and HEVC (sequence parameter set, ITU-T H.265 section
 * 7.3.2.2). */
#ifndef SB_IMAGE_CODED_SIZE_H
#define SB_IMAGE_CODED_SIZE_H

#include "base/base.h"

/* The maximum over all sequence headers of a stream, for each side separately. */
typedef struct sb_image_coded_size {
  uint32_t width, height; /* of the decoder's output */
  /* What the decoder may allocate: the largest frame that the header allows (AV1), or the uncropped size (HEVC). */
  uint32_t room_width, room_height;
} sb_image_coded_size;

/* `bytes`: OBUs (open bitstream units). False: no sequence header, or a truncated one. */
bool sb_image_coded_size_av1(const uint8_t *bytes, size_t size, sb_image_coded_size *out);
/* `bytes`: NAL units, each preceded by its length in four bytes, big-endian. False as above. */
bool sb_image_coded_size_hevc(const uint8_t *bytes, size_t size, sb_image_coded_size *out);

#endif
