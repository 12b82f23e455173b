/* Squares and similarity transforms. Affine maps are those of sb_image_warp: target pixel centre to source pixel
 * centre. */
#include "face/steps.h"

#include <math.h>

void sb_square_map(const sb_square *square, int n, double map[6]) {
  double c = cos(square->angle) * square->side, s = sin(square->angle) * square->side;
  double half = 0.5 / n - 0.5; /* the centre of the first pixel, relative to the square's centre */
  const double m[6] = {c / n, -s / n, square->x + (c - s) * half, s / n, c / n, square->y + (s + c) * half};
  for (int i = 0; i < 6; i++) map[i] = m[i];
}

void sb_square_point(const sb_square *square, double u, double v, double out[2]) {
  double c = cos(square->angle) * square->side, s = sin(square->angle) * square->side;
  out[0] = c * (u - 0.5) - s * (v - 0.5) + square->x;
  out[1] = s * (u - 0.5) + c * (v - 0.5) + square->y;
}

bool sb_similarity_fit(const double from[5][2], const double to[5][2], sb_similarity *out) {
  double fx = 0, fy = 0, tx = 0, ty = 0;
  for (int i = 0; i < 5; i++) fx += from[i][0] / 5, fy += from[i][1] / 5, tx += to[i][0] / 5, ty += to[i][1] / 5;
  double spread = 0, along = 0, across = 0;
  for (int i = 0; i < 5; i++) {
    double x = from[i][0] - fx, y = from[i][1] - fy, u = to[i][0] - tx, v = to[i][1] - ty;
    spread += x * x + y * y;
    along += x * u + y * v;
    across += x * v - y * u;
  }
  if (!(spread > 1e-9) || !(along * along + across * across > 1e-9)) return false;
  out->a = along / spread;
  out->b = across / spread;
  out->tx = tx - (out->a * fx - out->b * fy);
  out->ty = ty - (out->b * fx + out->a * fy);
  return true;
}

void sb_similarity_point(const sb_similarity *s, const double from[2], double to[2]) {
  to[0] = s->a * from[0] - s->b * from[1] + s->tx;
  to[1] = s->b * from[0] + s->a * from[1] + s->ty;
}

void sb_similarity_inverse_map(const sb_similarity *s, double map[6]) {
  double n = s->a * s->a + s->b * s->b;
  map[0] = s->a / n;
  map[1] = s->b / n;
  map[2] = -(s->a * s->tx + s->b * s->ty) / n;
  map[3] = -s->b / n;
  map[4] = s->a / n;
  map[5] = (s->b * s->tx - s->a * s->ty) / n;
}
