/* Normalised scores: what a cosine is worth depends on the crowd around the two faces.
 *
 * An embedding model puts some people closer together than others (children, and groups that its training photos had
 * few of), so that one threshold on the cosine has very different false match rates for them. The gallery itself tells
 * how crowded a face's surroundings are: the scores of the nearest other people, its cohort. A score is normalised by
 * the cohorts of both faces, as speaker recognition does (symmetric adaptive s-norm: Matejka et al., "Analysis of score
 * normalization in multilingual speaker recognition", Interspeech 2017), with differences that let one
 * calibration hold for every gallery size:
 *
 *   1. A face's scores against strangers are taken as normal with a location and a deviation of its own. Both come from
 *      the order statistics of the cohort: the r-th best of N scores is expected at location + deviation * z(r, N),
 *      z = Phi^-1(1 - (r - 3/8) / (N + 1/4)) (Blom, "Statistical estimates and transformed beta-variables", 1958).
 *      So N drops out, and a location that was stored stays right while the gallery grows.
 *   2. The two highest scores are left out (fewer where no neighbour would be left): they may be of the same person
 *      under other ids.
 *   3. Few neighbours say little: location and deviation are shrunk towards those of the model's calibration.
 *   4. The result is mapped back to the scale of the cosine, so that the model's calibration (stats.h) says what a
 *      normalised score means. Without a cohort it is the cosine.
 *
 *      x(1) >= ... >= x(k)   scores of the k nearest other people, ranks r, r + 1, ... of N
 *      slope       = sum (x - mean x)(z - mean z) / sum (z - mean z)^2
 *      deviation^2 = w slope^2 + (1 - w) d^2,  w = k / (k + prior)
 *      location    = v (mean x - deviation mean z) + (1 - v) m,  v = k / (k + 2)
 *      T           = (similarity - (location_a + location_b) / 2) /
 *                    sqrt((deviation_a^2 + deviation_b^2) / 2 + (1 - v) (s^2 - d^2))
 *      score       = m + s (T - offset v)
 *
 * m and s are the mean and deviation of the calibration's tail, d the deviation of the scores of one face (s also has
 * the spread between faces). The priors and offsets were chosen by cross-validation over people (docs/accuracy.md).
 * Pure functions; any thread. */
#ifndef SB_STATS_COHORT_H
#define SB_STATS_COHORT_H

#include "stats/stats.h"

enum {
  SB_COHORT_SEARCH = 30,      /* neighbours behind a cohort of a search, and of a stored template */
  SB_COHORT_VERIFY = 100,     /* of a comparison of two photos, at most */
  SB_COHORT_VERIFY_LEAST = 30 /* and at least, where the gallery has so many people */
};

typedef struct sb_cohort {
  double location, deviation; /* of the face's scores against strangers */
  double weight;              /* 0: nothing is known, and the two are the calibration's; towards 1 with neighbours */
} sb_cohort;

/* Whether the model has the constants. Without them every score is the cosine. */
bool sb_cohort_available(const sb_calibration *calibration);
/* The cohort of a face of which nothing is known. */
sb_cohort sb_cohort_unknown(const sb_calibration *calibration);
/* From the scores of the nearest other people, highest first: ranks `first`, `first` + 1, ... among `population`
 * people. `prior`: so many neighbours weigh as much as the model's deviation (SB_COHORT_PRIOR_...). Ranks beyond the
 * population are left out; without any, or with a score that is not finite, the result is sb_cohort_unknown. */
sb_cohort sb_cohort_fit(const sb_calibration *calibration, const float *scores, size_t count, size_t first,
                        size_t population, double prior);
#define SB_COHORT_PRIOR_SEARCH 90.0
#define SB_COHORT_PRIOR_VERIFY 20.0

/* The weight of a cohort of so many neighbours. */
double sb_cohort_weight(double neighbors);

/* How many neighbours a comparison of two photos uses in a gallery of `people`; 0 where there are too few. */
size_t sb_cohort_verify_size(size_t people);

/* The normalised score of a search's candidate (`probe`, `candidate`), and of a comparison of two photos. */
double sb_cohort_search_score(const sb_calibration *calibration, const sb_cohort *probe, const sb_cohort *candidate,
                              double similarity);
double sb_cohort_verify_score(const sb_calibration *calibration, const sb_cohort *one, const sb_cohort *other,
                              double similarity);
/* What a candidate's cohort takes from its similarity in a ranking: the candidate with the highest similarity - bias
 * has the highest score, up to differences of deviations. */
double sb_cohort_bias(const sb_cohort *candidate);

/* A person with many templates reaches any score more often: with the best of n similarities the FMR grows about as
 * n^(3/4) (measured: 2, 3 and 4 times with 2, 3 and 5), with the mean of the best similarity and that of the mean
 * template about as n^(2/5). Lowers `score` so that it has the rate again that it would have for a person with the
 * gallery's mean number of templates, which the probe's cohort reflects with its `weight`. */
#define SB_COHORT_GROWTH_BEST 0.75
#define SB_COHORT_GROWTH_MEAN 0.4
double sb_cohort_templates_score(const sb_calibration *calibration, double score, double weight, double templates,
                                 double mean_templates, double growth);

/* The false match rate of a score that is normalised with `weight` (mean of both cohorts'). Where the cohort says
 * little, the upper limit is that of the adult group whose strangers score highest. */
sb_stats_rate sb_cohort_fmr(const sb_calibration *calibration, double score, double weight);

#endif
