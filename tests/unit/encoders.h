/* Photos made for the tests of decoding. Each gives bytes that are released by free(); a failure ends the test. */
#ifndef SB_TESTS_ENCODERS_H
#define SB_TESTS_ENCODERS_H

#include "unit.h"

#include <gif_lib.h>
#include <tiffio.h>

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

/* One picture of a GIF: the number of a colour for each pixel. */
typedef struct gif_frame {
  const uint8_t *numbers;
  int left, top, width, height;
  bool interlaced;
  int transparent; /* -1: none */
} gif_frame;
/* On a canvas of width x height, with eight colours. */
encoded encode_gif(const gif_frame *frames, int count, int width, int height, const uint8_t colours[][3]);

/* A file in memory, for libtiff. */
typedef struct memory_file {
  encoded out;
  size_t at;
} memory_file;
TIFF *open_tiff(memory_file *file, const char *mode);

/* RGB or RGBA; where the build has libjxl. */
encoded encode_jxl(const uint8_t *pixels, int width, int height, int channels, bool lossless);

#endif
