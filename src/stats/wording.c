/* Rates in words. */
#include "stats/wording.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double two_digits(double value) {
  double unit = pow(10, floor(log10(value)) - 1);
  return round(value / unit) * unit;
}

/* A whole number with commas between the thousands. */
static void group_thousands(double value, char text[SB_STATS_TEXT]) {
  char digits[32];
  snprintf(digits, sizeof digits, "%.0f", value);
  size_t length = strlen(digits), used = 0;
  for (size_t i = 0; i < length; i++) {
    if (i && (length - i) % 3 == 0) text[used++] = ',';
    text[used++] = digits[i];
  }
  text[used] = 0;
}

void sb_stats_number_text(double value, char text[SB_STATS_TEXT]) {
  static const double least = 0.01, most = 1e15, million = 1e6, billion = 1e9;
  if (!(value >= least)) {
    snprintf(text, SB_STATS_TEXT, "%s", value > 0 ? "less than 0.01" : "0");
    return;
  }
  double rounded = two_digits(fmin(value, most));
  bool large = rounded >= million;
  double shown = rounded >= billion ? rounded / billion : large ? rounded / million : rounded;
  if (shown >= 10)
    group_thousands(shown, text);
  else
    snprintf(text, SB_STATS_TEXT, "%.2g", shown);
  if (large) strcat(text, rounded >= billion ? " billion" : " million");
}

void sb_stats_rate_text(double rate, bool bound, char text[SB_STATS_TEXT]) {
  static const double one_in_ten = 0.105; /* rounds to "1 in 10", anything more to "11 in 100" */
  char number[SB_STATS_TEXT];
  const char *less = bound ? "less than " : "";
  if (rate >= one_in_ten) {
    snprintf(text, SB_STATS_TEXT, "%s%.0f in 100", rate > 0.99 ? "more than " : less, fmin(round(100 * rate), 99));
  } else if (rate > 0) {
    sb_stats_number_text(fmax(1 / rate, 10), number);
    snprintf(text, SB_STATS_TEXT, "%s1 in %.64s", less, number);
  } else {
    snprintf(text, SB_STATS_TEXT, "none");
  }
}

void sb_stats_pair_text(const sb_stats_rate *fmr, char text[SB_STATS_TEXT]) {
  char rate[SB_STATS_TEXT];
  if (fmr->bound && fmr->rate >= 1) {
    snprintf(text, SB_STATS_TEXT,
             "how often different people look this much alike was not measured here for this model");
  } else if (fmr->rate >= 0.5) {
    snprintf(text, SB_STATS_TEXT, "any two people look as much alike as this");
  } else {
    sb_stats_rate_text(fmr->rate, fmr->bound, rate);
    snprintf(text, SB_STATS_TEXT, "%.40s pairs of different people look this much alike", rate);
  }
}
