#include "base/base.h"

const char *const sb_timed_stage_names[SB_TIMED_COUNT] = {
    "other", "receive", "queue", "wait", "decode", "detect", "align", "embed", "attributes", "search", "store", "send"};

static _Thread_local sb_stage_times *sheet;

void sb_stage_timer_begin(sb_stage_times *laps) {
  sheet = laps;
  laps->now = SB_TIMED_OTHER;
  laps->since_ms = sb_monotonic_ms();
}

sb_timed_stage sb_stage_timer_enter(sb_timed_stage lap) {
  if (!sheet) return SB_TIMED_OTHER;
  double now = sb_monotonic_ms();
  sb_timed_stage before = sheet->now;
  sheet->ms[before] += now - sheet->since_ms;
  sheet->since_ms = now;
  sheet->now = lap;
  return before;
}

void sb_stage_timer_end(void) {
  sb_stage_timer_enter(SB_TIMED_OTHER);
  sheet = NULL;
}
