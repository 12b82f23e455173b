/* sb_image_decode: recognises the format by the first bytes, calls its decoder, and turns the result upright. To add a
 * format, add a sb_image_kind, its first bytes in kinds.c, and its decoder in the table of sb_image_decode. */
#include "image/image.h"

#include "image/codecs.h"

#ifdef SB_HEIF
#define HEIF_NAMES "HEIC, AVIF, "
#else
#define HEIF_NAMES ""
#endif
#ifdef SB_TIFF
#define LAST_NAMES "GIF, BMP or TIFF"
#else
#define LAST_NAMES "GIF or BMP"
#endif

const sb_image_limits sb_image_default_limits = {.max_bytes = 32u << 20,
                                                 .max_pixels = 100000000,
                                                 .max_side = 30000,
                                                 .enough_side = 1600,
                                                 .max_work = 1600000000,
                                                 .max_memory = 512u << 20,
                                                 .max_ms = 5000};

sb_status sb_image_decode(const void *data, size_t size, const sb_image_limits *limits, sb_image *out,
                          sb_error *error) {
  static const sb_image_decoder decoders[] = {
      [SB_IMAGE_JPEG] = sb_image_decode_jpeg, [SB_IMAGE_PNG] = sb_image_decode_png,
      [SB_IMAGE_WEBP] = sb_image_decode_webp, [SB_IMAGE_GIF] = sb_image_decode_gif,
#ifdef SB_HEIF
      [SB_IMAGE_HEIF] = sb_image_decode_heif,
#endif
#ifdef SB_JXL
      [SB_IMAGE_JXL] = sb_image_decode_jxl,
#endif
#ifdef SB_TIFF
      [SB_IMAGE_TIFF] = sb_image_decode_tiff,
#endif
      [SB_IMAGE_BMP] = sb_image_decode_bmp};
  if (!limits) limits = &sb_image_default_limits;
  if (!data || !size) return sb_fail(error, SB_BAD_IMAGE, "the photo is empty: it has no bytes");
  if (size > limits->max_bytes)
    return sb_fail(error, SB_IMAGE_TOO_LARGE, "the photo is %zu MiB large; the limit is %zu MiB: send a smaller copy",
                   size >> 20, limits->max_bytes >> 20);
  sb_image_kind kind = sb_image_sniff(data, size);
  if (kind == SB_IMAGE_UNKNOWN) {
    return sb_fail(error, SB_UNSUPPORTED_IMAGE,
                   "unsupported photo format: it looks like %s. Send a JPEG, PNG, WebP, " HEIF_NAMES LAST_NAMES
                   " photo",
                   sb_image_looks_like(data, size));
  }
  sb_image_decoded decoded = {.orientation = 1, .start_ms = sb_image_processor_ms()};
  sb_status status = decoders[kind](data, size, limits, &decoded, error);
  if (status == SB_OK) status = sb_image_orient(&decoded.image, decoded.orientation, error);
  if (status == SB_OK) {
    sb_image_keep_reserved(&decoded);
    *out = decoded.image;
    return SB_OK;
  }
  sb_image_free(&decoded.image);
  sb_image_memory_give(decoded.reserved);
  return status;
}
