/* Target: arbitrary bytes as a photo; the first bytes choose the decoder. Small limits keep a run short. */
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_image_limits limits = sb_image_default_limits;
  limits.max_bytes = 1 << 20;
  limits.max_pixels = 1 << 22;
  limits.max_side = 4096;
  limits.enough_side = 512;
  limits.max_work = 1 << 25;
  sb_image image = {0};
  if (sb_image_decode(bytes, size, &limits, &image, NULL) == SB_OK) {
    volatile uint8_t last = image.pixels[(size_t)image.width * (size_t)image.height * 3 - 1];
    (void)last;
    sb_image_free(&image);
  }
  return 0;
}
