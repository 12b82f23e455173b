/* The stage timer: a thread-local pointer to the times of the current request. Entering a stage adds the time since the
 * last change to the stage that is left. */
#include "base/stage_timer.h"

#include "base/clock.h"

const char *const sb_timed_stage_names[SB_TIMED_COUNT] = {
    "other", "receive", "queue", "wait", "decode", "detect", "align", "embed", "attributes", "search", "store", "send"};

static _Thread_local sb_stage_times *current;

void sb_stage_timer_begin(sb_stage_times *times) {
  current = times;
  times->now = SB_TIMED_OTHER;
  times->since_ms = sb_monotonic_ms();
}

sb_timed_stage sb_stage_timer_enter(sb_timed_stage stage) {
  if (!current) return SB_TIMED_OTHER;
  double now = sb_monotonic_ms();
  sb_timed_stage before = current->now;
  current->ms[before] += now - current->since_ms;
  current->since_ms = now;
  current->now = stage;
  return before;
}

double sb_stage_timer_ms(sb_timed_stage stage) {
  return current ? current->ms[stage] : 0;
}

void sb_stage_timer_end(void) {
  sb_stage_timer_enter(SB_TIMED_OTHER);
  current = NULL;
}
