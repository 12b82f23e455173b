/* sb_image_resize_linear: the same result as OpenCV's cv2.resize with INTER_LINEAR, for models that were trained with
 * it: bilinear between the two nearest pixels of an axis, without averaging where it shrinks. Results are not rounded,
 * as in DeepFace. */
#include "image/image.h"

#include <math.h>
#include <stdlib.h>

/* A target position between two source positions; `part` is the weight of the second. */
typedef struct between {
  int first, second;
  float part;
} between;

/* Pixel centres are at halves; outside the image the nearest pixel is used. */
static between position_of(int i, int source, int target) {
  float at = (float)((i + 0.5) * ((double)source / target) - 0.5);
  if (at < 0) at = 0;
  if (at > (float)(source - 1)) at = (float)(source - 1);
  int first = (int)at;
  return (between){first, first + 1 < source ? first + 1 : first, at - (float)first};
}

static void mix_columns(const uint8_t *row, const between *columns, int width, float *out) {
  for (int x = 0; x < width; x++) {
    const uint8_t *p = row + 3 * columns[x].first, *q = row + 3 * columns[x].second;
    for (int c = 0; c < 3; c++) *out++ = (1 - columns[x].part) * p[c] + columns[x].part * q[c];
  }
}

sb_status sb_image_resize_linear(const sb_image *source, float *target, int width, int height, size_t stride,
                                 sb_error *error) {
  size_t n = (size_t)width * 3, source_row = (size_t)source->width * 3;
  between *columns = sb_alloc((size_t)width, sizeof *columns, error);
  float *other = columns ? sb_alloc(n, sizeof *other, error) : NULL;
  for (int x = 0; other && x < width; x++) columns[x] = position_of(x, source->width, width);
  for (int y = 0; other && y < height; y++) {
    between row = position_of(y, source->height, height);
    float *out = target + (size_t)y * stride;
    mix_columns(source->pixels + (size_t)row.first * source_row, columns, width, out);
    mix_columns(source->pixels + (size_t)row.second * source_row, columns, width, other);
    for (size_t i = 0; i < n; i++) out[i] += row.part * (other[i] - out[i]);
  }
  free(columns);
  free(other);
  return other ? SB_OK : SB_NO_MEMORY;
}
