/* sb_image_decode: recognises the format by the first bytes, calls its decoder, and turns the result upright. To add a
 * format, add a sb_image_kind, its magic number in sb_image_sniff, and its decoder in the table of sb_image_decode. */
#include "image/image.h"

#include "image/codecs.h"

#include <string.h>

const sb_image_limits sb_image_default_limits = {
    .max_bytes = 32u << 20, .max_pixels = 100000000, .max_side = 30000, .enough_side = 1600};

static bool begins(const uint8_t *bytes, size_t size, const char *magic, size_t length) {
  return size >= length && !memcmp(bytes, magic, length);
}
#define BEGINS(bytes, size, magic) begins(bytes, size, magic, sizeof(magic) - 1)

/* The brands (`ftyp` box of ISO/IEC 14496-12) that libheif decodes. */
static bool is_heif(const uint8_t *bytes, size_t size) {
  static const char *const brands[] = {"heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif", "avis"};
  if (size < 12 || memcmp(bytes + 4, "ftyp", 4)) return false;
  for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
    if (!memcmp(bytes + 8, brands[i], 4)) return true;
  return false;
}

sb_image_kind sb_image_sniff(const void *data, size_t size) {
  const uint8_t *bytes = data;
  if (BEGINS(bytes, size, "\xff\xd8\xff")) return SB_IMAGE_JPEG;
  if (BEGINS(bytes, size, "\x89PNG\r\n\x1a\n")) return SB_IMAGE_PNG;
  if (size >= 12 && BEGINS(bytes, size, "RIFF") && !memcmp(bytes + 8, "WEBP", 4)) return SB_IMAGE_WEBP;
  if (is_heif(bytes, size)) return SB_IMAGE_HEIF;
  return SB_IMAGE_UNKNOWN;
}

/* For the error message: what the bytes of an unknown format appear to be. */
static const char *looks_like(const uint8_t *bytes, size_t size) {
  static const struct {
    const char *magic;
    size_t length;
    const char *name;
  } kinds[] = {{"%PDF", 4, "a PDF document"},
               {"PK\x03\x04", 4, "a ZIP archive or office document"},
               {"GIF8", 4, "a GIF picture"},
               {"BM", 2, "a BMP picture"},
               {"II*\0", 4, "a TIFF picture"},
               {"MM\0*", 4, "a TIFF picture"},
               {"\x1f\x8b", 2, "a gzip archive"},
               {"Rar!", 4, "a RAR archive"},
               {"\x1a\x45\xdf\xa3", 4, "a video"},
               {"\x7f"
                "ELF",
                4, "a program"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (begins(bytes, size, kinds[i].magic, kinds[i].length)) return kinds[i].name;
  size_t head = size < 1024 ? size : 1024;
  if (memmem(bytes, head, "<svg", 4)) return "an SVG drawing";
  if (memmem(bytes, head, "<html", 5) || memmem(bytes, head, "<!DOCTYPE html", 14)) return "a web page (HTML)";
  if (size >= 8 && !memcmp(bytes + 4, "ftyp", 4)) return "a video";
  for (size_t i = 0; i < head; i++)
    if (bytes[i] < 9 || (bytes[i] > 13 && bytes[i] < 32)) return "data of an unknown kind";
  return "text";
}

sb_status sb_image_decode(const void *data, size_t size, const sb_image_limits *limits, sb_image *out,
                          sb_error *error) {
  static const sb_image_decoder decoders[] = {[SB_IMAGE_JPEG] = sb_image_decode_jpeg,
                                              [SB_IMAGE_PNG] = sb_image_decode_png,
                                              [SB_IMAGE_WEBP] = sb_image_decode_webp,
                                              [SB_IMAGE_HEIF] = sb_image_decode_heif};
  if (!limits) limits = &sb_image_default_limits;
  if (!data || !size) return sb_fail(error, SB_BAD_IMAGE, "the photo is empty: it has no bytes");
  if (size > limits->max_bytes)
    return sb_fail(error, SB_IMAGE_TOO_LARGE, "the photo is %zu MiB large; the limit is %zu MiB: send a smaller copy",
                   size >> 20, limits->max_bytes >> 20);
  sb_image_kind kind = sb_image_sniff(data, size);
  if (kind == SB_IMAGE_UNKNOWN) {
    return sb_fail(error, SB_UNSUPPORTED_IMAGE,
                   "unsupported photo format: it looks like %s. Send a JPEG, PNG, WebP, HEIC or AVIF photo",
                   looks_like(data, size));
  }
  sb_image_decoded decoded = {.orientation = 1};
  sb_status status = decoders[kind](data, size, limits, &decoded, error);
  if (status != SB_OK) goto failed;
  if ((status = sb_image_orient(&decoded.image, decoded.orientation, error)) != SB_OK) goto failed;
  *out = decoded.image;
  return SB_OK;
failed:
  sb_image_free(&decoded.image);
  return status;
}
