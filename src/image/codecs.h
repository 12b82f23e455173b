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
  size_t reserved; /* by sb_image_reserve */
  double start_ms; /* sb_image_processor_ms when decoding began */
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
sb_status sb_image_decode_gif(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error);
sb_status sb_image_decode_bmp(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error);
sb_status sb_image_decode_tiff(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error);
sb_status sb_image_decode_jxl(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error);

/* What a file of a format that is not decoded appears to be: "a PDF document". */
const char *sb_image_looks_like(const uint8_t *bytes, size_t size);

/* Call before any allocation. SB_IMAGE_TOO_LARGE beyond the limits, SB_BAD_IMAGE for a picture without pixels. */
sb_status sb_image_size_check(uint64_t width, uint64_t height, const sb_image_limits *limits, sb_error *error);
/* Allocates width * height RGB pixels, zeroed; the source size is set to the same. */
sb_status sb_image_new(int width, int height, sb_image *out, sb_error *error);
/* Composites 8-bit RGBA over white. Returns whether any of the pixels is visible at all. */
bool sb_image_flatten_rgba(const uint8_t *rgba, size_t pixels, uint8_t *rgb);
/* SB_BAD_IMAGE: the alpha of every pixel is 0. */
sb_status sb_image_fail_transparent(sb_error *error);

/* The picture's size divided by this (1, 2, 4 or 8) is enough, and within the limits if any such size is. */
int sb_image_scale(uint64_t width, uint64_t height, const sb_image_limits *limits);
/* Reserves memory for a picture of width x height pixels and `codec` bytes of the decoder, and waits until it is free.
 * Call once a decode, before any large allocation. SB_IMAGE_TOO_LARGE. */
sb_status sb_image_reserve(sb_image_decoded *out, uint64_t width, uint64_t height, uint64_t codec,
                           const sb_image_limits *limits, sb_error *error);
/* Gives back what the decoder used, and leaves the rest to the image. */
void sb_image_keep_reserved(sb_image_decoded *decoded);
void sb_image_memory_give(size_t bytes);
/* Call every few thousand pixels where a decoder allows it. SB_IMAGE_TOO_LARGE. */
sb_status sb_image_check_time(const sb_image_decoded *decoded, const sb_image_limits *limits, sb_error *error);
double sb_image_processor_ms(void); /* of this thread */
/* SB_IMAGE_TOO_LARGE beyond max_work. */
sb_status sb_image_check_work(uint64_t pixels, uint64_t passes, const sb_image_limits *limits, sb_error *error);

/* A picture that arrives as rows, from the top, and becomes `scale` times smaller. */
typedef struct sb_image_rows {
  sb_image *image;
  int width, scale;
  int given, done; /* rows of the full-size and of the smaller picture */
  int summed;      /* rows in `sums` */
  bool visible;    /* some alpha is not 0 */
  uint8_t *line;   /* one row, for the decoder's own use: room for RGBA */
  uint8_t *rgb;    /* one row without alpha */
  uint16_t *sums;
} sb_image_rows;
/* Allocates `image`. Call sb_image_rows_end after it, whatever it returns. */
sb_status sb_image_rows_begin(sb_image_rows *rows, int width, int height, int scale, sb_image *image, sb_error *error);
void sb_image_rows_rgb(sb_image_rows *rows, const uint8_t *rgb);
void sb_image_rows_rgba(sb_image_rows *rows, const uint8_t *rgba);
/* RGBA whose colours are multiplied by their alpha. */
void sb_image_rows_premultiplied(sb_image_rows *rows, const uint8_t *rgba);
/* Returns `status`; if that is SB_OK, SB_BAD_IMAGE for a picture that is transparent everywhere. */
sb_status sb_image_rows_end(sb_image_rows *rows, sb_status status, sb_error *error);

/* The orientation in a TIFF structure (the body of an EXIF block); 1 when it is absent or malformed. */
int sb_image_exif_orientation(const uint8_t *tiff, size_t size);
/* Turns `image` upright, for an EXIF orientation. */
sb_status sb_image_orient(sb_image *image, int orientation, sb_error *error);

#endif
