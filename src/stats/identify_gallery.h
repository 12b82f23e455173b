/* A gallery in memory that is searched as the product searches its own (engine/candidates.c), by cosine and by
 * normalised score (cohort.h): for evaluation. It compares a probe with every template, so it is exact, and it needs no
 * index. An object of one thread. */
#ifndef SB_STATS_IDENTIFY_GALLERY_H
#define SB_STATS_IDENTIFY_GALLERY_H

#include "stats/cohort.h"

typedef struct sb_identify_gallery {
  const sb_calibration *calibration; /* borrowed, like `samples` */
  const sb_stats_sample *samples;
  size_t dim, count, people;
  uint32_t *enrolled;                /* numbers of samples; those of one person are adjacent */
  sb_cohort *cohorts;                /* of each enrolled sample: its density */
  size_t *first;                     /* of each person: index in `enrolled`; first[people] is `count` */
  double *squares;                   /* of each person: of the length of the sum of the templates */
  struct sb_identify_match *matches; /* of each person, during a search */
} sb_identify_gallery;

/* Enrols `count` >= 1 samples, given by ascending number. */
sb_status sb_identify_gallery_new(const sb_calibration *calibration, size_t dim, const sb_stats_sample *samples,
                                  const uint32_t *enrolled, size_t count, sb_identify_gallery *out, sb_error *error);
void sb_identify_gallery_free(sb_identify_gallery *gallery);

/* Searches for a sample, which is left out where it is enrolled itself. */
typedef struct sb_identify_answer {
  sb_stats_search cosine, score; /* `mated`: the person has another sample in the gallery */
} sb_identify_answer;
void sb_identify_gallery_search(sb_identify_gallery *gallery, uint32_t sample, sb_identify_answer *out);

/* The cohort by which a comparison of two photos is normalised. */
sb_cohort sb_identify_gallery_cohort(sb_identify_gallery *gallery, uint32_t sample);
/* The same of a search, without shrinking of the deviation. */
sb_cohort sb_identify_gallery_crowd(sb_identify_gallery *gallery, uint32_t sample);

/* The cosine of two templates of unit length. */
double sb_stats_cosine(const float *a, const float *b, size_t dim);

#endif
