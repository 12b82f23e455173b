/* Photos made for the tests of decoding. Each gives bytes that are released by free(); a failure ends the test. */
#ifndef SB_TESTS_ENCODERS_H
#define SB_TESTS_ENCODERS_H

#include "unit.h"

typedef struct encoded {
  uint8_t *bytes;
  size_t size;
} encoded;

enum { JPEG_GREY = 1, JPEG_RGB = 3, JPEG_CMYK = 4 };
/* `pixels`: width * height * channels bytes; quality 100, no subsampling; CMYK as Adobe writes it (0 is full ink).
 * `orientation` 0: without EXIF. */
encoded encode_jpeg(const uint8_t *pixels, int width, int height, int channels, bool progressive, int orientation);
/* RGB as above, each component in a scan of its own. */
encoded encode_jpeg_by_components(const uint8_t *rgb, int width, int height);
/* One colour, quality 75, colour at half the resolution. */
encoded encode_flat_jpeg(const uint8_t colour[3], int width, int height, bool progressive);
/* `pixels`: 8 bits of the PNG colour type's channels, 16 bits big-endian where `bits` is 16. */
encoded encode_png(const void *pixels, size_t size, int width, int height, int bits, int colour_type);
/* Lossless, RGBA. */
encoded encode_webp(const uint8_t *rgba, int width, int height);
/* The frames one after another, each a second. */
encoded encode_animation(const uint8_t *const *frames, int count, int width, int height);
bool heif_is_written(bool av1); /* whether the libheif of this machine can: HEIC, or AVIF where `av1` */
/* HEIC, or AVIF where `av1`; bytes NULL where it is not written. */
encoded encode_heif(const uint8_t *rgb, int width, int height, bool av1);

#endif
