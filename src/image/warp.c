/* sb_image_warp: affine sampling through an image pyramid.
 *
 * 1. Each pyramid level has half the sides of the one below. The level to sample is the first at which the map shrinks
 * by at
 *    most 2.
 * 2. From that level down, compute which rectangle of each level is needed (needed, cut): only the pixels around a face
 * are
 *    ever touched, not the whole photo.
 * 3. Build these rectangles upwards, filtered by the binomial kernel 1 4 6 4 1 along both axes against aliasing (halve;
 * the
 *    pyramid of Burt and Adelson 1983).
 * 4. Sample bilinearly, in runs of pixels that are blended component by component so that the compiler can vectorise
 * (sample). */
#include "image/clones.h"
#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 14 };

/* A rectangle of one level of the pyramid, in that level's coordinates: [x0, x1) x [y0, y1). */
typedef struct rectangle {
  int x0, y0, x1, y1;
} rectangle;

typedef struct region {
  rectangle at;
  int full_width, full_height; /* of the whole level */
  const uint8_t *pixels;       /* of the rectangle only */
  size_t stride;
} region;

static int clamp(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

/* Reflects an index at the border without repeating the border pixel, as in 3 2 1 [0 1 2 3]. */
static int reflect(int i, int n) {
  if (n == 1) return 0;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * n - 2 - i;
  return i;
}

/* The rectangle clipped to its level, never empty; pixels outside are the concern of the border mode. */
static rectangle cut(double x0, double y0, double x1, double y1, int width, int height) {
  rectangle r;
  r.x0 = clamp((int)floor(fmax(x0, -2)), 0, width - 1);
  r.y0 = clamp((int)floor(fmax(y0, -2)), 0, height - 1);
  r.x1 = clamp((int)ceil(fmin(x1, width + 2)) + 1, r.x0 + 1, width);
  r.y1 = clamp((int)ceil(fmin(y1, height + 2)) + 1, r.y0 + 1, height);
  return r;
}

static const uint8_t *pixel_at(const region *source, int x, int y) {
  x = clamp(x, source->at.x0, source->at.x1 - 1) - source->at.x0;
  y = clamp(y, source->at.y0, source->at.y1 - 1) - source->at.y0;
  return source->pixels + (size_t)y * source->stride + (size_t)x * 3;
}

SB_CLONES static void add_rows(const uint8_t *const rows[5], size_t n, uint16_t *sums) {
  for (size_t i = 0; i < n; i++)
    sums[i] = (uint16_t)(rows[0][i] + 4 * rows[1][i] + 6 * rows[2][i] + 4 * rows[3][i] + rows[4][i]);
}

/* In place: each sum becomes the weighted sum of itself and the four pixels to its right, scaled to a byte; it stays <
 * 2^16. */
SB_CLONES static void add_columns(uint16_t *sums, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint16_t all = (uint16_t)(sums[i] + 4 * sums[i + 3] + 6 * sums[i + 6] + 4 * sums[i + 9] + sums[i + 12] + 128);
    sums[i] = all >> 8;
  }
}

/* Weighted sums of five rows at columns first..first+count-1; columns outside the rectangle reflect those inside. */
static void sum_rows(const region *source, int row, int first, int count, uint16_t *sums) {
  int from = first > source->at.x0 ? first : source->at.x0;
  int to = first + count < source->at.x1 ? first + count : source->at.x1;
  const uint8_t *rows[5];
  for (int k = 0; k < 5; k++) rows[k] = pixel_at(source, from, reflect(row + k, source->full_height));
  add_rows(rows, (size_t)(to - from) * 3, sums + (size_t)(from - first) * 3);
  for (int x = first; x < first + count; x++) {
    if (x == from) x = to;
    if (x == first + count) break;
    int inside = clamp(reflect(x, source->full_width), from, to - 1);
    memcpy(sums + (size_t)(x - first) * 3, sums + (size_t)(inside - first) * 3, 3 * sizeof *sums);
  }
}

/* `target->pixels` is allocated here; the caller frees it. */
static sb_status halve(const region *source, region *target, sb_error *error) {
  const rectangle *at = &target->at;
  int width = at->x1 - at->x0, height = at->y1 - at->y0, columns = 2 * width + 3;
  uint16_t *sums = sb_alloc((size_t)columns * 3, sizeof *sums, error);
  uint8_t *pixels = sums ? sb_alloc((size_t)width * (size_t)height, 3, error) : NULL, *pixel = pixels;
  for (int y = at->y0; pixels && y < at->y1; y++) {
    sum_rows(source, 2 * y - 2, 2 * at->x0 - 2, columns, sums);
    add_columns(sums, (size_t)(columns - 4) * 3);
    for (int x = 0; x < width; x++, pixel += 3)
      for (int c = 0; c < 3; c++) pixel[c] = (uint8_t)sums[6 * x + c];
  }
  free(sums);
  if (!pixels) return SB_NO_MEMORY;
  target->pixels = pixels;
  target->stride = (size_t)width * 3;
  return SB_OK;
}

/* Bilinear sample at (x, y) where a neighbour may lie outside the photo. */
static void sample_border(const region *source, double x, double y, int border, uint8_t *target) {
  int x0 = (int)floor(x), y0 = (int)floor(y);
  float fx = (float)(x - x0), fy = (float)(y - y0), sum[3] = {0};
  for (int k = 0; k < 4; k++) {
    int px = x0 + (k & 1), py = y0 + (k >> 1);
    float weight = (k & 1 ? fx : 1 - fx) * (k >> 1 ? fy : 1 - fy);
    bool outside = px < 0 || py < 0 || px >= source->full_width || py >= source->full_height;
    if (outside && border == SB_IMAGE_BORDER_ZERO) continue;
    const uint8_t *p = pixel_at(source, px, py);
    for (int c = 0; c < 3; c++) sum[c] += weight * p[c];
  }
  for (int c = 0; c < 3; c++) target[c] = (uint8_t)(sum[c] + 0.5f);
}

enum { RUN = 64 };

/* A run of pixels to sample: the four neighbours of each and its offset from the upper left one, stored component by
 * component so that the blend loop vectorises. */
typedef struct run {
  uint8_t corners[4][3 * RUN + 1]; /* a pixel is copied together with the byte that follows */
  float right[3 * RUN], down[3 * RUN];
} run;

SB_CLONES static void blend(const run *samples, int components, uint8_t *restrict target) {
  for (int i = 0; i < components; i++) {
    float above = samples->corners[0][i], below = samples->corners[2][i];
    above += ((float)samples->corners[1][i] - above) * samples->right[i];
    below += ((float)samples->corners[3][i] - below) * samples->right[i];
    target[i] = (uint8_t)(int)(above + (below - above) * samples->down[i] + 0.5f);
  }
}

static void add_to_run(run *samples, int at, const region *source, double x, double y) {
  int x0 = (int)x, y0 = (int)y; /* not negative, so the conversion rounds down */
  const uint8_t *p = source->pixels + (size_t)(y0 - source->at.y0) * source->stride + (size_t)(x0 - source->at.x0) * 3;
  const uint8_t *neighbours[4] = {p, p + 3, p + source->stride, p + source->stride + 3};
  float right = (float)(x - x0), down = (float)(y - y0);
  for (int k = 0; k < 4; k++) memcpy(samples->corners[k] + 3 * at, neighbours[k], 4);
  for (int c = 0; c < 3; c++) samples->right[3 * at + c] = right, samples->down[3 * at + c] = down;
}

/* Samples at most RUN pixels of a target row: the first at (x, y), each next one (m[0], m[3]) further. The last pixel
 * of a source row has no byte that follows it, so it is treated as border. */
static void sample_run(const region *source, const double m[6], double x, double y, int border, uint8_t *target,
                       int width) {
  const double far = 1e6; /* outside any photo; keeps the conversion to int defined */
  const double left = source->at.x0, top = source->at.y0, right = source->at.x1 - 2, bottom = source->at.y1 - 1;
  run samples = {0}; /* zeroed: pixels outside are blended, too, and then overwritten */
  int outside[RUN], outside_count = 0;
  for (int i = 0; i < width; i++) {
    double px = m[0] * i + x, py = m[3] * i + y;
    bool inside = px >= left && px < right && py >= top && py < bottom;
    if (inside)
      add_to_run(&samples, i, source, px, py);
    else
      outside[outside_count++] = i;
  }
  blend(&samples, 3 * width, target);
  for (int k = 0; k < outside_count; k++) {
    int i = outside[k];
    sample_border(source, fmin(fmax(m[0] * i + x, -far), far), fmin(fmax(m[3] * i + y, -far), far), border,
                  target + 3 * (ptrdiff_t)i);
  }
}

static void sample(const region *source, const double m[6], int border, uint8_t *target, int width, int height) {
  for (int j = 0; j < height; j++)
    for (int i = 0; i < width; i += RUN)
      sample_run(source, m, m[0] * i + m[1] * j + m[2], m[3] * i + m[4] * j + m[5], border,
                 target + ((size_t)j * (size_t)width + (size_t)i) * 3, width - i < RUN ? width - i : RUN);
}

/* The rectangle of a level that the map needs, with one more pixel on each side for the interpolation. */
static rectangle needed(const double m[6], int width, int height, int full_width, int full_height) {
  double x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
  for (int k = 0; k < 4; k++) {
    double u = k & 1 ? width - 1 : 0, v = k >> 1 ? height - 1 : 0;
    double x = m[0] * u + m[1] * v + m[2], y = m[3] * u + m[4] * v + m[5];
    x0 = fmin(x0, x), x1 = fmax(x1, x), y0 = fmin(y0, y), y1 = fmax(y1, y);
  }
  return cut(x0 - 1, y0 - 1, x1 + 1, y1 + 1, full_width, full_height);
}

sb_status sb_image_warp(const sb_image *source, const double m[6], int border, uint8_t *target, int width, int height,
                        sb_error *error) {
  for (int k = 0; k < 6; k++)
    if (!isfinite(m[k])) return sb_fail(error, SB_MISUSE, "an affine map contains a NaN or an infinity");
  double map[6];
  bool linear = border & SB_IMAGE_WARP_LINEAR;
  border &= ~SB_IMAGE_WARP_LINEAR;
  memcpy(map, m, sizeof map);
  region levels[LEVELS_MAX + 1] = {{{0, 0, source->width, source->height},
                                    source->width,
                                    source->height,
                                    source->pixels,
                                    (size_t)source->width * 3}};
  int last = 0;
  while (!linear && last < LEVELS_MAX && sqrt(fabs(map[0] * map[4] - map[1] * map[3])) > 2) {
    for (int k = 0; k < 6; k++) map[k] /= 2;
    levels[last + 1].full_width = (levels[last].full_width + 1) / 2;
    levels[last + 1].full_height = (levels[last].full_height + 1) / 2;
    last++;
  }
  for (int l = last; l > 0; l--) { /* from the sampled level downwards: what each needs of the one below */
    region *level = &levels[l];
    if (l == last) level->at = needed(map, width, height, level->full_width, level->full_height);
    const rectangle *r = &level->at;
    if (l > 1)
      levels[l - 1].at = cut(2 * r->x0 - 3, 2 * r->y0 - 3, 2 * r->x1 + 3, 2 * r->y1 + 3, levels[l - 1].full_width,
                             levels[l - 1].full_height);
  }
  sb_status status = SB_OK;
  for (int l = 1; status == SB_OK && l <= last; l++) status = halve(&levels[l - 1], &levels[l], error);
  if (status == SB_OK) sample(&levels[last], map, border, target, width, height);
  for (int l = 1; l <= last; l++) {
    union {
      const uint8_t *constant;
      void *owned;
    } pixels = {levels[l].pixels};
    free(pixels.owned);
  }
  return status;
}
