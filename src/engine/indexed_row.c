/* Template and density in one vector; indexed_row.h explains. */
#include "engine/indexed_row.h"

#include "stats/cohort.h"

#include <string.h>

enum { EXTRA = 2, SCALE = 4 };
/* Biases are stored as differences from that of an average face, so that half precision keeps four digits. */
static const float usual_bias = 0.13f;

size_t sb_indexed_row_dim(size_t dim) {
  return dim + EXTRA <= SB_DIM_MAX ? dim + EXTRA : dim;
}

float sb_indexed_row_bias(const sb_density *density) {
  const sb_cohort cohort = {(double)density->location, (double)density->deviation, 1};
  return density->population == SB_DENSITY_NONE ? usual_bias : (float)sb_cohort_bias(&cohort);
}

void sb_indexed_row_make(const float *template, size_t dim, const sb_density *density, float *row) {
  memcpy(row, template, dim * sizeof *row);
  sb_normalize(row, dim);
  if (sb_indexed_row_dim(dim) == dim) return;
  row[dim] = -SCALE * (sb_indexed_row_bias(density) - usual_bias);
  row[dim + 1] = density->population == SB_DENSITY_NONE ? 0 : density->deviation;
}

size_t sb_indexed_row_query_tail(size_t dim, float *tail) {
  tail[0] = 1.0f / SCALE;
  tail[1] = 0;
  return sb_indexed_row_dim(dim) - dim;
}

void sb_indexed_row_query(size_t dim, bool by_score, float *query) {
  if (sb_indexed_row_dim(dim) == dim) return;
  query[dim] = by_score ? 1.0f / SCALE : 0;
  query[dim + 1] = 0;
}

void sb_indexed_row_density(const float *row, size_t dim, sb_density *out) {
  *out = (sb_density){0};
  if (sb_indexed_row_dim(dim) == dim || !(row[dim + 1] > 0)) return;
  out->deviation = row[dim + 1];
  out->population = SB_DENSITY_OUTDATED;
  sb_cohort at_zero = {0, (double)out->deviation, 1};
  out->location = 2 * (usual_bias - row[dim] / SCALE - (float)sb_cohort_bias(&at_zero));
}
