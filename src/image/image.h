/* L1: encoded bytes -> pixels. Every byte is hostile until decoded; limits hold before any large allocation. */
#ifndef SB_IMAGE_H
#define SB_IMAGE_H

#include "base/base.h"

enum { SB_IMAGE_BORDER_ZERO, SB_IMAGE_BORDER_EDGE };

/* Upright 8-bit RGB, interleaved, rows without gaps: pixel (x, y) begins at pixels[(y * width + x) * 3]. One thread. */
typedef struct sb_image {
  int width, height;               /* as decoded */
  int source_width, source_height; /* of the full-size photo, upright: coordinates scale by source_width / width */
  uint8_t *pixels;                 /* owned; width * height * 3 bytes */
} sb_image;

typedef struct sb_image_limits {
  size_t max_bytes;  /* encoded */
  size_t max_pixels; /* of the full-size photo */
  int max_side;      /* of the full-size photo */
  int enough_side;   /* a JPEG whose longer side is at least 2, 4, 8 times this is decoded at 1/2, 1/4, 1/8; 0: never */
} sb_image_limits;
/* 32 MiB, 100 megapixels, 30,000 pixels a side, enough at 1,600. */
extern const sb_image_limits sb_image_default_limits;

typedef enum sb_image_kind {
  SB_IMAGE_UNKNOWN,
  SB_IMAGE_JPEG,
  SB_IMAGE_PNG,
  SB_IMAGE_WEBP,
  SB_IMAGE_HEIF /* HEIC and AVIF */
} sb_image_kind;
sb_image_kind sb_image_sniff(const void *bytes, size_t size);

/* Can photos of these kinds be decoded here? Debian packages the codecs apart. */
void sb_image_heif_codecs(bool *heic, bool *avif);

/* Decodes to upright RGB. Grey, CMYK/YCCK, palette and 16-bit inputs are converted; alpha is laid over white; of an
 * animation the first frame counts; EXIF orientation 1..8 is applied (HEIF carries its own).
 * SB_BAD_IMAGE (empty, cut short, damaged), SB_UNSUPPORTED_IMAGE (the message names what the bytes look like: text, PDF,
 * SVG, ZIP, GIF, BMP, TIFF ...), SB_IMAGE_TOO_LARGE. `limits` NULL: the default. */
sb_status sb_image_decode(const void *bytes, size_t size, const sb_image_limits *limits, sb_image *out,
                          sb_error *error);
void sb_image_free(sb_image *image); /* leaves a zeroed struct */

/* Shrinks by area averaging, enlarges bilinearly (half-pixel centres); per axis the same kind. `target` has room for
 * `height` rows of `stride` bytes. SB_NO_MEMORY. */
sb_status sb_image_resize(const sb_image *source, uint8_t *target, int width, int height, size_t stride,
                          sb_error *error);

/* Bilinear without averaging where it shrinks, as OpenCV's cv2.resize does by default, for models that were made with it;
 * 0..255, not rounded. `target` has room for `height` rows of `stride` floats. SB_NO_MEMORY. */
sb_status sb_image_resize_linear(const sb_image *source, float *target, int width, int height, size_t stride,
                                 sb_error *error);

/* target pixel (x, y) = source at (m[0]x + m[1]y + m[2], m[3]x + m[4]y + m[5]), pixel centres at whole numbers, bilinear.
 * Where the map shrinks by more than 2 the region needed is first halved (5-tap binomial) as often as wanted.
 * `target`: width * height * 3 bytes. `border`: SB_IMAGE_BORDER_*. SB_NO_MEMORY. */
sb_status sb_image_warp(const sb_image *source, const double m[6], int border, uint8_t *target, int width, int height,
                        sb_error *error);

/* A JPEG of `width` * `height` RGB pixels, to be released by free(); `quality` 1..100 as libjpeg counts. SB_NO_MEMORY. */
sb_status sb_image_write_jpeg(const uint8_t *rgb, int width, int height, int quality, uint8_t **bytes, size_t *size,
                              sb_error *error);

/* A quarter turn clockwise, `turns` times (0..3), into a new image. */
sb_status sb_image_rotate(const sb_image *source, int turns, sb_image *out, sb_error *error);

#endif
