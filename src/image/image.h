/* Images (L1): decoding photos to RGB pixels, resizing, affine warping, rotating, and writing JPEG. Encoded bytes are
 * untrusted: the limits are checked before any large allocation. */
#ifndef SB_IMAGE_H
#define SB_IMAGE_H

#include "base/base.h"

enum { SB_IMAGE_BORDER_ZERO, SB_IMAGE_BORDER_EDGE }; /* outside the image: black, or the nearest pixel */
enum { SB_IMAGE_WARP_LINEAR = 4 }; /* added to a border: sb_image_warp never halves, as OpenCV's warpAffine */

/* Upright 8-bit RGB, interleaved, without row padding: pixel (x, y) begins at pixels[(y * width + x) * 3]. One
 * thread. */
typedef struct sb_image {
  int width, height;               /* as decoded */
  int source_width, source_height; /* of the full-size photo, upright: coordinates scale by source_width / width */
  uint8_t *pixels;                 /* owned; width * height * 3 bytes */
  size_t reserved;                 /* of the memory for photos (below): sb_image_decode's pictures only */
} sb_image;

/* What decoding one photo may cost. A photo is decoded at 1/2, 1/4 or 1/8 of its size where that is enough, or where it
 * would not fit otherwise. */
typedef struct sb_image_limits {
  size_t max_bytes;  /* encoded */
  size_t max_pixels; /* of the full-size photo; of a JPEG: as decoded */
  int max_side;      /* likewise */
  int enough_side;   /* reduce while the longer side stays at least this; 0: only as far as the other limits need it */
  uint64_t max_work; /* pixels of the full-size photo times the passes that a decoder makes over them */
  size_t max_memory; /* of the decoder and its picture */
  int max_ms;        /* processor time of the calling thread */
} sb_image_limits;
/* 32 MiB, 100 megapixels, 30,000 pixels a side, enough at 1,600; 1.6 gigapixels, 512 MiB, 5 seconds. */
extern const sb_image_limits sb_image_default_limits;

/* The memory for photos. All pictures that sb_image_decode makes, and its decoders, share this many bytes in one
 * process; a photo waits for its part (in the order of arrival) before it is decoded, and gives it back in
 * sb_image_free. So a thread must not decode a large photo while it holds another. 512 MiB until it is raised; it is
 * never lowered. Any thread. */
void sb_image_memory_raise(size_t bytes);
/* The bytes reserved now, and the most so far. */
void sb_image_memory_used(size_t *now, size_t *most);

typedef enum sb_image_kind {
  SB_IMAGE_UNKNOWN,
  SB_IMAGE_JPEG,
  SB_IMAGE_PNG,
  SB_IMAGE_WEBP,
  SB_IMAGE_HEIF, /* HEIC and AVIF */
  SB_IMAGE_GIF,
  SB_IMAGE_BMP,
  SB_IMAGE_TIFF,
  SB_IMAGE_JXL /* JPEG XL */
} sb_image_kind;
sb_image_kind sb_image_sniff(const void *bytes, size_t size);

/* Whether HEIC and AVIF photos can be decoded here: Debian ships the codecs of libheif in separate packages. */
void sb_image_heif_codecs(bool *heic, bool *avif);
/* Whether this build decodes JPEG XL (Meson's option jxl). */
bool sb_image_has_jxl(void);

/* Decodes to upright RGB. Grey, CMYK/YCCK, palette and 16-bit inputs are converted; alpha is composited over white; the
 * first frame of an animation and the first page of a TIFF are used; EXIF orientation 1..8 is applied (HEIF
 * and JPEG XL have a rotation of their own instead). SB_BAD_IMAGE: empty, truncated, damaged, or without a visible
 * pixel. SB_UNSUPPORTED_IMAGE: another format; the message names what the bytes look like (text, PDF, SVG, ZIP ...).
 * SB_IMAGE_TOO_LARGE. `limits` NULL: the default. */
sb_status sb_image_decode(const void *bytes, size_t size, const sb_image_limits *limits, sb_image *out,
                          sb_error *error);
void sb_image_free(sb_image *image); /* leaves a zeroed struct */

/* Resizes to width x height: area averaging along an axis that shrinks, bilinear (half-pixel centres) along one that
 * grows. `target` has room for `height` rows of `stride` bytes. SB_NO_MEMORY. */
sb_status sb_image_resize(const sb_image *source, uint8_t *target, int width, int height, size_t stride,
                          sb_error *error);

/* Resizes bilinearly without averaging, as OpenCV's cv2.resize does by default (INTER_LINEAR), for models that were
 * trained with it. Values are 0..255, not rounded. `target` has room for `height` rows of `stride` floats.
 * SB_NO_MEMORY. */
sb_status sb_image_resize_linear(const sb_image *source, float *target, int width, int height, size_t stride,
                                 sb_error *error);

/* Affine warp: target pixel (x, y) = source at (m[0]x + m[1]y + m[2], m[3]x + m[4]y + m[5]), sampled bilinearly; pixel
 * centres are at whole numbers. Where the map shrinks by more than 2, the region needed is first halved (5-tap binomial
 * filter) until it shrinks by at most 2. `target`: width * height * 3 bytes. `border`: SB_IMAGE_BORDER_*,
 * with SB_IMAGE_WARP_LINEAR or without.
 * SB_NO_MEMORY. */
sb_status sb_image_warp(const sb_image *source, const double m[6], int border, uint8_t *target, int width, int height,
                        sb_error *error);

/* Encodes width * height RGB pixels as JPEG; `*bytes` is released by free(). `quality` 1..100 as in libjpeg.
 * SB_NO_MEMORY. */
sb_status sb_image_write_jpeg(const uint8_t *rgb, int width, int height, int quality, uint8_t **bytes, size_t *size,
                              sb_error *error);

/* Rotates by `turns` (0..3) quarter turns clockwise into a new image. */
sb_status sb_image_rotate(const sb_image *source, int turns, sb_image *out, sb_error *error);

#endif
