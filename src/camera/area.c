#include "camera/area.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GREY = 128 };

static sb_status malformed(const char *field, sb_error *error) {
  return sb_fail(error, SB_INVALID,
                 "%s: polygons are separated by ';', each of 3 to %d points from 0,0 (top left) to 1,1, at most %d: "
                 "\"0,0 0.5,0 0.5,1 0,1\"",
                 field, SB_CAMERA_POINTS_MAX, SB_CAMERA_POLYGONS_MAX);
}

/* A number of 0..1, followed by `end`, or by any of ' ', ';' and the end of the text where that is ' '. */
static bool parse_number(const char **text, char end, double *out) {
  char *rest = NULL;
  if (!strchr("0123456789.", **text) || !**text) return false;
  *out = strtod(*text, &rest);
  if (rest == *text || !(*out >= 0 && *out <= 1)) return false;
  if (end == ',' ? *rest != ',' : !strchr(" ;", *rest)) return false;
  *text = rest + (end == ',');
  return true;
}

static bool parse_polygon(const char **text, sb_camera_polygon *out) {
  out->count = 0;
  for (;;) {
    *text += strspn(*text, " ");
    if (!**text || **text == ';') return out->count >= 3;
    if (out->count == SB_CAMERA_POINTS_MAX || !parse_number(text, ',', &out->x[out->count]) ||
        !parse_number(text, ' ', &out->y[out->count]))
      return false;
    out->count++;
  }
}

sb_status sb_camera_area_parse(const char *text, const char *field, sb_camera_area *out, sb_error *error) {
  *out = (sb_camera_area){.count = 0};
  if (!text[strspn(text, " ")]) return SB_OK;
  for (;; text++) {
    if (out->count == SB_CAMERA_POLYGONS_MAX || !parse_polygon(&text, &out->polygons[out->count]))
      return malformed(field, error);
    out->count++;
    if (!*text) return SB_OK;
  }
}

bool sb_camera_area_contains(const sb_camera_area *area, double x, double y) {
  bool inside = false;
  for (int m = 0; m < area->count && !inside; m++) {
    const sb_camera_polygon *p = &area->polygons[m];
    for (int i = 0, j = p->count - 1; i < p->count; j = i++)
      if ((p->y[i] > y) != (p->y[j] > y) && x < p->x[i] + (y - p->y[i]) / (p->y[j] - p->y[i]) * (p->x[j] - p->x[i]))
        inside = !inside; /* the even-odd rule: the ray to the right crosses this edge */
  }
  return inside;
}

/* ---- Painting, a row at a time, by the even-odd rule */

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int crossings(const sb_camera_polygon *p, double y, double out[SB_CAMERA_POINTS_MAX]) {
  int count = 0;
  for (int i = 0, j = p->count - 1; i < p->count; j = i++)
    if ((p->y[i] > y) != (p->y[j] > y))
      out[count++] = p->x[i] + (y - p->y[i]) / (p->y[j] - p->y[i]) * (p->x[j] - p->x[i]);
  qsort(out, (size_t)count, sizeof *out, ascending);
  return count;
}

static void paint_row(const sb_camera_polygon *p, uint8_t *row, int width, double y) {
  double at[SB_CAMERA_POINTS_MAX];
  int count = crossings(p, y, at);
  for (int i = 0; i + 1 < count; i += 2) {
    int from = (int)floor(at[i] * width), to = (int)ceil(at[i + 1] * width);
    if (to > width) to = width;
    if (from < to) memset(row + 3 * (size_t)from, GREY, 3 * (size_t)(to - from));
  }
}

void sb_camera_area_paint(const sb_camera_area *area, uint8_t *pixels, int width, int height) {
  for (int m = 0; m < area->count; m++)
    for (int y = 0; y < height; y++)
      paint_row(&area->polygons[m], pixels + 3 * (size_t)y * (size_t)width, width, (y + 0.5) / height);
}
