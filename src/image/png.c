/* PNG decoding by libspng, row by row; interlaced pictures at once. */
#include "image/codecs.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX = 16 << 20, CHUNKS_MAX = 32 << 20, ROWS_A_CHECK = 64 };

static sb_status damaged(int code, sb_error *error) {
  if (code == SPNG_EMEM) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  if (code == SPNG_IO_EOF) return sb_fail(error, SB_BAD_IMAGE, "the PNG photo is truncated: its end is missing");
  return sb_fail(error, SB_BAD_IMAGE, "the PNG photo is damaged: %s", spng_strerror(code));
}

typedef struct reader {
  spng_ctx *png;
  const sb_image_limits *limits;
  struct spng_ihdr header;
  bool alpha;
  sb_image_rows rows;
  sb_image_decoded *out;
} reader;

static int format_of(const reader *r) {
  return r->alpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8;
}

static void add_row(reader *r, const uint8_t *row) {
  if (r->alpha)
    sb_image_rows_rgba(&r->rows, row);
  else
    sb_image_rows_rgb(&r->rows, row);
}

static sb_status read_rows(reader *r, sb_error *error) {
  size_t width = (size_t)r->header.width * (r->alpha ? 4 : 3);
  int code = spng_decode_image(r->png, NULL, 0, format_of(r), SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
  if (code) return damaged(code, error);
  uint8_t *row = sb_alloc(width, 1, error);
  if (!row) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  for (uint32_t y = 0; status == SB_OK && y < r->header.height; y++) {
    code = spng_decode_row(r->png, row, width);
    if (code && code != SPNG_EOI) status = damaged(code, error);
    if (status == SB_OK && y % ROWS_A_CHECK == 0) status = sb_image_check_time(r->out, r->limits, error);
    if (status == SB_OK) add_row(r, row);
  }
  free(row);
  return status;
}

static size_t whole_size(const reader *r) {
  return (size_t)r->header.width * r->header.height * (r->alpha ? 4 : 3);
}

static sb_status read_interlaced(reader *r, sb_error *error) {
  size_t size = whole_size(r);
  uint8_t *whole = sb_alloc(size, 1, error);
  if (!whole) return SB_NO_MEMORY;
  int code = spng_decode_image(r->png, whole, size, format_of(r), SPNG_DECODE_TRNS);
  for (uint32_t y = 0; !code && y < r->header.height; y++) add_row(r, whole + y * (size / r->header.height));
  free(whole);
  return code ? damaged(code, error) : SB_OK;
}

/* The chunks behind the picture. A photo whose end mark alone is missing (a broken download) is complete. */
static sb_status read_rest(reader *r, sb_error *error) {
  int code = spng_decode_chunks(r->png);
  struct spng_exif exif;
  if (code && code != SPNG_IO_EOF) return damaged(code, error);
  if (!spng_get_exif(r->png, &exif))
    r->out->orientation = sb_image_exif_orientation((const uint8_t *)exif.data, exif.length);
  return SB_OK;
}

static sb_status read_picture(reader *r, sb_error *error) {
  int code = spng_get_ihdr(r->png, &r->header);
  if (code) return damaged(code, error);
  uint64_t width = r->header.width, height = r->header.height;
  sb_status status = sb_image_size_check(width, height, r->limits, error);
  if (status != SB_OK) return status;
  struct spng_trns transparency;
  r->alpha = r->header.color_type & 4 || !spng_get_trns(r->png, &transparency);
  bool interlaced = r->header.interlace_method != SPNG_INTERLACE_NONE;
  int scale = sb_image_scale(width, height, r->limits);
  uint64_t codec = CHUNKS_MAX + (interlaced ? whole_size(r) : 0);
  status = sb_image_reserve(r->out, width / (uint64_t)scale + 1, height / (uint64_t)scale + 1, codec, r->limits, error);
  if (status != SB_OK) return status;
  status = sb_image_rows_begin(&r->rows, (int)width, (int)height, scale, &r->out->image, error);
  if (status == SB_OK) status = interlaced ? read_interlaced(r, error) : read_rows(r, error);
  if (status == SB_OK) status = read_rest(r, error);
  return sb_image_rows_end(&r->rows, status, error);
}

/* The PNGs in an iPhone app's bundle are a format of their own: Apple's tools put this chunk before IHDR, leave out
 * zlib's header and swap colours. */
static bool is_apples(const uint8_t *bytes, size_t size) {
  return size > 16 && !memcmp(bytes + 12, "CgBI", 4);
}

sb_status sb_image_decode_png(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error) {
  if (is_apples(bytes, size))
    return sb_fail(error, SB_UNSUPPORTED_IMAGE,
                   "unsupported photo format: it looks like a PNG that was changed for iOS apps (CgBI). Send the "
                   "original PNG");
  spng_ctx *png = spng_ctx_new(0);
  if (!png) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  spng_set_image_limits(png, 0x7fffffff, 0x7fffffff); /* sb_image_size_check has its own message */
  spng_set_chunk_limits(png, CHUNK_MAX, CHUNKS_MAX);
  reader r = {.png = png, .limits = limits, .out = out};
  int code = spng_set_png_buffer(png, bytes, size);
  sb_status status = code ? damaged(code, error) : read_picture(&r, error);
  spng_ctx_free(png);
  return status;
}
