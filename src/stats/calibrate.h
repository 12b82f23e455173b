/* Learns the calibration of a model from samples whose people are known. */
#ifndef SB_STATS_CALIBRATE_H
#define SB_STATS_CALIBRATE_H

#include "stats/evaluate.h"

/* Makes a calibration from an evaluation by cosine: points with at least 20 non-mated pairs beyond them, a tail fitted
 * to the points, the default threshold at `fmr`, the "not sure" threshold at ten times that rate. No rate is claimed
 * below half of the lowest that was measured. SB_INVALID: too few non-mated pairs, or too few people. */
sb_status sb_stats_calibrate(const sb_stats_evaluation *cosines, double fmr, sb_calibration *out, sb_error *error);

enum { SB_CALIBRATION_PEOPLE = 200 }; /* that sb_stats_calibrate_cohort needs */

/* Learns the constants of normalised scores (cohort.h) for a calibration of the above: the deviation of one face's
 * scores, the offsets with which comparisons and searches keep the curve's rates for everybody and for each group that
 * has enough samples, and how much higher the strangers of the most crowded group score. `model`: the calibration
 * until now, whose most crowded group still counts. With fewer than SB_CALIBRATION_PEOPLE people, `calibration` stays
 * without the constants, so that the model's are used. */
sb_status sb_stats_calibrate_cohort(const sb_stats_set *set, const sb_calibration *model, sb_calibration *calibration,
                                    sb_error *error);

#endif
