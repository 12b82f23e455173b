/* The hours in which a camera is watched, in the local time of the server.
 *
 * As text: spans with ';' between, each of days and times, "mo-fr 07:00-19:00; sa,su 22:00-06:00". A span without days
 * holds every day; one that ends before it begins goes on into the next day; 24:00 is the end of a day. */
#ifndef SB_CAMERA_HOURS_H
#define SB_CAMERA_HOURS_H

#include "base/base.h"

enum { SB_CAMERA_DAY_MINUTES = 24 * 60, SB_CAMERA_WEEK_MINUTES = 7 * SB_CAMERA_DAY_MINUTES };

typedef struct sb_camera_hours {
  bool always;
  uint8_t minutes[SB_CAMERA_WEEK_MINUTES]; /* from Monday 00:00 on; 1: it is watched */
} sb_camera_hours;

/* "" is always. SB_INVALID. */
sb_status sb_camera_hours_parse(const char *text, sb_camera_hours *out, sb_error *error);
/* Is it watched at this time? `unix_ms`: Unix time. The rules of the time zone must have been loaded (tzset) where the
 * process is in a sandbox. */
bool sb_camera_hours_include(const sb_camera_hours *hours, int64_t unix_ms);

#endif
