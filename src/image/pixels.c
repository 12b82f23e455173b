/* The pixel buffer that all codecs share: its limits, allocation and release, and alpha. */
#include "image/codecs.h"

#include <stdlib.h>

sb_status sb_image_size_check(uint64_t width, uint64_t height, const sb_image_limits *limits, sb_error *error) {
  if (!width || !height) return sb_fail(error, SB_BAD_IMAGE, "the photo is empty: it has no pixels");
  if (width > (uint64_t)limits->max_side || height > (uint64_t)limits->max_side ||
      width * height > limits->max_pixels) {
    return sb_fail(
        error, SB_IMAGE_TOO_LARGE,
        "the photo claims %llu x %llu pixels; the limit is %zu megapixels and %d pixels a side: send a smaller copy",
        (unsigned long long)width, (unsigned long long)height, limits->max_pixels / 1000000, limits->max_side);
  }
  return SB_OK;
}

sb_status sb_image_new(int width, int height, sb_image *out, sb_error *error) {
  uint8_t *pixels = sb_alloc((size_t)width * (size_t)height, 3, error);
  if (!pixels) return SB_NO_MEMORY;
  *out = (sb_image){width, height, width, height, pixels, 0};
  return SB_OK;
}

void sb_image_free(sb_image *image) {
  free(image->pixels);
  sb_image_memory_give(image->reserved);
  *image = (sb_image){0};
}

bool sb_image_flatten_rgba(const uint8_t *rgba, size_t pixels, uint8_t *rgb) {
  unsigned seen = 0;
  for (size_t i = 0; i < pixels; i++) {
    unsigned alpha = rgba[4 * i + 3];
    seen |= alpha;
    for (int c = 0; c < 3; c++) rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return seen != 0;
}

sb_status sb_image_fail_transparent(sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE,
                 "the photo is fully transparent: no pixel of it is visible; save it without transparency");
}
