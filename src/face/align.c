/* From a photo and where a face is to the picture that a model wants to see. */
#include "face/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CUT_MOST = 4096 }; /* pixels a side that are cut out of a photo: more are averaged first */

/* A rectangle of the photo, turned by `angle` about its centre; edges, so that a pixel reaches from x to x + 1. */
typedef struct region {
  double x, y, width, height, angle;
} region;

/* Shows the region as width x height pixels: the map for sb_image_warp, whose coordinates are those of pixel centres. */
static void region_map(const region *r, int width, int height, double map[6]) {
  double c = cos(r->angle), s = sin(r->angle), sx = r->width / width, sy = r->height / height;
  double left = (0.5 - width / 2.0) * sx, top = (0.5 - height / 2.0) * sy; /* of the first pixel, from the centre */
  const double m[6] = {c * sx, -s * sy, r->x + c * left - s * top - 0.5,
                       s * sx, c * sy,  r->y + s * left + c * top - 0.5};
  memcpy(map, m, sizeof m);
}

static region region_of(const sb_alignment *alignment, const sb_detection *box, const double (*five)[2]) {
  double width = box->x1 - box->x0, height = box->y1 - box->y0, side = fmax(width, height);
  region r = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2, width, height, 0};
  if (!five) return r; /* the whole photo, as it is */
  if (alignment->upright) r.angle = atan2(five[1][1] - five[0][1], five[1][0] - five[0][0]);
  r.x -= sin(r.angle) * alignment->shift_down * side;
  r.y += cos(r.angle) * alignment->shift_down * side;
  if (alignment->fit == SB_FIT_SQUARE) r.width = r.height = side;
  r.width *= alignment->scale;
  r.height *= alignment->scale;
  return r;
}

/* Makes the region smaller, in its own shape, and moves it until it lies in the photo. */
static void keep_inside(region *r, const sb_image *image) {
  double shrink = fmin(1, fmin(image->width / r->width, image->height / r->height));
  r->width *= shrink;
  r->height *= shrink;
  r->x = fmin(fmax(r->x, r->width / 2), image->width - r->width / 2);
  r->y = fmin(fmax(r->y, r->height / 2), image->height - r->height / 2);
}

/* The region at the photo's own resolution, upright. */
static sb_status cut_out(const sb_image *image, const region *r, int border, sb_image *out, sb_error *error) {
  double shrink = fmin(1, CUT_MOST / fmax(r->width, r->height)), map[6];
  int width = (int)fmax(rint(r->width * shrink), 1), height = (int)fmax(rint(r->height * shrink), 1);
  sb_image cut = {width, height, width, height, sb_alloc((size_t)width * (size_t)height, 3, error)};
  if (!cut.pixels) return SB_NO_MEMORY;
  region_map(r, width, height, map);
  *out = cut;
  return sb_image_warp(image, map, border, cut.pixels, width, height, error);
}

/* The region in its own shape, in the middle of a black picture, as DeepFace does: cut out first, then resized by OpenCV's
 * bilinear. Its models' thresholds hold for pictures made so. */
static sb_status show_padded(const sb_image *image, const region *r, int border, float *rgb, int width, int height,
                             sb_error *error) {
  sb_image cut = {0};
  sb_status status = cut_out(image, r, border, &cut, error);
  if (status == SB_OK) {
    double scale = fmin((double)width / cut.width, (double)height / cut.height);
    int inner_width = (int)fmin(fmax(cut.width * scale, 1), width),
        inner_height = (int)fmin(fmax(cut.height * scale, 1), height);
    size_t row = (size_t)width * 3, left = (size_t)((width - inner_width) / 2),
           top = (size_t)((height - inner_height) / 2);
    memset(rgb, 0, row * (size_t)height * sizeof *rgb);
    status = sb_image_resize_linear(&cut, rgb + top * row + left * 3, inner_width, inner_height, row, error);
  }
  sb_image_free(&cut);
  return status;
}

/* The bytes lie at the start of the floats' memory, so the last goes first. */
static sb_status show_warped(const sb_image *image, const double map[6], int border, float *rgb, int width, int height,
                             sb_error *error) {
  uint8_t *bytes = (uint8_t *)rgb;
  sb_status status = sb_image_warp(image, map, border, bytes, width, height, error);
  for (size_t i = (size_t)width * (size_t)height * 3; status == SB_OK && i-- > 0;) rgb[i] = bytes[i];
  return status;
}

sb_status sb_align(const sb_image *image, const sb_alignment *alignment, const sb_detection *box,
                   const double (*five)[2], float *rgb, int width, int height, sb_error *error) {
  double map[6];
  if (alignment->kind == SB_ALIGN_POINTS && five) {
    sb_similarity fitted;
    if (!sb_similarity_fit(five, alignment->template, &fitted))
      return sb_fail(error, SB_BAD_IMAGE, "a face has no shape that can be aligned");
    sb_similarity_inverse_map(&fitted, map);
    return show_warped(image, map, alignment->border, rgb, width, height, error);
  }
  region r = region_of(alignment, box, five);
  if (alignment->inside) keep_inside(&r, image);
  int border = five ? alignment->border : SB_IMAGE_BORDER_EDGE;
  if (alignment->kind == SB_ALIGN_BOX && alignment->fit == SB_FIT_PAD)
    return show_padded(image, &r, border, rgb, width, height, error);
  region_map(&r, width, height, map);
  return show_warped(image, map, border, rgb, width, height, error);
}
