/* Learns the calibration of a model from samples whose people are known. */
#ifndef SB_STATS_CALIBRATE_H
#define SB_STATS_CALIBRATE_H

#include "stats/evaluate.h"

/* Makes a calibration from an evaluation by cosine: points with at least 20 non-mated pairs beyond them, a tail fitted
 * to the points, the default threshold at `fmr`, the "not sure" threshold at ten times that rate. No rate is claimed
 * below half of the lowest that was measured. SB_INVALID: too few non-mated pairs, or too few people. */
sb_status sb_stats_calibrate(const sb_stats_evaluation *cosines, double fmr, sb_calibration *out, sb_error *error);

enum { SB_CALIBRATION_PEOPLE = 200 }; /* whose scores tell the constants of normalised scores, at least */

/* The same from a set, with the constants of normalised scores (cohort.h) where it has SB_CALIBRATION_PEOPLE: the
 * deviation of one face's scores; the offsets with which comparisons and searches keep the curve's rates for everybody,
 * and at most 1.5 times these for each group with enough samples; and how much higher the strangers of the most crowded
 * group score. The curve then is that of the least crowded group of so many people, or of everybody: normalising takes
 * the difference from the others, and a curve that crowds have part in would only raise the thresholds of all. With
 * fewer people the curve is everybody's, and the constants are left to the model. `set->calibration`: the one in use
 * until now, whose most crowded group still counts. */
sb_status sb_stats_calibrate_set(const sb_stats_set *set, double fmr, sb_calibration *out, sb_error *error);

#endif
