/* Decoding a detector's raw outputs to boxes, for three families of networks, and non-maximum suppression.
 *
 *   SSD     Liu et al. 2016 (RFB-320, RetinaFace): boxes are coded relative to priors of given sizes
 *   YuNet   Wu, Peng and Yu 2023: one prior a cell; score = sqrt(class * objectness); size by its logarithm
 *   SCRFD   Guo et al. 2021: several priors a cell; distances from the cell to the four sides
 *
 * Priors are enumerated in the order of the outputs: by level, then row, column and prior of the cell. Outputs are
 * untrusted numbers: NaN and infinite boxes are dropped. */
#include "face/steps.h"

#include <math.h>
#include <stdlib.h>

static int cells(int side, int stride) {
  return (side + stride - 1) / stride;
}

size_t sb_detector_priors(const sb_detector_spec *spec, int level, int width, int height) {
  size_t count = 0;
  for (int l = 0; l < spec->levels; l++)
    if (level < 0 || l == level)
      count += (size_t)cells(width, spec->strides[l]) * (size_t)cells(height, spec->strides[l]) *
               (size_t)spec->size_counts[l];
  return count;
}

static double unit(double value) {
  return fmin(fmax(value, 0), 1);
}

/* A prior (anchor): its index in the outputs, and its place in the input, in pixels. */
typedef struct prior {
  int level;
  size_t index;               /* in the outputs of its level, or of all levels */
  double left, top;           /* of its cell */
  double x, y, width, height; /* SB_FAMILY_SSD: centre and size */
} prior;

static double score_of(const sb_detector_spec *spec, const sb_detector_outputs *outputs, const prior *p) {
  switch (spec->family) {
  case SB_FAMILY_SSD: return outputs->scores[0][(size_t)spec->score_columns * (p->index + 1) - 1];
  case SB_FAMILY_YUNET:
    return sqrt(unit(outputs->scores[p->level][p->index]) * unit(outputs->objectness[p->level][p->index]));
  case SB_FAMILY_SCRFD: return outputs->scores[p->level][p->index];
  }
  return 0;
}

/* A size from its logarithm, limited to exp(10) times; a NaN stays a NaN. */
static double size_from_log(double size, double logarithm) {
  return size * exp(logarithm > 10 ? 10 : logarithm);
}

/* The box in pixels of the input: relative to the prior (SSD), to the cell (YuNet), or distances from the cell
 * (SCRFD). */
static sb_detection box_of(const sb_detector_spec *spec, const sb_detector_outputs *outputs, const prior *p) {
  const float *at =
      (spec->family == SB_FAMILY_SSD ? outputs->locations[0] : outputs->locations[p->level]) + 4 * p->index;
  double stride = spec->strides[p->level], x, y, w, h;
  switch (spec->family) {
  case SB_FAMILY_SSD:
    x = p->x + at[0] * spec->centre_variance * p->width;
    y = p->y + at[1] * spec->centre_variance * p->height;
    w = size_from_log(p->width, at[2] * spec->size_variance);
    h = size_from_log(p->height, at[3] * spec->size_variance);
    break;
  case SB_FAMILY_YUNET:
    x = p->left + at[0] * stride;
    y = p->top + at[1] * stride;
    w = size_from_log(stride, at[2]);
    h = size_from_log(stride, at[3]);
    break;
  default: /* SB_FAMILY_SCRFD */
    return (sb_detection){.x0 = p->left - at[0] * stride,
                          .y0 = p->top - at[1] * stride,
                          .x1 = p->left + at[2] * stride,
                          .y1 = p->top + at[3] * stride};
  }
  return (sb_detection){.x0 = x - w / 2, .y0 = y - h / 2, .x1 = x + w / 2, .y1 = y + h / 2};
}

static void add_points(const sb_detector_spec *spec, const sb_detector_outputs *outputs, const prior *p,
                       sb_detection *box) {
  bool ssd = spec->family == SB_FAMILY_SSD;
  const float *at = (ssd ? outputs->points[0] : outputs->points[p->level]) + 10 * p->index;
  double stride = spec->strides[p->level];
  box->has_points = true;
  for (int i = 0; i < 5; i++) {
    box->points[i][0] = ssd ? p->x + at[2 * i] * spec->centre_variance * p->width : p->left + at[2 * i] * stride;
    box->points[i][1] =
        ssd ? p->y + at[2 * i + 1] * spec->centre_variance * p->height : p->top + at[2 * i + 1] * stride;
    if (!isfinite(box->points[i][0]) || !isfinite(box->points[i][1])) box->has_points = false;
  }
}

/* Converts from pixels of the input to pixels of the photo. */
static void scale_box(sb_detection *box, double scale) {
  box->x0 /= scale, box->y0 /= scale, box->x1 /= scale, box->y1 /= scale;
  for (int i = 0; i < 5; i++) box->points[i][0] /= scale, box->points[i][1] /= scale;
}

/* What stays the same for all priors of a pass. */
typedef struct decoder {
  const sb_detector_spec *spec;
  const sb_detector_outputs *outputs;
  const sb_detector_pass *pass;
  sb_detections *found;
} decoder;

static void add_box(const decoder *d, const prior *p, double score) {
  const sb_detector_spec *spec = d->spec;
  if (d->found->count == SB_DETECTIONS_MAX) return;
  sb_detection box = box_of(spec, d->outputs, p);
  double high = box.y1 - box.y0;
  bool usable = isfinite(high) && isfinite(box.x1 - box.x0) && high > 0 && box.x1 > box.x0;
  if (!usable || (d->pass->largest > 0 && high > d->pass->largest)) return;
  if (spec->has_points) add_points(spec, d->outputs, p, &box);
  if (spec->has_points && !box.has_points) return;
  scale_box(&box, d->pass->scale);
  if (fmax(box.x1 - box.x0, box.y1 - box.y0) < spec->smallest_box) return;
  box.score = score;
  box.rank = score + (high >= spec->bonus_height ? d->pass->bonus : 0);
  d->found->boxes[d->found->count++] = box;
}

/* The prior of an SSD: centred in its cell, and clipped to the input as in the reference implementation. */
static void set_ssd_prior(prior *p, double size, double u, double v, const sb_detector_pass *pass) {
  p->x = unit(u) * pass->width;
  p->y = unit(v) * pass->height;
  p->width = unit(size / pass->width) * pass->width;
  p->height = unit(size / pass->height) * pass->height;
}

static void decode_cell(const decoder *d, prior *p, double u, double v) {
  const sb_detector_spec *spec = d->spec;
  for (int s = 0; s < spec->size_counts[p->level]; s++, p->index++) {
    double score = score_of(spec, d->outputs, p);
    if (!(score >= spec->score_threshold)) continue; /* nearly all priors end here, also those whose score is NaN */
    if (spec->family == SB_FAMILY_SSD) set_ssd_prior(p, spec->sizes[p->level][s], u, v, d->pass);
    add_box(d, p, score);
  }
}

void sb_detector_decode(const sb_detector_spec *spec, const sb_detector_outputs *outputs, const sb_detector_pass *pass,
                        sb_detections *found) {
  const decoder d = {spec, outputs, pass, found};
  prior p = {0};
  for (p.level = 0; p.level < spec->levels; p.level++) {
    int stride = spec->strides[p.level], columns = cells(pass->width, stride), rows = cells(pass->height, stride);
    if (spec->family != SB_FAMILY_SSD) p.index = 0; /* an SSD has one output for all levels */
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        p.left = (double)column * stride;
        p.top = (double)row * stride;
        decode_cell(&d, &p, (column + 0.5) / columns, (row + 0.5) / rows);
      }
    }
  }
}

static int by_rank(const void *a, const void *b) {
  const sb_detection *x = a, *y = b;
  if (x->rank != y->rank) return x->rank < y->rank ? 1 : -1;
  return x->x0 != y->x0
             ? (x->x0 > y->x0 ? 1 : -1)
             : (x->y0 > y->y0) - (x->y0 < y->y0); /* ties are ordered, too, so that results are reproducible */
}

static double area(const sb_detection *box) {
  return (box->x1 - box->x0) * (box->y1 - box->y0);
}

static bool overlaps(const sb_detector_spec *spec, const sb_detection *a, const sb_detection *b) {
  double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
  if (w <= 0 || h <= 0) return false;
  double common = w * h, one = area(a), other = area(b);
  return common > spec->iou * (one + other - common) || common > spec->overlap_smaller * fmin(one, other);
}

void sb_detector_merge(const sb_detector_spec *spec, sb_detections *found) {
  qsort(found->boxes, found->count, sizeof *found->boxes, by_rank);
  size_t kept = 0;
  for (size_t i = 0; i < found->count; i++) {
    bool suppressed = false;
    for (size_t k = 0; k < kept && !suppressed; k++) suppressed = overlaps(spec, &found->boxes[i], &found->boxes[k]);
    if (!suppressed) found->boxes[kept++] = found->boxes[i];
  }
  found->count = kept;
}

int sb_detector_shape(const sb_detector_spec *spec, int width, int height) {
  int best = spec->shape_count - 1; /* the manifest guarantees that the last shape holds every photo */
  for (int i = 0; i < spec->shape_count; i++) {
    const int *shape = spec->shapes[i], *chosen = spec->shapes[best];
    if (shape[0] >= width && shape[1] >= height && shape[0] * shape[1] < chosen[0] * chosen[1]) best = i;
  }
  return best;
}
