/* Artefacts of a picture that make a face unlike itself: blocks (heavy JPEG compression, pixelation, enlarged pixels)
 * and few grey levels (fax, posters, blown-out light). Both are measured on the photo's own pixels inside the face's
 * box, because aligning the face smooths them away. */
#include "face/steps.h"

#include <math.h>

enum {
  WINDOW = 256, /* pixels a side of what is looked at, in the middle of the box */
  LEAST = 32,   /* of a smaller window nothing is said */
  LEAST_BLOCKS = 5
};

/* Sums over the window: of the luma steps across each column and each row, and of each grey level. */
typedef struct profiles {
  int width, height;
  double columns[WINDOW], rows[WINDOW]; /* mean absolute step from pixel i to i + 1 */
  double levels[256];
} profiles;

/* The window: the middle of the box, inside the photo. */
static void choose_window(double from, double to, int limit, int *start, int *length) {
  double middle = (from + to) / 2, side = fmin(to - from, WINDOW);
  int first = (int)fmax(rint(middle - side / 2), 0), last = (int)fmin(rint(middle + side / 2), limit);
  *start = first;
  *length = last > first ? last - first : 0;
}

static void read_luma(const uint8_t *row, int width, double *out) {
  for (int x = 0; x < width; x++) out[x] = 0.299 * row[3 * x] + 0.587 * row[3 * x + 1] + 0.114 * row[3 * x + 2];
}

static void take_profiles(const sb_image *image, int left, int top, profiles *p) {
  double lines[2][WINDOW];
  for (int y = 0; y < p->height; y++) {
    double *line = lines[y % 2], *above = lines[(y + 1) % 2];
    read_luma(image->pixels + 3 * ((size_t)(top + y) * (size_t)image->width + (size_t)left), p->width, line);
    for (int x = 0; x < p->width; x++) {
      p->levels[(int)rint(line[x])]++;
      if (x) p->columns[x - 1] += fabs(line[x] - line[x - 1]) / p->height;
      if (y) p->rows[y - 1] += fabs(line[x] - above[x]) / p->width;
    }
  }
}

/* How much larger the steps on a lattice of this period are than the others, for the best phase. */
static double lattice_ratio(const double *steps, int count, double period) {
  double total = 0, best = 0;
  for (int i = 0; i < count; i++) total += steps[i];
  for (double phase = 0; phase < period; phase += 0.5) {
    double on = 0, hits = 0;
    for (double at = phase; at < count - 0.5; at += period, hits++) on += steps[(int)(at + 0.5)];
    /* Half a grey level is added, so that the steps of a smooth picture are no lattice. */
    if (hits > 0 && hits < count) best = fmax(best, on / hits / ((total - on) / (count - hits) + 0.5));
  }
  return best;
}

/* The block size, in pixels, that the picture is as good as: the period of the strongest lattice that both axes share,
 * to a power that grows with its strength. The weaker ratio of both axes counts, and of several periods that fit nearly
 * as well the shortest, as multiples fit, too. */
static double block_size(const profiles *p) {
  enum { PERIODS = 288 };
  /* Ratios of photos without artefacts end at 1.3, those of posters at 1.9; JPEG of quality 15 has 1.8, of 8 2.6, of 5
   * 3.5, and pixelation 3.5 to 40, or 1.9 to 4 after a JPEG of quality 70. */
  static const double none = 1.6, full = 4.6, nearly = 0.85;
  double ratios[PERIODS], sizes[PERIODS], best = 0;
  int count = 0;
  for (double size = 2.5; size < 20 && count < PERIODS; size += size < 8 ? 0.04 : 0.08) {
    if (size * LEAST_BLOCKS > fmin(p->width, p->height)) break;
    ratios[count] = fmin(lattice_ratio(p->columns, p->width - 1, size), lattice_ratio(p->rows, p->height - 1, size));
    best = fmax(best, ratios[count]);
    sizes[count++] = size;
  }
  if (best <= none) return 1;
  int first = 0;
  while (ratios[first] < nearly * best) first++;
  return pow(sizes[first], fmin((best - none) / (full - none), 1));
}

/* How many grey levels are in effective use: the inverse of Simpson's index, 1 / sum of squared shares. The most
 * frequent level is left out: it may be a mask, a wall or a blown-out light beside a face in all shades. */
static double effective_levels(const profiles *p) {
  int frequent = 0;
  for (int i = 1; i < 256; i++)
    if (p->levels[i] > p->levels[frequent]) frequent = i;
  double squares = 0, pixels = (double)p->width * p->height - p->levels[frequent];
  for (int i = 0; i < 256; i++)
    if (i != frequent) squares += p->levels[i] * p->levels[i];
  return squares > 0 ? pixels * pixels / squares : 1;
}

void sb_quality_artefacts_measure(const sb_image *image, const sb_detection *box, sb_quality_artefacts *out) {
  profiles p = {0};
  int left, top;
  *out = (sb_quality_artefacts){.block = 1, .levels = 256};
  choose_window(box->x0, box->x1, image->width, &left, &p.width);
  choose_window(box->y0, box->y1, image->height, &top, &p.height);
  if (p.width < LEAST || p.height < LEAST) return;
  take_profiles(image, left, top, &p);
  out->block = block_size(&p);
  out->levels = effective_levels(&p);
}
