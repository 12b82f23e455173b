/* Takes the rows of a picture one after another and makes it 1, 2, 4 or 8 times smaller by averaging squares of
 * pixels, so that a decoder that gives rows never needs the memory of the full-size picture. */
#include "image/clones.h"
#include "image/codecs.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_image_rows_begin(sb_image_rows *rows, int width, int height, int scale, sb_image *image, sb_error *error) {
  *rows = (sb_image_rows){.image = image, .width = width, .scale = scale};
  int less_width = (width + scale - 1) / scale, less_height = (height + scale - 1) / scale;
  sb_status status = sb_image_new(less_width, less_height, image, error);
  if (status != SB_OK) return status;
  image->source_width = width;
  image->source_height = height;
  rows->line = sb_alloc((size_t)width, 4, error);
  rows->rgb = sb_alloc((size_t)width, 3, error);
  rows->sums = sb_alloc((size_t)width * 3, sizeof *rows->sums, error);
  return rows->line && rows->rgb && rows->sums ? SB_OK : SB_NO_MEMORY;
}

/* At most 8 rows of at most 8 pixels of at most 255 are summed: 16 bits are enough. */
SB_CLONES static void add_row(uint16_t *sums, const uint8_t *rgb, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i] = (uint16_t)(sums[i] + rgb[i]);
}

/* Averages the rows summed so far into one row of the picture. */
static void fold(sb_image_rows *rows) {
  const sb_image *image = rows->image;
  uint8_t *target = image->pixels + (size_t)rows->done++ * (size_t)image->width * 3;
  for (int x = 0; x < image->width; x++) {
    int from = x * rows->scale, to = from + rows->scale < rows->width ? from + rows->scale : rows->width;
    unsigned sum[3] = {0}, count = (unsigned)((to - from) * rows->summed);
    for (int i = from; i < to; i++)
      for (int c = 0; c < 3; c++) sum[c] += rows->sums[3 * i + c];
    for (int c = 0; c < 3; c++) target[3 * x + c] = (uint8_t)((sum[c] + count / 2) / count);
  }
  memset(rows->sums, 0, (size_t)rows->width * 3 * sizeof *rows->sums);
  rows->summed = 0;
}

static void add_opaque(sb_image_rows *rows, const uint8_t *rgb) {
  if (rows->given++ >= rows->image->source_height) return;
  if (rows->scale == 1) {
    memcpy(rows->image->pixels + (size_t)rows->done++ * (size_t)rows->width * 3, rgb, (size_t)rows->width * 3);
    return;
  }
  add_row(rows->sums, rgb, (size_t)rows->width * 3);
  if (++rows->summed == rows->scale || rows->given == rows->image->source_height) fold(rows);
}

void sb_image_rows_rgb(sb_image_rows *rows, const uint8_t *rgb) {
  rows->visible = true;
  add_opaque(rows, rgb);
}

void sb_image_rows_rgba(sb_image_rows *rows, const uint8_t *rgba) {
  rows->visible |= sb_image_flatten_rgba(rgba, (size_t)rows->width, rows->rgb);
  add_opaque(rows, rows->rgb);
}

void sb_image_rows_premultiplied(sb_image_rows *rows, const uint8_t *rgba) {
  unsigned seen = 0;
  for (int x = 0; x < rows->width; x++) {
    unsigned alpha = rgba[4 * x + 3];
    seen |= alpha;
    for (int c = 0; c < 3; c++) {
      unsigned value = rgba[4 * x + c] + 255 - alpha;
      rows->rgb[3 * x + c] = (uint8_t)(value < 255 ? value : 255);
    }
  }
  rows->visible |= seen != 0;
  add_opaque(rows, rows->rgb);
}

sb_status sb_image_rows_end(sb_image_rows *rows, sb_status status, sb_error *error) {
  free(rows->line);
  free(rows->rgb);
  free(rows->sums);
  if (status != SB_OK || rows->visible) return status;
  return sb_image_fail_transparent(error);
}
