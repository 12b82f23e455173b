/* Line and bar plots as SVG. */
#include "cli/commands/eval/plot.h"

#include <math.h>
#include <stdio.h>

/* The figure, and the margins of the plot in it, in the units of the view box. y grows downwards. */
enum { WIDTH = 460, HEIGHT = 300, LEFT = 58, RIGHT = 14, TOP = 34, BOTTOM = 46 };

/* Where a value lies along an axis, from 0 to 1. */
static double part_of(const sb_cli_axis *axis, double value) {
  double from = axis->from, to = axis->to;
  if (axis->logarithmic) from = log10(from), to = log10(to), value = log10(fmax(value, axis->from));
  return fmin(fmax((value - from) / (to - from), 0), 1);
}

static double x_of(const sb_cli_plot *plot, double x) {
  return LEFT + part_of(&plot->x, x) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const sb_cli_plot *plot, double y) {
  return HEIGHT - BOTTOM - part_of(&plot->y, y) * (HEIGHT - TOP - BOTTOM);
}

SB_PRINTF(2, 3) static void put(sb_cli_plot *plot, const char *format, ...) {
  char text[512];
  va_list arguments;
  if (plot->status != SB_OK) return;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= sizeof text)
    plot->status = sb_fail(plot->error, SB_INTERNAL, "a plot's label is too long");
  else
    plot->status = sb_buffer_add(plot->page, text, (size_t)length, plot->error);
}

/* Ticks at every power of ten, or at five even steps. */
static void ticks(sb_cli_plot *plot, const sb_cli_axis *axis, bool across) {
  int count = axis->logarithmic ? (int)lround(log10(axis->to / axis->from)) : 5;
  for (int i = 0; i <= count; i++) {
    double value = axis->logarithmic ? axis->from * pow(10, i) : axis->from + (axis->to - axis->from) * i / count;
    if (across) {
      double x = x_of(plot, value);
      put(plot, "<path class='grid' d='M%.1f %dV%d'/><text x='%.1f' y='%d' class='tick middle'>%g</text>", x, TOP,
          HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 15, value);
    } else {
      double y = y_of(plot, value);
      put(plot, "<path class='grid' d='M%d %.1fH%d'/><text x='%d' y='%.1f' class='tick end'>%g</text>", LEFT, y,
          WIDTH - RIGHT, LEFT - 6, y + 4, value);
    }
  }
}

void sb_cli_plot_open(sb_cli_plot *plot, const char *title) {
  put(plot, "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'><text x='%d' y='18' class='title'>%s</text>", WIDTH,
      HEIGHT, title, LEFT, title);
  ticks(plot, &plot->x, true);
  ticks(plot, &plot->y, false);
  put(plot, "<text x='%d' y='%d' class='middle'>%s</text>", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, plot->x.label);
  put(plot, "<text transform='translate(14 %d) rotate(-90)' class='middle'>%s</text>", (TOP + HEIGHT - BOTTOM) / 2,
      plot->y.label);
}

void sb_cli_plot_line(sb_cli_plot *plot, const double (*points)[2], size_t count, const char *style) {
  if (!count) return;
  put(plot, "<polyline class='%s' points='", style);
  for (size_t i = 0; i < count; i++) put(plot, "%.1f,%.1f ", x_of(plot, points[i][0]), y_of(plot, points[i][1]));
  put(plot, "'/>");
}

void sb_cli_plot_bar(sb_cli_plot *plot, double from, double to, double y, const char *style) {
  double left = x_of(plot, from), top = y_of(plot, y);
  put(plot, "<rect class='%s' x='%.1f' y='%.1f' width='%.1f' height='%.1f'/>", style, left, top, x_of(plot, to) - left,
      HEIGHT - BOTTOM - top);
}

void sb_cli_plot_mark(sb_cli_plot *plot, double x, const char *label) {
  put(plot, "<path class='mark' d='M%.1f %dV%d'/><text x='%.1f' y='%d' class='tick'>%s</text>", x_of(plot, x), TOP,
      HEIGHT - BOTTOM, x_of(plot, x) + 3, TOP + 10, label);
}

void sb_cli_plot_close(sb_cli_plot *plot) {
  put(plot, "</svg>\n");
}
