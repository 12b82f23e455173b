/* Wall-clock time, monotonic time, and time as text. */
#ifndef SB_BASE_CLOCK_H
#define SB_BASE_CLOCK_H

#include <semblance/semblance.h>

int64_t sb_now_ms(void);      /* Unix time, milliseconds */
double sb_monotonic_ms(void); /* for durations: milliseconds since an arbitrary moment; never goes back */
void sb_time_iso(int64_t unix_ms, char out[32]); /* ISO 8601, UTC: "2026-11-24T08:41:27.000Z" */
/* Parses an expiry date: "30d" (days from now), "2027-01-31" (the end of that day, UTC) or "never" (0). SB_INVALID. */
sb_status sb_time_expiry(const char *text, int64_t *unix_ms, sb_error *error);

/* Parses a moment: "2027-01-31" (its begin, UTC); "2027-01-31T08:00:00Z", with a fraction of a second, or an offset
 * such as +02:00 in place of Z; or "30m", "24h", "7d": so long before now. SB_INVALID names `field`. */
sb_status sb_time_parse(const char *text, const char *field, int64_t *unix_ms, sb_error *error);

#endif
