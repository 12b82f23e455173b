/* Rates in words that people who do not know statistics understand. They have two significant digits, because no rate
 * of a face recognition system is known better than that. */
#ifndef SB_STATS_WORDING_H
#define SB_STATS_WORDING_H

#include "stats/stats.h"

enum { SB_STATS_TEXT = 96 }; /* room for every text below */

/* What every rate of this product is about: to be said once, next to them. */
#define SB_STATS_ABOUT "rates are about unrelated adults; relatives and twins look alike far more often"

/* A number with two significant digits: "0.23", "2.3", "120", "12,000", "1.2 million", "less than 0.01". */
void sb_stats_number_text(double value, char text[SB_STATS_TEXT]);
/* A rate: "1 in 12,000", above one in ten "23 in 100"; with `bound` "less than 1 in 10 million". */
void sb_stats_rate_text(double rate, bool bound, char text[SB_STATS_TEXT]);
/* What the FMR of a score says about a pair of faces: "1 in 12,000 pairs of different people look this much alike"; for
 * a score that most pairs reach "any two people look as much alike as this". */
void sb_stats_pair_text(const sb_stats_rate *fmr, char text[SB_STATS_TEXT]);

#endif
