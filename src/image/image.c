/* What the bytes are, which decoder reads them, and the limits. */
#include "image/image.h"

#include "image/codecs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const sb_image_limits sb_image_default_limits = {
    .max_bytes = 32u << 20, .max_pixels = 100000000, .max_side = 30000, .enough_side = 1600};

static bool begins(const uint8_t *bytes, size_t size, const char *magic, size_t length) {
  return size >= length && !memcmp(bytes, magic, length);
}
#define BEGINS(bytes, size, magic) begins(bytes, size, magic, sizeof(magic) - 1)

/* The brands (ISO/IEC 14496-12 `ftyp`) that libheif reads. */
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

/* What bytes that are no photo look like, for the message. */
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

sb_status sb_image_size_check(uint64_t width, uint64_t height, const sb_image_limits *limits, sb_error *error) {
  if (!width || !height) return sb_fail(error, SB_BAD_IMAGE, "the photo is empty: it has no pixels");
  if (width > (uint64_t)limits->max_side || height > (uint64_t)limits->max_side ||
      width * height > limits->max_pixels) {
    return sb_fail(
        error, SB_IMAGE_TOO_LARGE,
        "the photo says that it has %llu x %llu pixels; at most %zu megapixels and %d pixels a side are read",
        (unsigned long long)width, (unsigned long long)height, limits->max_pixels / 1000000, limits->max_side);
  }
  return SB_OK;
}

sb_status sb_image_new(int width, int height, sb_image *out, sb_error *error) {
  uint8_t *pixels = sb_alloc((size_t)width * (size_t)height, 3, error);
  if (!pixels) return SB_NO_MEMORY;
  *out = (sb_image){width, height, width, height, pixels};
  return SB_OK;
}

void sb_image_free(sb_image *image) {
  free(image->pixels);
  *image = (sb_image){0};
}

void sb_image_flatten_rgba(const uint8_t *rgba, size_t pixels, uint8_t *rgb) {
  for (size_t i = 0; i < pixels; i++) {
    unsigned alpha = rgba[4 * i + 3];
    for (int c = 0; c < 3; c++) rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
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
    return sb_fail(error, SB_IMAGE_TOO_LARGE, "the photo has %zu MiB; at most %zu are read", size >> 20,
                   limits->max_bytes >> 20);
  sb_image_kind kind = sb_image_sniff(data, size);
  if (kind == SB_IMAGE_UNKNOWN) {
    return sb_fail(error, SB_UNSUPPORTED_IMAGE,
                   "this is no photo that can be read: it looks like %s. JPEG, PNG, WebP, HEIC and AVIF are read",
                   looks_like(data, size));
  }
  sb_image_decoded decoded = {.orientation = 1};
  sb_status status = decoders[kind](data, size, limits, &decoded, error);
  if (status == SB_OK) status = sb_image_orient(&decoded.image, decoded.orientation, error);
  if (status == SB_OK)
    *out = decoded.image;
  else
    sb_image_free(&decoded.image);
  return status;
}
