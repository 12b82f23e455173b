/* Does the retention job trust the system's clock? A clock that is a year ahead would erase everybody whose retention
 * period ends within that year, and erasure is final. */
#ifndef SB_HTTP_OPS_CLOCK_GUARD_H
#define SB_HTTP_OPS_CLOCK_GUARD_H

#include "base/base.h"

/* Zero-initialise. */
typedef struct sb_http_clock_guard {
  int64_t wall_ms;               /* Unix time at the last call; 0: there was none */
  double boot_ms, held_until_ms; /* since the machine started, suspended time included (CLOCK_BOOTTIME) */
  int64_t before_ms;             /* the time that was trusted last, while it is held */
} sb_http_clock_guard;

/* To be called regularly. False, for 24 hours, after the clock was set ahead by more than an hour, or at the first call
 * when it is more than 30 days after `newest_ms`, the newest entry of the audit (0: none): enough time to correct it.
 * A clock that is set back to the time before is trusted at once. */
bool sb_http_clock_guard_trusts(sb_http_clock_guard *guard, int64_t wall_ms, double boot_ms, int64_t newest_ms);

#endif
