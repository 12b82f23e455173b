/* Faces of the registry's photos, against what models/ was measured with; and the parts that need no model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "face/face.h"
#include "face/steps.h"

static const double points[5][2] = {{38.3, 51.7}, {73.5, 51.5}, {56.0, 71.7}, {41.5, 92.4}, {70.7, 92.2}};

typedef struct fixture {
  sb_pipeline *pipeline;
  sb_worker *worker;
} fixture;

/* The models of this checkout, found as the program finds them. */
static const char *models(void) {
  static char *place;
  if (!place) place = sb_install_models_path(NULL);
  return place;
}

static int open_models(void **state) {
  static fixture f;
  sb_error error = {0};
  sb_pipeline_config config = {.struct_size = sizeof config, .models_path = models(), .streams = 1};
  if (sb_pipeline_open(&config, &f.pipeline, &error) != SB_OK ||
      sb_worker_new(f.pipeline, &f.worker, &error) != SB_OK) {
    print_error("%s\n", error.message);
    return -1;
  }
  *state = &f;
  return 0;
}

static int close_models(void **state) {
  fixture *f = *state;
  sb_worker_free(f->worker);
  sb_pipeline_close(f->pipeline);
  return 0;
}

static sb_image load(const char *name) {
  const char *folder = getenv("SB_TEST_PHOTOS");
  char path[1024];
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_error error = {0};
  sb_image image = {0};
  assert_non_null(folder);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(sb_file_read(path, 1 << 26, &bytes, &size, &error), SB_OK);
  assert_int_equal(sb_image_decode(bytes, size, NULL, &image, &error), SB_OK);
  free(bytes);
  return image;
}

static sb_faces *find(fixture *f, const char *name, int turns) {
  sb_error error = {0};
  sb_image image = load(name), turned = {0};
  sb_faces *faces = NULL;
  assert_int_equal(sb_image_rotate(&image, turns, &turned, &error), SB_OK);
  assert_int_equal(sb_worker_find(f->worker, &turned, &(sb_find_options){.want = SB_WANT_EMBEDDING}, &faces, &error),
                   SB_OK);
  sb_image_free(&image);
  sb_image_free(&turned);
  return faces;
}

static double cosine_of(fixture *f, const char *one, int turns, const char *other) {
  sb_faces *a = find(f, one, turns), *b = find(f, other, 0);
  assert_int_equal(a->count, 1);
  assert_int_equal(b->count, 1);
  double sum = 0;
  for (size_t i = 0; i < a->dim; i++) sum += (double)a->items[0].embedding[i] * b->items[0].embedding[i];
  sb_faces_free(a);
  sb_faces_free(b);
  return sum;
}

static void scores_agree_with_the_measured_ones(void **state) {
  static const struct {
    const char *one, *other;
    double cosine;
  } pairs[] = {{"obama", "obama2", .774},
               {"obama", "obama3", .844},
               {"obama2", "obama3", .789},
               {"biden", "obama", -.013},
               {"biden", "obama2", .071},
               {"biden", "obama3", .127},
               {"obama", "obama_partial_face", .930},
               {"obama", "obama_partial_face2", .891}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    char one[128], other[128];
    snprintf(one, sizeof one, "face_recognition/%s.jpg", pairs[i].one);
    snprintf(other, sizeof other, "face_recognition/%s.jpg", pairs[i].other);
    double cosine = cosine_of(*state, one, 0, other);
    print_message("# %s %s: %.3f, measured %.3f\n", pairs[i].one, pairs[i].other, cosine, pairs[i].cosine);
    assert_true(fabs(cosine - pairs[i].cosine) <= .02);
  }
}

static void finds_every_face_of_the_groups_largest_first(void **state) {
  static const size_t wanted[] = {3, 3, 3, 4, 5, 4};
  for (int i = 0; i < 6; i++) {
    char name[64];
    snprintf(name, sizeof name, "face-api/sample%d.jpg", i + 1);
    sb_faces *faces = find(*state, name, 0);
    assert_int_equal(faces->count, wanted[i]);
    for (size_t k = 1; k < faces->count; k++)
      assert_true(faces->items[k].box.w * faces->items[k].box.h <=
                  faces->items[k - 1].box.w * faces->items[k - 1].box.h * 1.001f);
    sb_faces_free(faces);
  }
}

static void a_turned_photo_gives_the_same_face(void **state) {
  for (int turns = 1; turns < 4; turns++)
    assert_true(cosine_of(*state, "face_recognition/obama.jpg", turns, "face_recognition/obama.jpg") > .9);
}

/* The photo, turned by `degrees` about its middle. */
static sb_faces *find_rolled(fixture *f, const char *name, double degrees, unsigned want) {
  sb_error error = {0};
  sb_image image = load(name);
  sb_image rolled = {
      image.width, image.height, image.width, image.height, malloc((size_t)image.width * (size_t)image.height * 3), 0};
  double c = cos(degrees * 3.14159265358979 / 180), s = sin(degrees * 3.14159265358979 / 180), x = image.width / 2.0,
         y = image.height / 2.0;
  const double map[6] = {c, s, x - c * x - s * y, -s, c, y + s * x - c * y};
  sb_faces *faces = NULL;
  assert_int_equal(sb_image_warp(&image, map, SB_IMAGE_BORDER_ZERO, rolled.pixels, rolled.width, rolled.height, &error),
                   SB_OK);
  assert_int_equal(sb_worker_find(f->worker, &rolled, &(sb_find_options){.want = want}, &faces, &error), SB_OK);
  sb_image_free(&image);
  sb_image_free(&rolled);
  return faces;
}

static double dot_of(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
  return sum;
}

static void a_head_rolled_by_30_degrees_is_the_same_person(void **state) {
  for (int side = -1; side <= 1; side += 2) {
    sb_faces *rolled = find_rolled(*state, "face_recognition/obama.jpg", 30 * side, SB_WANT_EMBEDDING);
    sb_faces *other = find(*state, "face_recognition/obama3.jpg", 0);
    assert_true(rolled->count >= 1);
    assert_true(dot_of(rolled->items[0].embedding, other->items[0].embedding, other->dim) > .75);
    sb_faces_free(rolled);
    sb_faces_free(other);
  }
}

static void pose_follows_the_head_and_a_photo_of_a_person_looks_live(void **state) {
  sb_faces *left = find_rolled(*state, "face_recognition/obama.jpg", -20, SB_WANT_POSE | SB_WANT_LIVENESS),
           *right = find_rolled(*state, "face_recognition/obama.jpg", 20, SB_WANT_POSE);
  const sb_face *face = &left->items[0];
  assert_true(face->has_pose && face->has_expression && face->has_live && !right->items[0].has_live);
  assert_true(fabs(face->pose.roll + 20) < 8 && fabs(right->items[0].pose.roll - 20) < 8);
  assert_true(fabs(face->pose.yaw) < 15);
  assert_string_equal(sb_expression_name(face->expression.dominant), "happy");
  assert_true(face->live > .5f && face->live <= 1);
  sb_faces_free(left);
  sb_faces_free(right);
}

/* Each of the six group photos at a tenth of its size, 22 faces of about 22 pixels, somewhere in a photo of 2400 x
 * 1600. */
static void faces_of_20_pixels_in_a_big_photo_are_found_by_tiles(void **state) {
  fixture *f = *state;
  enum { WIDTH = 2400, HEIGHT = 1600, FACES = 22 };
  sb_image big = {WIDTH, HEIGHT, WIDTH, HEIGHT, malloc((size_t)WIDTH * HEIGHT * 3), 0};
  sb_error error = {0};
  sb_faces *without = NULL, *with = NULL;
  memset(big.pixels, 128, (size_t)WIDTH * HEIGHT * 3);
  for (int i = 0; i < 6; i++) {
    char name[64];
    snprintf(name, sizeof name, "face-api/sample%d.jpg", i + 1);
    sb_image image = load(name);
    int width = image.source_width / 10, height = image.source_height / 10;
    uint8_t *place = big.pixels + ((size_t)(100 + 750 * (i / 3)) * WIDTH + (size_t)(150 + 800 * (i % 3))) * 3;
    assert_int_equal(sb_image_resize(&image, place, width, height, (size_t)WIDTH * 3, &error), SB_OK);
    sb_image_free(&image);
  }
  assert_int_equal(sb_worker_find(f->worker, &big, &(sb_find_options){.want = 0}, &without, &error), SB_OK);
  assert_int_equal(sb_worker_find(f->worker, &big, &(sb_find_options){.want = SB_WANT_SMALL_FACES}, &with, &error),
                   SB_OK);
  print_message("# faces of 20 pixels: %zu of %d without tiles, %zu with\n", without->count, FACES, with->count);
  assert_true(with->count >= 18 && with->count <= FACES && with->count > without->count);
  sb_faces_free(without);
  sb_faces_free(with);
  sb_image_free(&big);
}

static void the_mean_with_the_mirror_image_has_unit_length_and_is_the_same_person(void **state) {
  fixture *f = *state;
  sb_error error = {0};
  sb_faces *flipped = NULL, *plain = find(*state, "face_recognition/obama.jpg", 0);
  sb_image image = load("face_recognition/obama.jpg");
  assert_int_equal(
      sb_worker_find(f->worker, &image, &(sb_find_options){.want = SB_WANT_EMBEDDING | SB_WANT_FLIP}, &flipped, &error),
      SB_OK);
  const float *mean = flipped->items[0].embedding;
  double alike = dot_of(mean, plain->items[0].embedding, plain->dim);
  assert_true(fabs(dot_of(mean, mean, plain->dim) - 1) < 1e-5);
  assert_true(alike > .9 && alike < .9999);
  sb_faces_free(flipped);
  sb_faces_free(plain);
  sb_image_free(&image);
}

static sb_quality quality_of(fixture *f, const sb_image *image) {
  sb_faces *faces = NULL;
  sb_find_options options = {.want = SB_WANT_LARGEST_ONLY};
  assert_int_equal(sb_worker_find(f->worker, image, &options, &faces, NULL), SB_OK);
  assert_int_equal(faces->count, 1);
  sb_quality quality = faces->items[0].quality;
  sb_faces_free(faces);
  return quality;
}

/* Each pixel becomes the mean of those up to 11 before and behind it on its line. */
static void average(sb_image *image, int along, int lines, size_t step, size_t next) {
  enum { AROUND = 11, LONGEST = 2048 };
  static uint8_t line[LONGEST + 2 * AROUND];
  assert_true(along <= LONGEST);
  for (int l = 0; l < lines; l++)
    for (size_t c = 0; c < 3; c++) {
      uint8_t *at = image->pixels + (size_t)l * next + c;
      int sum = 0;
      for (int i = -AROUND; i < along + AROUND; i++)
        line[i + AROUND] = at[(size_t)(i < 0 ? 0 : i >= along ? along - 1 : i) * step];
      for (int i = 0; i < 2 * AROUND; i++) sum += line[i];
      for (int i = 0; i < along; i++) {
        sum += line[i + 2 * AROUND];
        at[(size_t)i * step] = (uint8_t)(sum / (2 * AROUND + 1));
        sum -= line[i];
      }
    }
}

static void quality_recognises_a_dark_a_blurred_and_a_covered_face(void **state) {
  fixture *f = *state;
  static const sb_quality_part told[] = {SB_QUALITY_EXPOSURE, SB_QUALITY_SHARPNESS, SB_QUALITY_VISIBILITY};
  for (int i = 0; i < 3; i++) {
    sb_image image = load("face_recognition/obama.jpg");
    assert_true(quality_of(f, &image).overall > .9);
    size_t row = (size_t)image.width * 3, size = row * (size_t)image.height;
    if (told[i] == SB_QUALITY_EXPOSURE) {
      for (size_t k = 0; k < size; k++) image.pixels[k] /= 12;
    } else if (told[i] == SB_QUALITY_SHARPNESS) {
      for (int pass = 0; pass < 3;
           pass++) { /* three box filters approximate a Gaussian, here with a sigma of 5 % of the face */
        average(&image, image.width, image.height, 3, row);
        average(&image, image.height, image.width, row, 3);
      }
    } else {
      for (size_t y = 245; y < 420; y++)
        memset(image.pixels + y * row + 395 * (size_t)3, 225, 205 * (size_t)3); /* nose to chin */
    }
    sb_quality quality = quality_of(f, &image);
    assert_true(quality.overall < .2f);
    assert_int_equal(sb_quality_weakest(&quality), told[i]);
    sb_image_free(&image);
  }
}

static void points_on_the_template_give_the_identity(void **state) {
  (void)state;
  sb_similarity s;
  assert_true(sb_similarity_fit(points, points, &s));
  assert_true(fabs(s.a - 1) < 1e-9 && fabs(s.b) < 1e-9 && fabs(s.tx) < 1e-6 && fabs(s.ty) < 1e-6);
}

static void coinciding_points_have_no_similarity(void **state) {
  (void)state;
  static const double same[5][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  sb_similarity s;
  assert_false(sb_similarity_fit(same, points, &s));
}

static void the_shipped_calibration_gives_the_published_thresholds(void **state) {
  (void)state;
  sb_embedder embedder;
  sb_pipeline_config config = {.struct_size = sizeof config, .models_path = models()};
  assert_int_equal(sb_embedder_read(&config, NULL, &embedder, NULL), SB_OK);
  static const double published[][2] = {{1e-2, .241}, {1e-3, .333}, {5.2e-5, .432}, {2e-6, .515}, {2e-7, .572}};
  for (size_t i = 0; i < sizeof published / sizeof *published; i++)
    assert_true(fabs(sb_calibration_threshold(&embedder.calibration, published[i][0]) - published[i][1]) < .002);
}

static void a_file_that_is_not_a_calibration_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *word;
  } bad[] = {{"", "not a calibration"},
             {"[]", "not a calibration"},
             {"{\"model\":\"m\",\"calibration\":{}}", "points"},
             {"{\"model\":\"m\",\"calibration\":{},\"more\":1}", "more"},
             {"{\"model\":\"m\",\"calibration\":{\"points\":[{\"fmr\":\"a\"}]}}", "not a calibration"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char path[] = "/tmp/semblance-calibration-XXXXXX", model[64];
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, bad[i].text, strlen(bad[i].text)) == (ssize_t)strlen(bad[i].text));
    close(file);
    sb_calibration calibration;
    sb_error error = {0};
    assert_int_equal(sb_embedder_calibration_read(path, model, &calibration, &error), SB_INVALID);
    assert_non_null(strstr(error.message, bad[i].word));
    unlink(path);
  }
}

static void missing_models_say_how_to_get_them(void **state) {
  (void)state;
  sb_embedder embedder;
  sb_error error = {0};
  sb_pipeline_config config = {.struct_size = sizeof config, .models_path = "/nonexistent"};
  assert_int_equal(sb_embedder_read(&config, NULL, &embedder, &error), SB_MODEL);
  assert_non_null(strstr(error.message, "script/setup"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(points_on_the_template_give_the_identity),
      cmocka_unit_test(coinciding_points_have_no_similarity),
      cmocka_unit_test(the_shipped_calibration_gives_the_published_thresholds),
      cmocka_unit_test(a_file_that_is_not_a_calibration_is_refused),
      cmocka_unit_test(missing_models_say_how_to_get_them),
      cmocka_unit_test(scores_agree_with_the_measured_ones),
      cmocka_unit_test(finds_every_face_of_the_groups_largest_first),
      cmocka_unit_test(a_turned_photo_gives_the_same_face),
      cmocka_unit_test(a_head_rolled_by_30_degrees_is_the_same_person),
      cmocka_unit_test(quality_recognises_a_dark_a_blurred_and_a_covered_face),
      cmocka_unit_test(pose_follows_the_head_and_a_photo_of_a_person_looks_live),
      cmocka_unit_test(faces_of_20_pixels_in_a_big_photo_are_found_by_tiles),
      cmocka_unit_test(the_mean_with_the_mirror_image_has_unit_length_and_is_the_same_person),
  };
  return cmocka_run_group_tests(tests, open_models, close_models);
}
