/* From the detector's raw outputs to boxes: priors for any input size, decoding, merging of the passes. */
#include "face/parts.h"

#include <math.h>
#include <stdlib.h>

static int cells(int side, int stride) {
  return (side + stride - 1) / stride;
}

size_t sb_detector_priors(const sb_detector_spec *spec, int width, int height) {
  size_t count = 0;
  for (int l = 0; l < spec->levels; l++)
    count +=
        (size_t)cells(width, spec->strides[l]) * (size_t)cells(height, spec->strides[l]) * (size_t)spec->size_counts[l];
  return count;
}

static double unit(double value) {
  return fmin(fmax(value, 0), 1);
}

/* One prior and its regression (SSD): centre and size in 0..1 of the input; the result in pixels of the photo. */
static sb_box_found decode(const sb_detector_spec *spec, const float *at, double cx, double cy, double w, double h,
                           int width, int height, double scale) {
  double x = cx + at[0] * spec->centre_variance * w, y = cy + at[1] * spec->centre_variance * h;
  double bw = w * exp(fmin(at[2] * spec->size_variance, 10)), bh = h * exp(fmin(at[3] * spec->size_variance, 10));
  return (sb_box_found){.x0 = (x - bw / 2) * width / scale,
                        .y0 = (y - bh / 2) * height / scale,
                        .x1 = (x + bw / 2) * width / scale,
                        .y1 = (y + bh / 2) * height / scale};
}

void sb_detector_decode(const sb_detector_spec *spec, const float *scores, const float *locations, size_t count,
                        int width, int height, double scale, double largest, double bonus, sb_found *found) {
  size_t prior = 0;
  for (int l = 0; l < spec->levels; l++) {
    int columns = cells(width, spec->strides[l]), rows = cells(height, spec->strides[l]);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        for (int s = 0; s < spec->size_counts[l]; s++, prior++) {
          if (prior >= count || !(scores[2 * prior + 1] >= spec->score_threshold)) continue;
          if (found->count == SB_FOUND_MAX) return;
          double size = spec->sizes[l][s];
          sb_box_found box =
              decode(spec, locations + 4 * prior, unit((column + 0.5) / columns), unit((row + 0.5) / rows),
                     unit(size / width), unit(size / height), width, height, scale);
          double high = (box.y1 - box.y0) * scale;
          if (!isfinite(high) || (largest > 0 && high > largest)) continue;
          box.score = scores[2 * prior + 1];
          box.rank = box.score + (high >= spec->bonus_height ? bonus : 0);
          found->boxes[found->count++] = box;
        }
      }
    }
  }
}

static int by_rank(const void *a, const void *b) {
  const sb_box_found *x = a, *y = b;
  if (x->rank != y->rank) return x->rank < y->rank ? 1 : -1;
  return x->x0 != y->x0 ? (x->x0 > y->x0 ? 1 : -1) : (x->y0 > y->y0) - (x->y0 < y->y0); /* never a matter of chance */
}

static double area(const sb_box_found *box) {
  return (box->x1 - box->x0) * (box->y1 - box->y0);
}

static bool overlaps(const sb_detector_spec *spec, const sb_box_found *a, const sb_box_found *b) {
  double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
  if (w <= 0 || h <= 0) return false;
  double common = w * h, one = area(a), other = area(b);
  return common > spec->iou * (one + other - common) || common > spec->overlap_smaller * fmin(one, other);
}

void sb_detector_merge(const sb_detector_spec *spec, sb_found *found) {
  qsort(found->boxes, found->count, sizeof *found->boxes, by_rank);
  size_t kept = 0;
  for (size_t i = 0; i < found->count; i++) {
    bool hidden = false;
    for (size_t k = 0; k < kept && !hidden; k++) hidden = overlaps(spec, &found->boxes[i], &found->boxes[k]);
    if (!hidden) found->boxes[kept++] = found->boxes[i];
  }
  found->count = kept;
}

int sb_detector_shape(const sb_detector_spec *spec, int width, int height) {
  int best = spec->shape_count - 1; /* holds every photo */
  for (int i = 0; i < spec->shape_count; i++) {
    const int *shape = spec->shapes[i], *chosen = spec->shapes[best];
    if (shape[0] >= width && shape[1] >= height && shape[0] * shape[1] < chosen[0] * chosen[1]) best = i;
  }
  return best;
}
