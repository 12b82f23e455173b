/* Clocks, and conversion of times from and to text. */
#include "base/clock.h"

#include "base/errors.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t sb_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double sb_monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void sb_time_iso(int64_t unix_ms, char out[32]) {
  int64_t milliseconds = unix_ms % 1000 < 0 ? unix_ms % 1000 + 1000 : unix_ms % 1000;
  time_t seconds = (time_t)((unix_ms - milliseconds) / 1000);
  struct tm parts;
  size_t length = gmtime_r(&seconds, &parts) ? strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts) : 0;
  snprintf(out + length, 32 - length, ".%03dZ", (int)milliseconds);
}

sb_status sb_time_expiry(const char *text, int64_t *unix_ms, sb_error *error) {
  enum { DAY_MS = 86400000, DAYS_MAX = 36525 };
  int year = 0, month = 0, day = 0, end = 0;
  if (!strcmp(text, "never")) {
    *unix_ms = 0;
    return SB_OK;
  }
  if (sscanf(text, "%5d%n", &day, &end) == 1 && !strcmp(text + end, "d") && day >= 0 && day <= DAYS_MAX) {
    *unix_ms = sb_now_ms() + (int64_t)day * DAY_MS;
    return SB_OK;
  }
  if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && !text[end] && year >= 1970) {
    struct tm date = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day}, given = date;
    time_t seconds = timegm(&date);
    if (seconds >= 0 && date.tm_mon == given.tm_mon && date.tm_mday == given.tm_mday) {
      *unix_ms = ((int64_t)seconds + 86400) * 1000;
      return SB_OK;
    }
  }
  return sb_fail(error, SB_INVALID,
                 "the expiry date must be a number of days such as 365d, a date such as 2027-01-31, or never");
}
