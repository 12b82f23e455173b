/* The eight EXIF orientations and quarter turns: exact rearrangements of pixels. */
#include "image/codecs.h"

#include <string.h>

/* The source pixel of target pixel (X, Y): x = ax*X + bx*Y + cx, y = ay*X + by*Y + cy. */
typedef struct mapping {
  int ax, bx, cx, ay, by, cy;
} mapping;

static mapping mapping_of(int orientation, int w, int h) {
  switch (orientation) {
  case 2: return (mapping){-1, 0, w - 1, 0, 1, 0};
  case 3: return (mapping){-1, 0, w - 1, 0, -1, h - 1};
  case 4: return (mapping){1, 0, 0, 0, -1, h - 1};
  case 5: return (mapping){0, 1, 0, 1, 0, 0};
  case 6: return (mapping){0, 1, 0, -1, 0, h - 1};
  case 7: return (mapping){0, -1, w - 1, -1, 0, h - 1};
  case 8: return (mapping){0, -1, w - 1, 1, 0, 0};
  default: return (mapping){1, 0, 0, 0, 1, 0};
  }
}

static sb_status remap(const sb_image *source, int orientation, sb_image *out, sb_error *error) {
  bool swapped = orientation >= 5;
  sb_image target;
  sb_status status =
      sb_image_new(swapped ? source->height : source->width, swapped ? source->width : source->height, &target, error);
  if (status != SB_OK) return status;
  target.source_width = swapped ? source->source_height : source->source_width;
  target.source_height = swapped ? source->source_width : source->source_height;
  mapping m = mapping_of(orientation, source->width, source->height);
  ptrdiff_t row = (ptrdiff_t)source->width * 3, step = m.ax * 3 + m.ay * row;
  uint8_t *to = target.pixels;
  for (int y = 0; y < target.height; y++) {
    const uint8_t *from = source->pixels + (ptrdiff_t)(m.bx * y + m.cx) * 3 + (ptrdiff_t)(m.by * y + m.cy) * row;
    for (int x = 0; x < target.width; x++, to += 3, from += step) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
  *out = target;
  return SB_OK;
}

sb_status sb_image_orient(sb_image *image, int orientation, sb_error *error) {
  if (orientation <= 1 || orientation > 8) return SB_OK;
  sb_image upright;
  sb_status status = remap(image, orientation, &upright, error);
  if (status != SB_OK) return status;
  sb_image_free(image);
  *image = upright;
  return SB_OK;
}

sb_status sb_image_rotate(const sb_image *source, int turns, sb_image *out, sb_error *error) {
  static const int orientation_of[4] = {1, 6, 3, 8}; /* the EXIF number of that many clockwise turns */
  return remap(source, orientation_of[turns & 3], out, error);
}
