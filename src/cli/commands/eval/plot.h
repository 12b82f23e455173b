/* Line and bar plots as SVG, written into a page of HTML. The first failure stays in `status`; further calls then do
 * nothing. */
#ifndef SB_CLI_PLOT_H
#define SB_CLI_PLOT_H

#include "base/base.h"

typedef struct sb_cli_axis {
  const char *label;
  double from, to;
  bool logarithmic; /* from > 0; smaller values are drawn at `from` */
} sb_cli_axis;

typedef struct sb_cli_plot {
  sb_buffer *page;
  sb_cli_axis x, y;
  sb_error *error;
  sb_status status; /* the first failure */
} sb_cli_plot;

/* Opens a figure with title, axes, ticks and grid. */
void sb_cli_plot_open(sb_cli_plot *plot, const char *title);
/* A line through points; `style` is a class of the page's style sheet. */
void sb_cli_plot_line(sb_cli_plot *plot, const double (*points)[2], size_t count, const char *style);
/* A bar between two values of x, from the bottom to y. */
void sb_cli_plot_bar(sb_cli_plot *plot, double from, double to, double y, const char *style);
/* A labelled vertical line at x. */
void sb_cli_plot_mark(sb_cli_plot *plot, double x, const char *label);
/* Closes the figure. */
void sb_cli_plot_close(sb_cli_plot *plot);

#endif
