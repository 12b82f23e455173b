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

/* ---- Moments */

/* "30m", "24h", "7d". */
static bool parse_ago(const char *text, int64_t *unix_ms) {
  static const char units[] = "mhd";
  static const int64_t unit_ms[] = {60000, 3600000, 86400000};
  int count = 0, end = 0;
  char unit = 0;
  if (*text < '0' || *text > '9') return false;
  if (sscanf(text, "%6d%c%n", &count, &unit, &end) != 2 || text[end]) return false;
  const char *found = memchr(units, unit, sizeof units - 1);
  if (!found) return false;
  *unix_ms = sb_now_ms() - count * unit_ms[found - units];
  return true;
}

/* The end of a time: "", ".123", then "Z" or "+02:00". */
static bool parse_zone(const char *text, int64_t *shift_ms) {
  int64_t fraction = 0, digits = 0;
  int hours = 0, minutes = 0, end = 0;
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++, digits++)
      if (digits < 3) fraction = 10 * fraction + (*text - '0');
  for (int64_t i = digits; i < 3; i++) fraction *= 10;
  *shift_ms = fraction;
  if ((*text == 'Z' || *text == 'z') && !text[1]) return true;
  char sign = *text;
  if ((sign != '+' && sign != '-') || sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2) return false;
  if (end != 5 || text[6] || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  *shift_ms += (sign == '+' ? -1 : 1) * (hours * 3600000LL + minutes * 60000LL);
  return true;
}

static bool parse_date(const char *text, int64_t *unix_ms) {
  struct tm date = {0};
  int64_t shift = 0;
  int end = 0;
  if (strspn(text, "0123456789") != 4) return false;
  if (sscanf(text, "%4d-%2d-%2d%n", &date.tm_year, &date.tm_mon, &date.tm_mday, &end) != 3 || end != 10) return false;
  if (text[end]) {
    int more = 0;
    if (text[end] != 'T' && text[end] != 't') return false;
    if (sscanf(text + end + 1, "%2d:%2d:%2d%n", &date.tm_hour, &date.tm_min, &date.tm_sec, &more) != 3) return false;
    if (more != 8 || !parse_zone(text + end + 1 + more, &shift)) return false;
  }
  date.tm_year -= 1900;
  date.tm_mon -= 1;
  const struct tm given = date;
  time_t seconds = timegm(&date);
  if (date.tm_mon != given.tm_mon || date.tm_mday != given.tm_mday || date.tm_hour != given.tm_hour ||
      date.tm_min != given.tm_min || date.tm_sec != given.tm_sec)
    return false;
  *unix_ms = (int64_t)seconds * 1000 + shift;
  return true;
}

sb_status sb_time_parse(const char *text, const char *field, int64_t *unix_ms, sb_error *error) {
  if (parse_ago(text, unix_ms) || parse_date(text, unix_ms)) return SB_OK;
  return sb_fail(error, SB_INVALID, "%s is a time such as 2027-01-31T08:00:00Z, a date, or 24h for a day ago", field);
}
