/* Areas of a camera's pictures: masks, which are painted over before anything else is done with a picture, and the
 * areas in which faces are looked for.
 *
 * As text: polygons with ';' between, each of three points or more, "x,y x,y x,y", from 0,0 (top left) to 1,1. */
#ifndef SB_CAMERA_AREA_H
#define SB_CAMERA_AREA_H

#include "base/base.h"

enum { SB_CAMERA_POLYGONS_MAX = 16, SB_CAMERA_POINTS_MAX = 32 };

typedef struct sb_camera_polygon {
  int count;
  double x[SB_CAMERA_POINTS_MAX], y[SB_CAMERA_POINTS_MAX];
} sb_camera_polygon;

typedef struct sb_camera_area {
  int count;
  sb_camera_polygon polygons[SB_CAMERA_POLYGONS_MAX];
} sb_camera_area;

/* "" is an area without polygons. SB_INVALID, with a message that begins with `field`. */
sb_status sb_camera_area_parse(const char *text, const char *field, sb_camera_area *out, sb_error *error);
/* Is the point in one of the polygons? From 0,0 to 1,1. */
bool sb_camera_area_contains(const sb_camera_area *area, double x, double y);
/* Paints the polygons grey. `pixels`: RGB, interleaved. */
void sb_camera_area_paint(const sb_camera_area *area, uint8_t *pixels, int width, int height);

#endif
