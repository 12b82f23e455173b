/* PNG decoding by libspng. */
#include "image/codecs.h"

#include <spng.h>
#include <stdlib.h>

enum { CHUNK_MAX = 16 << 20, CHUNKS_MAX = 64 << 20 };

static sb_status damaged(int code, sb_error *error) {
  if (code == SPNG_EMEM) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  if (code == SPNG_IO_EOF) return sb_fail(error, SB_BAD_IMAGE, "the PNG photo is truncated: its end is missing");
  return sb_fail(error, SB_BAD_IMAGE, "the PNG photo is damaged: %s", spng_strerror(code));
}

static sb_status read_picture(spng_ctx *png, const sb_image_limits *limits, sb_image_decoded *out, sb_error *error) {
  struct spng_ihdr header;
  int code = spng_get_ihdr(png, &header);
  if (code) return damaged(code, error);
  sb_status status = sb_image_size_check(header.width, header.height, limits, error);
  if (status != SB_OK) return status;
  size_t size = 0;
  if ((code = spng_decoded_image_size(png, SPNG_FMT_RGBA8, &size))) return damaged(code, error);
  status = sb_image_new((int)header.width, (int)header.height, &out->image, error);
  uint8_t *rgba = status == SB_OK ? sb_alloc(size, 1, error) : NULL;
  if (!rgba) return SB_NO_MEMORY;
  code = spng_decode_image(png, rgba, size, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
  if (!code) code = spng_decode_chunks(png);
  if (!code) sb_image_flatten_rgba(rgba, (size_t)header.width * header.height, out->image.pixels);
  free(rgba);
  if (code) return damaged(code, error);
  struct spng_exif exif;
  if (!spng_get_exif(png, &exif)) out->orientation = sb_image_exif_orientation((const uint8_t *)exif.data, exif.length);
  return SB_OK;
}

sb_status sb_image_decode_png(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error) {
  spng_ctx *png = spng_ctx_new(0);
  if (!png) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  spng_set_image_limits(png, 0x7fffffff, 0x7fffffff); /* sb_image_size_check has its own message */
  spng_set_chunk_limits(png, CHUNK_MAX, CHUNKS_MAX);
  int code = spng_set_png_buffer(png, bytes, size);
  sb_status status = code ? damaged(code, error) : read_picture(png, limits, out, error);
  spng_ctx_free(png);
  return status;
}
