/* The normalised cross-correlation of two small grey pictures of the faces. A detector places the box of a copy a
 * little differently, so the second picture is taken at several places and sizes around its box, straight and
 * mirrored. */
#include "engine/photo_copies.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 24, PIXELS = SIDE * SIDE, STEPS = 2 };
/* Of a box's side: how far the second picture is moved for a step, and by how much its size changes. */
static const double step = 0.03;
/* Copies correlate by more than 0.97, also after another JPEG compression; two photos of one person rarely by more than
 * 0.9. */
static const double same = 0.95;

typedef struct patch {
  float values[PIXELS]; /* mean 0, length 1 */
} patch;

static void normalise(patch *p) {
  double mean = 0, square = 0;
  for (int i = 0; i < PIXELS; i++) mean += (double)p->values[i] / PIXELS;
  for (int i = 0; i < PIXELS; i++) p->values[i] -= (float)mean;
  for (int i = 0; i < PIXELS; i++) square += (double)p->values[i] * (double)p->values[i];
  float scale = square > 0 ? (float)(1 / sqrt(square)) : 0;
  for (int i = 0; i < PIXELS; i++) p->values[i] *= scale;
}

static sb_status take(const sb_image *photo, const sb_box *box, bool mirrored, patch *out, sb_error *error) {
  uint8_t rgb[PIXELS * 3];
  double scale = (double)photo->width / photo->source_width;
  double w = scale * (double)box->w / SIDE, h = scale * (double)box->h / SIDE;
  double x = scale * (double)box->x + w / 2, y = scale * (double)box->y + h / 2;
  const double map[6] = {mirrored ? -w : w, 0, mirrored ? x + w * (SIDE - 1) : x, 0, h, y};
  sb_status status = sb_image_warp(photo, map, SB_IMAGE_BORDER_EDGE, rgb, SIDE, SIDE, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < PIXELS; i++) out->values[i] = (float)(rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2]);
  normalise(out);
  return SB_OK;
}

static double correlation(const patch *a, const patch *b) {
  double sum = 0;
  for (int i = 0; i < PIXELS; i++) sum += (double)a->values[i] * (double)b->values[i];
  return sum;
}

/* `box`, moved by whole steps and resized by others. */
static sb_box moved(const sb_box *box, int x, int y, int size) {
  float grown = (float)(size * step * 2), dx = (float)(x * step), dy = (float)(y * step);
  return (sb_box){box->x + box->w * (dx - grown / 2), box->y + box->h * (dy - grown / 2), box->w * (1 + grown),
                  box->h * (1 + grown)};
}

sb_status sb_photo_copies_are(const sb_image *photo, const sb_box *one, const sb_box *other, bool *copies,
                              sb_error *error) {
  enum { PLACES = 2 * STEPS + 1, TRIES = PLACES * PLACES * 3 * 2 };
  patch first, second;
  *copies = false;
  sb_status status = take(photo, one, false, &first, error);
  for (int i = 0; status == SB_OK && !*copies && i < TRIES; i++) {
    int size = i / 2 % 3 - 1, x = i / 6 % PLACES - STEPS, y = i / 6 / PLACES - STEPS;
    const sb_box box = moved(other, x, y, size);
    status = take(photo, &box, i % 2, &second, error);
    *copies = status == SB_OK && correlation(&first, &second) > same;
  }
  return status;
}
