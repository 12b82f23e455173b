/* Makes photos for tests, as JPEG:
 *
 *   render beside OUT A B     two photos side by side
 *   render mirror OUT A       a photo as in a mirror
 *   render head OUT PHOTO X Y W H    frames of a head, OUT/000.jpg and on, one for each line of the standard input:
 *       YAW PITCH SCALE DX DY FLAT; prints the path of each when it is written
 *
 * The face in the box X Y W H of PHOTO becomes the surface of a head (an ellipsoid with a nose; FLAT 1: a picture),
 * which is turned by YAW (positive: to the subject's left, which is to the right in the frame) and PITCH (positive: up)
 * in degrees, moved by DX, DY parts of the frame's width, and seen in perspective, SCALE times as large. */
#include "image/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 320, HEIGHT = 240, GRID = 64, QUALITY = 92, GREY = 110 };

static void fail(const char *what) {
  fprintf(stderr, "render: %s\n", what);
  exit(1);
}

static sb_image read_photo(const char *path) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_image image = {0};
  sb_error error = {0};
  if (sb_file_read(path, 64 << 20, &bytes, &size, &error) != SB_OK ||
      sb_image_decode(bytes, size, NULL, &image, &error) != SB_OK)
    fail(error.message);
  free(bytes);
  return image;
}

static void write_jpeg(const char *path, const uint8_t *rgb, int width, int height) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  FILE *file = fopen(path, "wb");
  if (!file || sb_image_write_jpeg(rgb, width, height, QUALITY, &bytes, &size, NULL) != SB_OK) fail("cannot write");
  if (fwrite(bytes, 1, size, file) != size || fclose(file)) fail("cannot write");
  free(bytes);
}

static void beside(const char *out, const char *one, const char *other) {
  sb_image a = read_photo(one), b = read_photo(other);
  int height = a.height > b.height ? a.height : b.height, width = a.width + b.width;
  uint8_t *rgb = calloc((size_t)width * (size_t)height, 3);
  if (!rgb) fail("out of memory");
  for (int y = 0; y < height; y++) {
    uint8_t *row = rgb + (size_t)y * (size_t)width * 3;
    if (y < a.height) memcpy(row, a.pixels + (size_t)y * (size_t)a.width * 3, (size_t)a.width * 3);
    if (y < b.height)
      memcpy(row + (size_t)a.width * 3, b.pixels + (size_t)y * (size_t)b.width * 3, (size_t)b.width * 3);
  }
  write_jpeg(out, rgb, width, height);
  free(rgb);
  sb_image_free(&a);
  sb_image_free(&b);
}

static void mirror(const char *out, const char *path) {
  sb_image a = read_photo(path);
  uint8_t *rgb = calloc((size_t)a.width * (size_t)a.height, 3);
  if (!rgb) fail("out of memory");
  for (int y = 0; y < a.height; y++)
    for (int x = 0; x < a.width; x++)
      memcpy(rgb + ((size_t)y * (size_t)a.width + (size_t)x) * 3,
             a.pixels + ((size_t)y * (size_t)a.width + (size_t)(a.width - 1 - x)) * 3, 3);
  write_jpeg(out, rgb, a.width, a.height);
  free(rgb);
  sb_image_free(&a);
}

/* ---- The head. Its unit is half of the box's height; x to the right, y down, z towards the camera. */

typedef struct vertex {
  double x, y, z; /* in the frame; z for hiding what is behind */
  double u, v;    /* in the photo */
} vertex;

typedef struct pose {
  double yaw, pitch, scale, dx, dy;
  int flat;
} pose;

typedef struct frame {
  uint8_t rgb[WIDTH * HEIGHT * 3];
  double depth[WIDTH * HEIGHT];
} frame;

static double surface(double x, double y, int flat) {
  if (flat) return 0;
  double round = 1 - x * x / .74 - y * y / 1.69, nose = exp(-(x * x / .03 + (y - .2) * (y - .2) / .06));
  return .95 * sqrt(round > 0 ? round : 0) + .22 * nose;
}

static vertex project(const pose *p, double x, double y) {
  const double distance = 6, size = 58; /* of the camera; pixels of a unit */
  double yaw = p->yaw * M_PI / 180, pitch = p->pitch * M_PI / 180, z = surface(x, y, p->flat) - (p->flat ? 0 : .5);
  double x1 = x * cos(yaw) + z * sin(yaw), z1 = z * cos(yaw) - x * sin(yaw);
  double y1 = y * cos(pitch) - z1 * sin(pitch), z2 = z1 * cos(pitch) + y * sin(pitch);
  double s = size * distance / (distance / p->scale - z2);
  return (vertex){WIDTH / 2.0 + p->dx * WIDTH + s * x1, HEIGHT / 2.0 + p->dy * WIDTH + s * y1, z2, 0, 0};
}

static void sample(const sb_image *photo, double u, double v, uint8_t *out) {
  int x = (int)u, y = (int)v;
  if (x < 0 || y < 0 || x + 1 >= photo->width || y + 1 >= photo->height) return;
  const uint8_t *a = photo->pixels + ((size_t)y * (size_t)photo->width + (size_t)x) * 3, *b = a + photo->width * 3;
  double fx = u - x, fy = v - y;
  for (int c = 0; c < 3; c++)
    out[c] = (uint8_t)((a[c] * (1 - fx) + a[c + 3] * fx) * (1 - fy) + (b[c] * (1 - fx) + b[c + 3] * fx) * fy + .5);
}

static void triangle(frame *f, const sb_image *photo, const vertex *a, const vertex *b, const vertex *c) {
  double area = (b->x - a->x) * (c->y - a->y) - (c->x - a->x) * (b->y - a->y);
  int left = (int)fmax(0, floor(fmin(a->x, fmin(b->x, c->x)))), top = (int)fmax(0, floor(fmin(a->y, fmin(b->y, c->y))));
  int right = (int)fmin(WIDTH - 1, ceil(fmax(a->x, fmax(b->x, c->x))));
  int bottom = (int)fmin(HEIGHT - 1, ceil(fmax(a->y, fmax(b->y, c->y))));
  if (fabs(area) < 1e-9) return;
  for (int y = top; y <= bottom; y++)
    for (int x = left; x <= right; x++) {
      double q = ((x - a->x) * (c->y - a->y) - (c->x - a->x) * (y - a->y)) / area;
      double r = ((b->x - a->x) * (y - a->y) - (x - a->x) * (b->y - a->y)) / area;
      if (q < -1e-6 || r < -1e-6 || q + r > 1 + 1e-6) continue;
      double z = a->z + q * (b->z - a->z) + r * (c->z - a->z);
      if (z <= f->depth[y * WIDTH + x]) continue;
      f->depth[y * WIDTH + x] = z;
      sample(photo, a->u + q * (b->u - a->u) + r * (c->u - a->u), a->v + q * (b->v - a->v) + r * (c->v - a->v),
             f->rgb + (y * WIDTH + x) * 3);
    }
}

static void draw(frame *f, const sb_image *photo, const sb_box *box, const pose *p) {
  static vertex grid[GRID + 1][GRID + 1];
  const double reach_x = .86, reach_y = 1.3;
  double half = (double)box->h / 2, cx = (double)box->x + (double)box->w / 2, cy = (double)box->y + half;
  memset(f->rgb, GREY, sizeof f->rgb);
  for (int i = 0; i < WIDTH * HEIGHT; i++) f->depth[i] = -1e9;
  for (int j = 0; j <= GRID; j++)
    for (int i = 0; i <= GRID; i++) {
      double x = reach_x * (2.0 * i / GRID - 1), y = reach_y * (2.0 * j / GRID - 1);
      grid[j][i] = project(p, x, y);
      grid[j][i].u = cx + half * x;
      grid[j][i].v = cy + half * y;
    }
  for (int j = 0; j < GRID; j++)
    for (int i = 0; i < GRID; i++) {
      double x = (2.0 * i + 1) / GRID - 1, y = (2.0 * j + 1) / GRID - 1;
      if (!p->flat && x * x + y * y > 1) continue; /* behind the outline */
      triangle(f, photo, &grid[j][i], &grid[j][i + 1], &grid[j + 1][i]);
      triangle(f, photo, &grid[j][i + 1], &grid[j + 1][i + 1], &grid[j + 1][i]);
    }
}

static void head(char **words) {
  static frame f;
  sb_image photo = read_photo(words[1]);
  const sb_box box = {(float)atof(words[2]), (float)atof(words[3]), (float)atof(words[4]), (float)atof(words[5])};
  pose p;
  char path[1024];
  for (int i = 0; scanf("%lf %lf %lf %lf %lf %d", &p.yaw, &p.pitch, &p.scale, &p.dx, &p.dy, &p.flat) == 6; i++) {
    draw(&f, &photo, &box, &p);
    snprintf(path, sizeof path, "%s/%03d.jpg", words[0], i);
    write_jpeg(path, f.rgb, WIDTH, HEIGHT);
    puts(path);
    fflush(stdout);
  }
  sb_image_free(&photo);
}

int main(int count, char **words) {
  if (count == 5 && !strcmp(words[1], "beside"))
    beside(words[2], words[3], words[4]);
  else if (count == 4 && !strcmp(words[1], "mirror"))
    mirror(words[2], words[3]);
  else if (count == 8 && !strcmp(words[1], "head"))
    head(words + 2);
  else
    fail("beside OUT A B | mirror OUT A | head OUT PHOTO X Y W H");
  return 0;
}
