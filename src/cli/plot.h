/* Line and bar plots as SVG, written into a page. */
#ifndef SB_CLI_PLOT_H
#define SB_CLI_PLOT_H

#include "base/base.h"

typedef struct sb_axis {
  const char *label;
  double from, to;
  bool logarithmic; /* from > 0; values below it are drawn at it */
} sb_axis;

typedef struct sb_plot {
  sb_buffer *page;
  sb_axis x, y;
  sb_error *error;
  sb_status status; /* the first failure; further calls do nothing */
} sb_plot;

/* Opens a figure with title, axes, ticks and grid. */
void sb_plot_open(sb_plot *plot, const char *title);
/* A line through points; `style` is a class of the page's style sheet. */
void sb_plot_line(sb_plot *plot, const double (*points)[2], size_t count, const char *style);
/* One bar from the bottom to y. */
void sb_plot_bar(sb_plot *plot, double from, double to, double y, const char *style);
/* A marked place on the x axis. */
void sb_plot_mark(sb_plot *plot, double x, const char *label);
void sb_plot_close(sb_plot *plot);

/* Text with &, <, > and quotes escaped; bytes that are no UTF-8 become question marks. */
sb_status sb_page_text(sb_buffer *page, const char *text, sb_error *error);

#endif
