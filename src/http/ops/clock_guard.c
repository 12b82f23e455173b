#include "http/ops/clock_guard.h"

#define HOUR_MS 3600e3
#define DAY_MS (24 * HOUR_MS)
enum { REST_DAYS_MAX = 30 };

static void hold(sb_http_clock_guard *guard, double boot_ms, int64_t before_ms) {
  guard->held_until_ms = boot_ms + DAY_MS;
  guard->before_ms = before_ms;
}

bool sb_http_clock_guard_trusts(sb_http_clock_guard *guard, int64_t wall_ms, double boot_ms, int64_t newest_ms) {
  bool first = !guard->wall_ms;
  double passed = boot_ms - guard->boot_ms, ahead = (double)(wall_ms - guard->wall_ms) - passed;
  if (first && newest_ms && (double)(wall_ms - newest_ms) > REST_DAYS_MAX * DAY_MS) hold(guard, boot_ms, newest_ms);
  if (!first && ahead > HOUR_MS) hold(guard, boot_ms, guard->wall_ms);
  if (!first && ahead < -HOUR_MS && (double)(wall_ms - guard->before_ms) < DAY_MS) guard->held_until_ms = 0;
  guard->wall_ms = wall_ms;
  guard->boot_ms = boot_ms;
  return boot_ms >= guard->held_until_ms;
}
