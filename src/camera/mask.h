/* Masks: areas of a camera's pictures that nobody looks at. They are painted over before anything else is done with a
 * picture.
 *
 * As text: polygons with ';' between, each of three points or more, "x,y x,y x,y", from 0,0 (top left) to 1,1. */
#ifndef SB_CAMERA_MASK_H
#define SB_CAMERA_MASK_H

#include "base/base.h"

enum { SB_CAMERA_POLYGONS_MAX = 16, SB_CAMERA_POINTS_MAX = 32 };

typedef struct sb_camera_polygon {
  int count;
  double x[SB_CAMERA_POINTS_MAX], y[SB_CAMERA_POINTS_MAX];
} sb_camera_polygon;

typedef struct sb_camera_masks {
  int count;
  sb_camera_polygon polygons[SB_CAMERA_POLYGONS_MAX];
} sb_camera_masks;

/* "" is no mask. SB_INVALID. */
sb_status sb_camera_masks_parse(const char *text, sb_camera_masks *out, sb_error *error);
/* Paints them grey. `pixels`: RGB, interleaved. */
void sb_camera_masks_paint(const sb_camera_masks *masks, uint8_t *pixels, int width, int height);

#endif
