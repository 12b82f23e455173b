/* Areas, hours and the motion test of cameras. */
#include "unit.h"

#include "camera/area.h"
#include "camera/hours.h"
#include "camera/motion.h"

#include <time.h>

enum { WIDTH = 640, HEIGHT = 360 };
static uint8_t pixels[3 * WIDTH * HEIGHT];
static sb_camera_area masks;

static void fill(uint8_t level) {
  memset(pixels, level, sizeof pixels);
}

static void square(int x, int y, int side, uint8_t level) {
  for (int row = y; row < y + side; row++)
    memset(pixels + 3 * ((size_t)row * WIDTH + (size_t)x), level, 3 * (size_t)side);
}

static int at(int x, int y) {
  return pixels[3 * (y * WIDTH + x)];
}

static void a_mask_paints_its_polygon_and_nothing_else(void **state) {
  (void)state;
  fill(10);
  assert_int_equal(sb_camera_area_parse("0,0 0.5,0 0.5,1 0,1; 0.75,0.5 1,0.5 1,1", "masks", &masks, NULL), SB_OK);
  assert_int_equal(masks.count, 2);
  sb_camera_area_paint(&masks, pixels, WIDTH, HEIGHT);
  assert_int_equal(at(0, 0), 128);
  assert_int_equal(at(319, 359), 128);
  assert_int_equal(at(321, 180), 10);
  assert_int_equal(at(639, 358), 128);
  assert_int_equal(at(490, 350), 10); /* below the diagonal of the triangle */
  assert_int_equal(at(639, 170), 10);
}

static void masks_of_other_forms_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "0,0",           "0,0 1,1",       "0,0 1,1 2,0",  "0,0 1,1 x,0", "0,0 1,1 0.5",       "0,0 1,1 -1,0",
      "0,0 1,1 nan,0", "0,0 1,1 0.5,;", "0,0 1,1 0,1;", ";",           "0,0 1,1 0,1 extra", "0,0;1,1;0,1"};
  for (size_t i = 0; i < count_of(bad); i++)
    if (sb_camera_area_parse(bad[i], "masks", &masks, NULL) != SB_INVALID) fail_msg("%s was accepted", bad[i]);
  assert_int_equal(sb_camera_area_parse("", "masks", &masks, NULL), SB_OK);
  assert_int_equal(masks.count, 0);
}

static void a_point_is_in_an_area_where_one_of_its_polygons_has_it(void **state) {
  (void)state;
  assert_int_equal(sb_camera_area_parse("0,0 0.5,0 0.5,1 0,1; 0.75,0.5 1,0.5 1,1", "watch", &masks, NULL), SB_OK);
  assert_true(sb_camera_area_contains(&masks, 0.25, 0.5));
  assert_true(sb_camera_area_contains(&masks, 0.95, 0.6));
  assert_false(sb_camera_area_contains(&masks, 0.6, 0.5));
  assert_false(sb_camera_area_contains(&masks, 0.8, 0.9)); /* below the diagonal of the triangle */
  assert_false(sb_camera_area_contains(&masks, 1.5, 0.5));
}

static sb_camera_hours hours;

/* Is a camera with these hours watched at a local time? 0 is Monday, of a week without a change of the clock. */
static bool watched(const char *text, int day, int hour, int minute) {
  struct tm local = {
      .tm_year = 127, .tm_mon = 0, .tm_mday = 4 + day, .tm_hour = hour, .tm_min = minute, .tm_isdst = -1};
  assert_int_equal(sb_camera_hours_parse(text, &hours, NULL), SB_OK);
  return sb_camera_hours_include(&hours, (int64_t)mktime(&local) * 1000);
}

static void hours_hold_the_days_and_times_that_they_name(void **state) {
  (void)state;
  const char *office = "mo-fr 07:00-19:00; sa,su 22:00-06:00";
  enum { MONDAY, TUESDAY, FRIDAY = 4, SATURDAY, SUNDAY };
  assert_true(watched(office, MONDAY, 7, 0));
  assert_true(watched(office, FRIDAY, 18, 59));
  assert_false(watched(office, FRIDAY, 19, 0));
  assert_false(watched(office, TUESDAY, 6, 59));
  assert_false(watched(office, SATURDAY, 5, 0)); /* Friday has no night */
  assert_true(watched(office, SATURDAY, 23, 0));
  assert_true(watched(office, SUNDAY, 5, 59));
  assert_true(watched(office, MONDAY, 5, 59)); /* the night of Sunday goes on into the next week */
  assert_false(watched(office, MONDAY, 6, 0));
  assert_true(watched("00:00-24:00", SUNDAY, 23, 59)); /* without days: every day */
  assert_true(watched("fr-mo 12:00-13:00", SUNDAY, 12, 30));
  assert_false(watched("fr-mo 12:00-13:00", TUESDAY, 12, 30));
  assert_true(watched("", TUESDAY, 3, 0));
}

static void hours_follow_the_time_zone_and_its_change_of_the_clock(void **state) {
  (void)state;
  const int64_t winter = 1799568000000, summer = 1815206400000; /* 2027-01-10 and 2027-07-10, 08:00 UTC */
  assert_int_equal(sb_camera_hours_parse("09:30-10:30", &hours, NULL), SB_OK);
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  tzset();
  bool in_winter = sb_camera_hours_include(&hours, winter), in_summer = sb_camera_hours_include(&hours, summer);
  unsetenv("TZ");
  tzset();
  assert_false(in_winter); /* 09:00 */
  assert_true(in_summer);  /* 10:00 */
}

static void hours_of_other_forms_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"mo",
                                    "mo 7:00-8:00",
                                    "mo 07:00",
                                    "mo 07:00-25:00",
                                    "mo 07:60-08:00",
                                    "xx 07:00-08:00",
                                    "mo- 07:00-08:00",
                                    "mo, 07:00-08:00",
                                    "mo07:00-08:00",
                                    "07:00-07:00",
                                    "24:00-02:00",
                                    ";",
                                    "07:00-08:00;",
                                    "07:00-08:00 x",
                                    "mo 07:00-08:00,",
                                    "07:00 - 08:00",
                                    "24:30-25:00",
                                    "mo 07.00-08.00",
                                    "-",
                                    "mo 07:00-08:00-"};
  for (size_t i = 0; i < count_of(bad); i++)
    if (sb_camera_hours_parse(bad[i], &hours, NULL) != SB_INVALID) fail_msg("%s was accepted", bad[i]);
}

static void a_face_that_comes_moves_and_noise_does_not(void **state) {
  (void)state;
  sb_camera_motion motion = {.known = false};
  fill(100);
  assert_true(sb_camera_moves(&motion, pixels, WIDTH, HEIGHT)); /* the first picture */
  assert_false(sb_camera_moves(&motion, pixels, WIDTH, HEIGHT));
  for (size_t i = 0; i < sizeof pixels; i += 3) pixels[i] ^= i * 7919 % 8;
  assert_false(sb_camera_moves(&motion, pixels, WIDTH, HEIGHT));
  square(300, 100, 24, 160);
  assert_true(sb_camera_moves(&motion, pixels, WIDTH, HEIGHT));
  assert_false(sb_camera_moves(&motion, pixels, WIDTH, HEIGHT));
  square(300, 100, 24, 100);
  square(330, 100, 24, 160);
  assert_true(sb_camera_moves(&motion, pixels, WIDTH, HEIGHT));
}

static void slow_changes_add_up_until_they_count(void **state) {
  (void)state;
  sb_camera_motion motion = {.known = false};
  int moved = 0;
  for (int level = 100; level < 130; level++) {
    fill((uint8_t)level);
    moved += sb_camera_moves(&motion, pixels, WIDTH, HEIGHT);
  }
  assert_in_range(moved, 4, 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mask_paints_its_polygon_and_nothing_else),
      cmocka_unit_test(masks_of_other_forms_are_refused),
      cmocka_unit_test(a_point_is_in_an_area_where_one_of_its_polygons_has_it),
      cmocka_unit_test(hours_hold_the_days_and_times_that_they_name),
      cmocka_unit_test(hours_follow_the_time_zone_and_its_change_of_the_clock),
      cmocka_unit_test(hours_of_other_forms_are_refused),
      cmocka_unit_test(a_face_that_comes_moves_and_noise_does_not),
      cmocka_unit_test(slow_changes_add_up_until_they_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
