/* sb_align: cuts a face out of a photo as a model's manifest describes it. Either a similarity transform puts the five
 * landmarks on a template (SB_ALIGN_POINTS), or a region around the detector's box is scaled, shifted, rotated and
 * fitted (SB_ALIGN_BOX). */
#include "face/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CUT_MOST = 4096 }; /* pixels a side of a region that is cut out; a larger one is scaled down first */

/* A rectangle of the photo, rotated by `angle` about its centre. Coordinates are of edges: a pixel reaches from x to x
 * + 1. */
typedef struct region {
  double x, y, width, height, angle;
} region;

/* The affine map for sb_image_warp (coordinates of pixel centres) that shows the region as width x height pixels. */
static void region_map(const region *r, int width, int height, double map[6]) {
  double c = cos(r->angle), s = sin(r->angle), sx = r->width / width, sy = r->height / height;
  double left = (0.5 - width / 2.0) * sx,
         top = (0.5 - height / 2.0) * sy; /* of the first pixel, relative to the centre */
  const double m[6] = {c * sx, -s * sy, r->x + c * left - s * top - 0.5,
                       s * sx, c * sy,  r->y + s * left + c * top - 0.5};
  memcpy(map, m, sizeof m);
}

static region region_of(const sb_alignment *alignment, const sb_align_face *face) {
  const sb_detection *box = face->box;
  const double(*five)[2] = face->five;
  double width = box->x1 - box->x0, height = box->y1 - box->y0, side = fmax(width, height);
  region r = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2, width, height, 0};
  if (!five) return r; /* the whole photo, unchanged */
  if (alignment->upright) r.angle = atan2(five[1][1] - five[0][1], five[1][0] - five[0][0]);
  r.x -= sin(r.angle) * alignment->shift_down * side;
  r.y += cos(r.angle) * alignment->shift_down * side;
  if (alignment->fit == SB_FIT_SQUARE) r.width = r.height = side;
  r.width *= alignment->scale;
  r.height *= alignment->scale;
  return r;
}

/* Scales the region down and moves it so that it lies inside the photo. */
static void keep_inside(region *r, const sb_image *image) {
  double shrink = fmin(1, fmin(image->width / r->width, image->height / r->height));
  r->width *= shrink;
  r->height *= shrink;
  r->x = fmin(fmax(r->x, r->width / 2), image->width - r->width / 2);
  r->y = fmin(fmax(r->y, r->height / 2), image->height - r->height / 2);
}

/* Cuts out the region at the photo's own resolution, rotated upright. */
static sb_status cut_out(const sb_image *image, const region *r, int border, sb_image *out, sb_error *error) {
  double shrink = fmin(1, CUT_MOST / fmax(r->width, r->height)), map[6];
  int width = (int)fmax(rint(r->width * shrink), 1), height = (int)fmax(rint(r->height * shrink), 1);
  sb_image cut = {width, height, width, height, sb_alloc((size_t)width * (size_t)height, 3, error), 0};
  if (!cut.pixels) return SB_NO_MEMORY;
  region_map(r, width, height, map);
  *out = cut;
  return sb_image_warp(image, map, border, cut.pixels, width, height, error);
}

/* The region in its own shape, centred on black, as DeepFace does it: cut out first, then resized by OpenCV's bilinear.
 * The thresholds of its models hold for pictures made in this way. */
static sb_status show_padded(const sb_image *image, const region *r, int border, const sb_align_picture *out,
                             sb_error *error) {
  sb_image cut = {0};
  sb_status status = cut_out(image, r, border, &cut, error);
  if (status == SB_OK) {
    double scale = fmin((double)out->width / cut.width, (double)out->height / cut.height);
    int width = (int)fmin(fmax(cut.width * scale, 1), out->width);
    int height = (int)fmin(fmax(cut.height * scale, 1), out->height);
    size_t row = (size_t)out->width * 3, left = (size_t)((out->width - width) / 2),
           top = (size_t)((out->height - height) / 2);
    memset(out->rgb, 0, row * (size_t)out->height * sizeof *out->rgb);
    status = sb_image_resize_linear(&cut, out->rgb + top * row + left * 3, width, height, row, error);
  }
  sb_image_free(&cut);
  return status;
}

/* One side of the region in whole pixels, moved until it lies inside the photo. Returns how many pixels it has. */
static int whole_pixels(double centre, double length, int side, int *first) {
  double from = centre - length / 2, to = centre + length / 2;
  if (from < 0) to -= from, from = 0;
  if (to > side - 1) from -= to - (side - 1), to = side - 1;
  *first = (int)fmax(from, 0);
  return (int)to - *first + 1;
}

/* The pixels of the photo from the region's first to its last, as Minivision's Silent-Face-Anti-Spoofing cuts them,
 * then resized to the input by OpenCV's bilinear and rounded. Without averaging, because the patterns of a screen or a
 * print must survive. */
static sb_status show_cut(const sb_image *image, const sb_alignment *alignment, const sb_detection *box,
                          const sb_align_picture *out, sb_error *error) {
  double width = fmax(box->x1 - box->x0, 1), height = fmax(box->y1 - box->y0, 1);
  double scale = fmin(fmin((image->height - 1) / height, (image->width - 1) / width), alignment->scale);
  int left = 0, top = 0;
  sb_image cut = {.width = whole_pixels((box->x0 + box->x1) / 2, width * scale, image->width, &left),
                  .height = whole_pixels((box->y0 + box->y1) / 2, height * scale, image->height, &top)};
  if (cut.width < 1 || cut.height < 1 || left + cut.width > image->width || top + cut.height > image->height)
    return sb_fail(error, SB_BAD_IMAGE, "a face lies outside the photo");
  cut.pixels = sb_alloc((size_t)cut.width * (size_t)cut.height, 3, error);
  if (!cut.pixels) return SB_NO_MEMORY;
  size_t row = (size_t)cut.width * 3;
  for (int y = 0; y < cut.height; y++)
    memcpy(cut.pixels + (size_t)y * row, image->pixels + ((size_t)(top + y) * (size_t)image->width + (size_t)left) * 3,
           row);
  sb_status status = sb_image_resize_linear(&cut, out->rgb, out->width, out->height, (size_t)out->width * 3, error);
  for (size_t i = 0; status == SB_OK && i < (size_t)out->width * (size_t)out->height * 3; i++)
    out->rgb[i] = rintf(out->rgb[i]);
  free(cut.pixels);
  return status;
}

/* Warps to bytes at the start of the floats' memory, then widens them in place, the last one first. */
static sb_status show_warped(const sb_image *image, const double map[6], int border, const sb_align_picture *out,
                             sb_error *error) {
  uint8_t *bytes = (uint8_t *)out->rgb;
  sb_status status = sb_image_warp(image, map, border, bytes, out->width, out->height, error);
  if (status != SB_OK) return status;
  for (size_t i = (size_t)out->width * (size_t)out->height * 3; i-- > 0;) out->rgb[i] = bytes[i];
  return SB_OK;
}

sb_status sb_align(const sb_image *image, const sb_alignment *alignment, const sb_align_face *face,
                   const sb_align_picture *out, sb_error *error) {
  double map[6];
  if (alignment->kind == SB_ALIGN_POINTS && face->five) {
    sb_similarity fitted;
    if (!sb_similarity_fit(face->five, alignment->template, &fitted))
      return sb_fail(error, SB_BAD_IMAGE, "a face could not be aligned: its landmarks coincide");
    sb_similarity_inverse_map(&fitted, map);
    return show_warped(image, map, alignment->border, out, error);
  }
  if (alignment->kind == SB_ALIGN_BOX && alignment->fit == SB_FIT_CUT)
    return show_cut(image, alignment, face->box, out, error);
  region r = region_of(alignment, face);
  if (alignment->inside) keep_inside(&r, image);
  int border = face->five ? alignment->border : SB_IMAGE_BORDER_EDGE;
  if (alignment->kind == SB_ALIGN_BOX && alignment->fit == SB_FIT_PAD)
    return show_padded(image, &r, border, out, error);
  region_map(&r, out->width, out->height, map);
  return show_warped(image, map, border, out, error);
}
