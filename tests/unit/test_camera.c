/* Masks and the motion test of cameras. */
#include "unit.h"

#include "camera/mask.h"
#include "camera/motion.h"

enum { WIDTH = 640, HEIGHT = 360 };
static uint8_t pixels[3 * WIDTH * HEIGHT];
static sb_camera_masks masks;

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
  assert_int_equal(sb_camera_masks_parse("0,0 0.5,0 0.5,1 0,1; 0.75,0.5 1,0.5 1,1", &masks, NULL), SB_OK);
  assert_int_equal(masks.count, 2);
  sb_camera_masks_paint(&masks, pixels, WIDTH, HEIGHT);
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
    if (sb_camera_masks_parse(bad[i], &masks, NULL) != SB_INVALID) fail_msg("%s was accepted", bad[i]);
  assert_int_equal(sb_camera_masks_parse("", &masks, NULL), SB_OK);
  assert_int_equal(masks.count, 0);
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
      cmocka_unit_test(a_face_that_comes_moves_and_noise_does_not),
      cmocka_unit_test(slow_changes_add_up_until_they_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
