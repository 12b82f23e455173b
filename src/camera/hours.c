#include "camera/hours.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAYS = 7, SPANS_MAX = 32 };

static sb_status malformed(sb_error *error) {
  return sb_fail(error, SB_INVALID,
                 "hours are days and times of the server's time zone with ';' between, at most %d: "
                 "\"mo-fr 07:00-19:00; sa,su 22:00-06:00\" with mo, tu, we, th, fr, sa, su",
                 SPANS_MAX);
}

static void skip_spaces(const char **text) {
  *text += strspn(*text, " ");
}

/* 0 is Monday. */
static bool parse_day(const char **text, int *day) {
  static const char names[DAYS][3] = {"mo", "tu", "we", "th", "fr", "sa", "su"};
  for (*day = 0; *day < DAYS; ++*day)
    if (!strncmp(*text, names[*day], 2)) return *text += 2, true;
  return false;
}

/* "mo-fr,su"; no days at all are all of them. */
static bool parse_days(const char **text, bool days[DAYS]) {
  if (strchr("0123456789", **text)) return memset(days, 1, DAYS * sizeof *days), **text != 0;
  for (;; ++*text) {
    int first = 0, last = 0;
    if (!parse_day(text, &first)) return false;
    last = first;
    if (**text == '-' && (++*text, !parse_day(text, &last))) return false;
    for (int day = first;; day = (day + 1) % DAYS) {
      days[day] = true;
      if (day == last) break;
    }
    if (**text != ',') return **text == ' ';
  }
}

/* "07:00", in minutes; 24:00 is the last one. */
static bool parse_time(const char **text, int *minutes) {
  const char *t = *text;
  for (int i = 0; i < 5; i++)
    if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9') return false;
  int hour = 10 * (t[0] - '0') + t[1] - '0', minute = 10 * (t[3] - '0') + t[4] - '0';
  *minutes = 60 * hour + minute;
  *text += 5;
  return minute < 60 && *minutes <= SB_CAMERA_DAY_MINUTES;
}

static bool parse_span(const char **text, sb_camera_hours *out) {
  bool days[DAYS] = {false};
  int from = 0, until = 0;
  skip_spaces(text);
  if (!parse_days(text, days)) return false;
  skip_spaces(text);
  if (!parse_time(text, &from) || *(*text)++ != '-' || !parse_time(text, &until)) return false;
  if (from == until || from == SB_CAMERA_DAY_MINUTES) return false;
  skip_spaces(text);
  if (until < from) until += SB_CAMERA_DAY_MINUTES;
  for (int day = 0; day < DAYS; day++)
    for (int minute = from; days[day] && minute < until; minute++)
      out->minutes[(day * SB_CAMERA_DAY_MINUTES + minute) % SB_CAMERA_WEEK_MINUTES] = 1;
  return true;
}

sb_status sb_camera_hours_parse(const char *text, sb_camera_hours *out, sb_error *error) {
  *out = (sb_camera_hours){.always = !text[strspn(text, " ")]};
  if (out->always) return SB_OK;
  for (int spans = 0; spans < SPANS_MAX; spans++, text++) {
    if (!parse_span(&text, out)) return malformed(error);
    if (!*text) return SB_OK;
    if (*text != ';') return malformed(error);
  }
  return malformed(error);
}

bool sb_camera_hours_include(const sb_camera_hours *hours, int64_t unix_ms) {
  struct tm local;
  time_t seconds = (time_t)(unix_ms / 1000);
  if (hours->always || !localtime_r(&seconds, &local)) return true;
  int day = (local.tm_wday + DAYS - 1) % DAYS; /* tm_wday is 0 on Sunday */
  return hours->minutes[day * SB_CAMERA_DAY_MINUTES + local.tm_hour * 60 + local.tm_min];
}
