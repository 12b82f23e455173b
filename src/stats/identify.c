/* Identification (one-to-many): rates over searches. */
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

double sb_identify_rank(const sb_stats_search *searches, size_t count, size_t rank) {
  size_t mated = 0, found = 0;
  for (size_t i = 0; i < count; i++) {
    mated += searches[i].mated;
    found += searches[i].mated && searches[i].rank <= rank;
  }
  return mated ? (double)found / (double)mated : 0;
}

double sb_identify_fnir(const sb_stats_search *searches, size_t count, double threshold) {
  size_t mated = 0, missed = 0;
  for (size_t i = 0; i < count; i++) {
    mated += searches[i].mated;
    missed += searches[i].mated && (searches[i].rank > 1 || searches[i].own < threshold);
  }
  return mated ? (double)missed / (double)mated : 0;
}

double sb_identify_fpir(const sb_stats_search *searches, size_t count, double threshold) {
  size_t returned = 0;
  for (size_t i = 0; i < count; i++) returned += searches[i].other >= threshold;
  return count ? (double)returned / (double)count : 0;
}

static int falling(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

sb_status sb_identify_threshold(const sb_stats_search *searches, size_t count, double fpir, double *threshold,
                                sb_error *error) {
  double *best = sb_alloc(count, sizeof *best, error);
  if (!best) return SB_NO_MEMORY;
  for (size_t i = 0; i < count; i++) best[i] = searches[i].other;
  qsort(best, count, sizeof *best, falling);
  size_t allowed = (size_t)floor(fpir * (double)count * (1 + 1e-12));
  /* Just above the first score that would be one too many, so that equal scores are excluded together. */
  *threshold = allowed < count ? nextafter(best[allowed], 2) : -1;
  free(best);
  return SB_OK;
}
