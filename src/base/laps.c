#include "base/base.h"

const char *const sb_lap_names[SB_LAPS] = {"other", "receive", "queue",      "wait",   "decode", "detect",
                                           "align", "embed",   "attributes", "search", "store",  "send"};

static _Thread_local sb_laps *sheet;

void sb_laps_begin(sb_laps *laps) {
  sheet = laps;
  laps->now = SB_LAP_OTHER;
  laps->since_ms = sb_monotonic_ms();
}

sb_lap sb_lap_enter(sb_lap lap) {
  if (!sheet) return SB_LAP_OTHER;
  double now = sb_monotonic_ms();
  sb_lap before = sheet->now;
  sheet->ms[before] += now - sheet->since_ms;
  sheet->since_ms = now;
  sheet->now = lap;
  return before;
}

void sb_laps_end(void) {
  sb_lap_enter(SB_LAP_OTHER);
  sheet = NULL;
}
