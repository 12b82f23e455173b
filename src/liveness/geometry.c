/* Homographies between quadrilaterals: Heckbert, Fundamentals of Texture Mapping and Image Warping (1989), 2.2.3. */
#include "liveness/geometry.h"

#include <math.h>
#include <string.h>

enum { RIGHT_EYE, LEFT_EYE, NOSE, RIGHT_MOUTH, LEFT_MOUTH }; /* the subject's, as seen left to right */
/* The quadrilateral of the plane, in order around it. */
static const int corners[4] = {RIGHT_EYE, LEFT_EYE, LEFT_MOUTH, RIGHT_MOUTH};

static double area_of(const sb_point p[5]) {
  double twice = 0;
  for (int i = 0; i < 4; i++) {
    const sb_point *a = &p[corners[i]], *b = &p[corners[(i + 1) % 4]];
    twice += (double)a->x * (double)b->y - (double)b->x * (double)a->y;
  }
  return twice / 2;
}

bool sb_challenge_shape_of(const sb_point points[5], sb_challenge_shape *out) {
  sb_challenge_shape s = {.size = 0};
  double area = area_of(points);
  if (!(area > 1)) return false; /* in a photo with y downwards the order is clockwise: a positive area */
  double ax = (double)(points[LEFT_EYE].x - points[RIGHT_EYE].x + points[LEFT_MOUTH].x - points[RIGHT_MOUTH].x);
  double ay = (double)(points[LEFT_EYE].y - points[RIGHT_EYE].y + points[LEFT_MOUTH].y - points[RIGHT_MOUTH].y);
  double length = hypot(ax, ay);
  if (!(length > 1)) return false;
  ax /= length;
  ay /= length;
  s.size = sqrt(area);
  for (int i = 0; i < 4; i++) {
    s.x += (double)points[corners[i]].x / 4;
    s.y += (double)points[corners[i]].y / 4;
  }
  for (int i = 0; i < 5; i++) {
    double x = (double)points[i].x - s.x, y = (double)points[i].y - s.y;
    s.points[i][0] = (x * ax + y * ay) / s.size;
    s.points[i][1] = (y * ax - x * ay) / s.size;
  }
  *out = s;
  return true;
}

/* The matrix that takes the unit square to a shape's quadrilateral. */
static bool square_to_quad(const sb_challenge_shape *shape, double m[9]) {
  const double *p0 = shape->points[corners[0]], *p1 = shape->points[corners[1]], *p2 = shape->points[corners[2]],
               *p3 = shape->points[corners[3]];
  double dx1 = p1[0] - p2[0], dx2 = p3[0] - p2[0], dx3 = p0[0] - p1[0] + p2[0] - p3[0];
  double dy1 = p1[1] - p2[1], dy2 = p3[1] - p2[1], dy3 = p0[1] - p1[1] + p2[1] - p3[1];
  double determinant = dx1 * dy2 - dx2 * dy1;
  if (!(fabs(determinant) > 1e-6)) return false;
  double g = (dx3 * dy2 - dx2 * dy3) / determinant, h = (dx1 * dy3 - dx3 * dy1) / determinant;
  const double made[9] = {p1[0] - p0[0] + g * p1[0],
                          p3[0] - p0[0] + h * p3[0],
                          p0[0],
                          p1[1] - p0[1] + g * p1[1],
                          p3[1] - p0[1] + h * p3[1],
                          p0[1],
                          g,
                          h,
                          1};
  memcpy(m, made, sizeof made);
  return true;
}

/* The adjugate: the inverse, but for a factor, which a homography does not have. */
static void adjugate(const double m[9], double out[9]) {
  const double made[9] = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                          m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                          m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  memcpy(out, made, sizeof made);
}

static void apply(const double m[9], const double in[3], double out[3]) {
  for (int i = 0; i < 3; i++) out[i] = m[3 * i] * in[0] + m[3 * i + 1] * in[1] + m[3 * i + 2] * in[2];
}

bool sb_challenge_parallax(const sb_challenge_shape *reference, const sb_challenge_shape *shape, double out[2]) {
  double from[9], back[9], to[9], square[3], mapped[3];
  const double nose[3] = {reference->points[NOSE][0], reference->points[NOSE][1], 1};
  if (!square_to_quad(reference, from) || !square_to_quad(shape, to)) return false;
  adjugate(from, back);
  apply(back, nose, square);
  apply(to, square, mapped);
  if (!(fabs(mapped[2]) > 1e-9)) return false;
  out[0] = shape->points[NOSE][0] - mapped[0] / mapped[2];
  out[1] = shape->points[NOSE][1] - mapped[1] / mapped[2];
  return isfinite(out[0]) && isfinite(out[1]);
}

double sb_challenge_aspect(const sb_challenge_shape *shape) {
  const double(*p)[2] = shape->points;
  double height = hypot(p[RIGHT_MOUTH][0] + p[LEFT_MOUTH][0] - p[RIGHT_EYE][0] - p[LEFT_EYE][0],
                        p[RIGHT_MOUTH][1] + p[LEFT_MOUTH][1] - p[RIGHT_EYE][1] - p[LEFT_EYE][1]) /
                  2;
  double width = hypot(p[LEFT_EYE][0] - p[RIGHT_EYE][0], p[LEFT_EYE][1] - p[RIGHT_EYE][1]);
  return width > 0 ? height / width : 0;
}
