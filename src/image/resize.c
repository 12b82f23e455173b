/* sb_image_resize: area averaging where an axis shrinks, bilinear where it grows. Both are weighted sums of
 * neighbouring rows and columns, so one separable pass computes them: only the weights ("taps") differ. */
#include "image/clones.h"
#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* For each target position: `count` source positions from `first` on, with weights that sum to 1. */
typedef struct taps {
  int most; /* capacity of `weights` for one position */
  int *first, *count;
  float *weights;
} taps;

static void taps_free(taps *t) {
  free(t->first);
  free(t->count);
  free(t->weights);
}

static void area_taps(taps *t, int i, double scale, int source) {
  double from = i * scale, to = fmin(from + scale, source);
  int first = (int)from, end = (int)ceil(to - 1e-9);
  if (end > source) end = source;
  if (end <= first) end = first + 1;
  t->first[i] = first;
  t->count[i] = end - first;
  for (int x = first; x < end; x++)
    t->weights[i * t->most + x - first] = (float)((fmin(x + 1, to) - fmax(x, from)) / (to - from));
}

static void linear_taps(taps *t, int i, double scale, int source) {
  double at = (i + 0.5) * scale - 0.5;
  if (at < 0) at = 0;
  if (at > source - 1) at = source - 1;
  int first = (int)at;
  double part = at - first;
  t->first[i] = first;
  t->count[i] = first + 1 < source ? 2 : 1;
  t->weights[i * t->most] = t->count[i] == 2 ? (float)(1 - part) : 1;
  if (t->count[i] == 2) t->weights[i * t->most + 1] = (float)part;
}

static sb_status taps_make(taps *t, int source, int target, sb_error *error) {
  double scale = (double)source / target;
  t->most = scale > 1 ? (int)ceil(scale) + 2 : 2;
  t->first = sb_alloc((size_t)target, sizeof *t->first, error);
  t->count = sb_alloc((size_t)target, sizeof *t->count, error);
  t->weights = sb_alloc((size_t)target * (size_t)t->most, sizeof *t->weights, error);
  if (!t->first || !t->count || !t->weights) return SB_NO_MEMORY;
  for (int i = 0; i < target; i++) {
    if (scale > 1)
      area_taps(t, i, scale, source);
    else
      linear_taps(t, i, scale, source);
  }
  return SB_OK;
}

SB_CLONES static void row_begin(float *sum, const uint8_t *row, float weight, size_t n) {
  for (size_t i = 0; i < n; i++) sum[i] = weight * row[i];
}

SB_CLONES static void row_add(float *sum, const uint8_t *row, float weight, size_t n) {
  for (size_t i = 0; i < n; i++) sum[i] += weight * row[i];
}

/* The three components of a pixel and one unused, computed together. */
typedef float four __attribute__((vector_size(16)));

/* `sum` and `reduced` have one element more than their pixels need, because `four` reads and writes one beyond. */
SB_CLONES static void columns_reduce(const float *sum, const taps *t, float *reduced, uint8_t *target, int width) {
  for (int i = 0; i < width; i++) {
    const float *at = sum + (size_t)t->first[i] * 3, *weights = t->weights + (size_t)i * (size_t)t->most;
    four all = {0.5f, 0.5f, 0.5f, 0}; /* 0.5 rounds the sum */
    for (int k = 0; k < t->count[i]; k++) {
      four one;
      memcpy(&one, at + 3 * k, sizeof one);
      all += weights[k] * one;
    }
    memcpy(reduced + 3 * (size_t)i, &all, sizeof all);
  }
  for (int i = 0; i < 3 * width; i++) target[i] = (uint8_t)(int)reduced[i];
}

sb_status sb_image_resize(const sb_image *source, uint8_t *target, int width, int height, size_t stride,
                          sb_error *error) {
  size_t row_size = (size_t)source->width * 3;
  if (width == source->width && height == source->height) {
    for (int y = 0; y < height; y++)
      memcpy(target + (size_t)y * stride, source->pixels + (size_t)y * row_size, row_size);
    return SB_OK;
  }
  taps columns = {0}, rows = {0};
  float *sum = sb_alloc(row_size + 1 + (size_t)width * 3 + 1, sizeof *sum, error);
  sb_status status = sum ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) status = taps_make(&columns, source->width, width, error);
  if (status == SB_OK) status = taps_make(&rows, source->height, height, error);
  for (int y = 0; status == SB_OK && y < height; y++) {
    const uint8_t *row = source->pixels + (size_t)rows.first[y] * row_size;
    const float *weights = rows.weights + (size_t)y * (size_t)rows.most;
    row_begin(sum, row, weights[0], row_size);
    for (int k = 1; k < rows.count[y]; k++) row_add(sum, row + (size_t)k * row_size, weights[k], row_size);
    columns_reduce(sum, &columns, sum + row_size + 1, target + (size_t)y * stride, width);
  }
  taps_free(&columns);
  taps_free(&rows);
  free(sum);
  return status;
}
