/* Error rates that the product promises beside those that are observed on samples whose people are known: by group of
 * people and by size of gallery. The product's `eval` and tests/accuracy share this.
 *
 * Only rates of false matches are promised (FMR of comparisons, FPIR of searches): they follow from a score by the
 * calibration. FNMR and FNIR depend on the photos, and are observed only. A promise counts as broken where the lower
 * limit of what was observed lies above three times the promise, as kept where the upper limit lies below that, and
 * else the samples are too few to tell. */
#ifndef SB_STATS_PROMISE_H
#define SB_STATS_PROMISE_H

#include "stats/identify_gallery.h"

typedef enum sb_stats_promise {
  SB_STATS_PROMISE_KEPT,
  SB_STATS_PROMISE_BROKEN,
  SB_STATS_PROMISE_TOO_FEW
} sb_stats_promise;
#define SB_STATS_PROMISE_MOST 3.0 /* times the promised rate */

sb_stats_promise sb_stats_promise_judge(double promised, sb_interval observed);
/* How many independent trials would show that a promise is kept, at the rate that was observed so far and at least at
 * the promised one; INFINITY where the rate is three times the promise. */
double sb_stats_promise_trials(double promised, double observed);

/* ---- Searches in galleries of several sizes */

typedef struct sb_stats_set {
  const sb_calibration *calibration;
  size_t dim;
  const sb_stats_sample *samples;
  size_t count, people, groups;
} sb_stats_set;

/* Draws people at random: the same `draw` gives the same people, and a smaller gallery is part of a larger one.
 * `eligible`: of each sample; the first sample of a person decides; NULL: everybody. Writes the numbers of their first
 * samples, which are enrolled, in ascending order to `enrolled`, which has room for set->people. */
sb_status sb_stats_promise_draw(const sb_stats_set *set, const bool *eligible, size_t people, uint64_t draw,
                                uint32_t *enrolled, size_t *count, sb_error *error);

typedef struct sb_stats_search_rate {
  size_t people; /* who were searched for */
  uint64_t searches, errors;
  double rate;        /* 0 without searches */
  double trials;      /* so many independent searches are as good */
  sb_interval limits; /* 95 %, by a jackknife over people */
} sb_stats_search_rate;

typedef struct sb_stats_search_rates {
  size_t enrolled;           /* people of the group, over all draws */
  sb_stats_search_rate fpir; /* of searches of people who are not enrolled */
  sb_stats_search_rate fnir; /* of other photos of people who are */
  sb_stats_promise promise;  /* of the FPIR */
} sb_stats_search_rates;

typedef struct sb_stats_gallery_rates {
  size_t people, draws;
  double threshold; /* that promises `fpir` in a gallery of this size */
  sb_stats_search_rates all;
  sb_stats_search_rates *groups;
} sb_stats_gallery_rates;

enum { SB_STATS_GALLERIES_MAX = 8 };
typedef struct sb_stats_promises {
  double fpir; /* promised */
  size_t count;
  sb_stats_gallery_rates galleries[SB_STATS_GALLERIES_MAX];
} sb_stats_promises;
/* Galleries of 30, 100, 300, 1,000, ... people, as long as a quarter of all people remain who are not enrolled: each
 * holds one photo a person, and all other photos are searched for. Small galleries are drawn up to ten times. The set's
 * calibration has measurements. */
sb_status sb_stats_promises_observe(const sb_stats_set *set, double fpir, sb_stats_promises *out, sb_error *error);
void sb_stats_promises_free(sb_stats_promises *promises);

#endif
