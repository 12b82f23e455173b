/* One decoder a format, behind sb_image_decode. Each gives the picture as stored (but HEIF, which is upright already) and the
 * EXIF orientation, which image.c applies. */
#ifndef SB_IMAGE_CODECS_H
#define SB_IMAGE_CODECS_H

#include "image/image.h"

typedef struct sb_image_decoded {
  sb_image image;  /* source_width/height as stored */
  int orientation; /* EXIF 1..8 */
} sb_image_decoded;

typedef sb_status (*sb_image_decoder)(const uint8_t *bytes, size_t size, const sb_image_limits *limits,
                                      sb_image_decoded *out, sb_error *error);
sb_status sb_image_decode_jpeg(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error);
sb_status sb_image_decode_png(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error);
sb_status sb_image_decode_webp(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error);
sb_status sb_image_decode_heif(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error);

/* Before any allocation: SB_IMAGE_TOO_LARGE, or SB_BAD_IMAGE for an empty picture. */
sb_status sb_image_size_check(uint64_t width, uint64_t height, const sb_image_limits *limits, sb_error *error);
/* Room for width * height RGB pixels; source size the same. */
sb_status sb_image_new(int width, int height, sb_image *out, sb_error *error);
/* Lays 8-bit RGBA over white. */
void sb_image_flatten_rgba(const uint8_t *rgba, size_t pixels, uint8_t *rgb);

/* The orientation in a TIFF structure (the body of an EXIF block); 1 when it tells none or is malformed. */
int sb_image_exif_orientation(const uint8_t *tiff, size_t size);
/* Turns `image` upright. */
sb_status sb_image_orient(sb_image *image, int orientation, sb_error *error);

#endif
