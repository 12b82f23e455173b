/* From a photo and where a face is to the picture that a model wants to see. */
#include "face/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static region region_of(const sb_alignment *alignment, const sb_box_found *box, const double (*five)[2]) {
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

/* The region in its own shape, in the middle of a black picture. */
static sb_status show_padded(const sb_image *image, const region *r, int border, uint8_t *rgb, int width, int height,
                             sb_error *error) {
  double scale = fmin(width / r->width, height / r->height), map[6];
  int inner_width = (int)fmin(fmax(r->width * scale, 1), width),
      inner_height = (int)fmin(fmax(r->height * scale, 1), height);
  size_t row = (size_t)inner_width * 3, left = (size_t)((width - inner_width) / 2),
         top = (size_t)((height - inner_height) / 2);
  uint8_t *inner = sb_alloc((size_t)inner_height, row, error);
  if (!inner) return SB_NO_MEMORY;
  region_map(r, inner_width, inner_height, map);
  sb_status status = sb_image_warp(image, map, border, inner, inner_width, inner_height, error);
  memset(rgb, 0, (size_t)width * (size_t)height * 3);
  for (size_t y = 0; status == SB_OK && y < (size_t)inner_height; y++)
    memcpy(rgb + ((top + y) * (size_t)width + left) * 3, inner + y * row, row);
  free(inner);
  return status;
}

sb_status sb_align(const sb_image *image, const sb_alignment *alignment, const sb_box_found *box,
                   const double (*five)[2], uint8_t *rgb, int width, int height, sb_error *error) {
  double map[6];
  if (alignment->kind == SB_ALIGN_POINTS && five) {
    sb_similarity fitted;
    if (!sb_similarity_fit(five, alignment->template, &fitted))
      return sb_fail(error, SB_BAD_IMAGE, "a face has no shape that can be aligned");
    sb_similarity_inverse_map(&fitted, map);
    return sb_image_warp(image, map, alignment->border, rgb, width, height, error);
  }
  region r = region_of(alignment, box, five);
  if (alignment->inside) keep_inside(&r, image);
  int border = five ? alignment->border : SB_IMAGE_BORDER_EDGE;
  if (alignment->kind == SB_ALIGN_BOX && alignment->fit == SB_FIT_PAD)
    return show_padded(image, &r, border, rgb, width, height, error);
  region_map(&r, width, height, map);
  return sb_image_warp(image, map, border, rgb, width, height, error);
}
