/* Internal to src/image: the decoders behind sb_image_decode (one a format) and the helpers that they share.
 *
 * decode.c calls the decoders; the decoders call pixels.c and exif.c; nothing calls back. A decoder returns the picture
 * as it is stored in the file, with its EXIF orientation, which decode.c applies. HEIF is the exception: libheif turns
 * the picture itself, so its orientation stays 1. On failure decode.c frees whatever a decoder left in `out->image`. */
#ifndef SB_IMAGE_CODECS_H
#define SB_IMAGE_CODECS_H

#include "image/image.h"

typedef struct sb_image_decoded {
  sb_image image;  /* source_width and source_height as stored */
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

/* Call before any allocation. SB_IMAGE_TOO_LARGE beyond the limits, SB_BAD_IMAGE for a picture without pixels. */
sb_status sb_image_size_check(uint64_t width, uint64_t height, const sb_image_limits *limits, sb_error *error);
/* Allocates width * height RGB pixels, zeroed; the source size is set to the same. */
sb_status sb_image_new(int width, int height, sb_image *out, sb_error *error);
/* Composites 8-bit RGBA over white. */
void sb_image_flatten_rgba(const uint8_t *rgba, size_t pixels, uint8_t *rgb);

/* The orientation in a TIFF structure (the body of an EXIF block); 1 when it is absent or malformed. */
int sb_image_exif_orientation(const uint8_t *tiff, size_t size);
/* Turns `image` upright, for an EXIF orientation. */
sb_status sb_image_orient(sb_image *image, int orientation, sb_error *error);

#endif
