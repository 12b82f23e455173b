/* What manifests make possible, without a model: detector families, alignments, ONNX inspection. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "face/steps.h"
#include "infer/onnx.h"

static void near(double value, double wanted, double within) {
  if (!(fabs(value - wanted) <= within)) print_error("%f where %f is wanted\n", value, wanted);
  assert_true(fabs(value - wanted) <= within);
}

/* ---- Detectors: outputs that are all zero but for one cell */

enum { SIDE = 64, STRIDE = 16, CELLS = 16, CELL = 6 /* row 1, column 2 */ };

static sb_detections *decode(const sb_detector_spec *spec, const sb_detector_outputs *outputs, double scale) {
  sb_detections *found = calloc(1, sizeof *found);
  assert_non_null(found);
  sb_detector_decode(spec, outputs, &(sb_detector_pass){.width = SIDE, .height = SIDE, .scale = scale}, found);
  return found;
}

static void yunet_gives_box_and_points_from_their_cell(void **state) {
  (void)state;
  float scores[CELLS] = {0}, objectness[CELLS] = {0}, boxes[CELLS * 4] = {0}, points[CELLS * 10] = {0};
  sb_detector_spec spec = {.family = SB_FAMILY_YUNET,
                           .levels = 1,
                           .strides = {STRIDE},
                           .size_counts = {1},
                           .has_points = true,
                           .score_threshold = .5f};
  sb_detector_outputs outputs = {{scores}, {boxes}, {objectness}, {points}};
  assert_int_equal(sb_detector_priors(&spec, 0, SIDE, SIDE), CELLS);
  scores[CELL] = .81f;
  objectness[CELL] = 1.2f; /* above 1 counts as 1 */
  boxes[4 * CELL] = .5f, boxes[4 * CELL + 1] = .25f, boxes[4 * CELL + 2] = logf(2), boxes[4 * CELL + 3] = logf(3);
  for (int i = 0; i < 10; i++) points[10 * CELL + i] = (float)i / 10;
  sb_detections *found = decode(&spec, &outputs, .5);
  assert_int_equal(found->count, 1);
  const sb_detection *box = &found->boxes[0];
  near(box->score, .9, 1e-6);
  near((box->x0 + box->x1) / 2, (2 + .5) * STRIDE / .5, 1e-4);
  near((box->y0 + box->y1) / 2, (1 + .25) * STRIDE / .5, 1e-4);
  near(box->x1 - box->x0, 2 * STRIDE / .5, 1e-3);
  near(box->y1 - box->y0, 3 * STRIDE / .5, 1e-3);
  assert_true(box->has_points);
  near(box->points[2][0], (2 + .4) * STRIDE / .5, 1e-4);
  near(box->points[2][1], (1 + .5) * STRIDE / .5, 1e-4);
  free(found);
}

static void scrfd_gives_distances_to_the_four_sides(void **state) {
  (void)state;
  enum { PRIORS = 2 * CELLS, PRIOR = 2 * CELL + 1 };
  float scores[PRIORS] = {0}, boxes[PRIORS * 4] = {0}, points[PRIORS * 10] = {0};
  sb_detector_spec spec = {.family = SB_FAMILY_SCRFD,
                           .levels = 1,
                           .strides = {STRIDE},
                           .size_counts = {2},
                           .has_points = true,
                           .score_threshold = .5f};
  sb_detector_outputs outputs = {{scores}, {boxes}, {0}, {points}};
  scores[PRIOR] = .7f;
  for (int i = 0; i < 4; i++) boxes[4 * PRIOR + i] = .5f + (float)i / 4;
  points[10 * PRIOR] = 1, points[10 * PRIOR + 1] = -1;
  sb_detections *found = decode(&spec, &outputs, 1);
  assert_int_equal(found->count, 1);
  const sb_detection *box = &found->boxes[0];
  near(box->x0, (2 - .5) * STRIDE, 1e-4);
  near(box->y0, (1 - .75) * STRIDE, 1e-4);
  near(box->x1, (2 + 1) * STRIDE, 1e-4);
  near(box->y1, (1 + 1.25) * STRIDE, 1e-4);
  near(box->points[0][0], 3 * STRIDE, 1e-4);
  near(box->points[0][1], 0, 1e-4);
  free(found);
}

static void an_ssd_gives_points_by_its_priors_and_variances(void **state) {
  (void)state;
  float scores[CELLS * 2] = {0}, boxes[CELLS * 4] = {0}, points[CELLS * 10] = {0};
  sb_detector_spec spec = {.family = SB_FAMILY_SSD,
                           .levels = 1,
                           .strides = {STRIDE},
                           .size_counts = {1},
                           .sizes = {{32}},
                           .centre_variance = .1f,
                           .size_variance = .2f,
                           .score_columns = 2,
                           .has_points = true,
                           .score_threshold = .5f};
  sb_detector_outputs outputs = {{scores}, {boxes}, {0}, {points}};
  scores[2 * CELL + 1] = .9f;
  boxes[4 * CELL] = 1, boxes[4 * CELL + 2] = 5 * logf(1.5f);
  points[10 * CELL] = -2;
  sb_detections *found = decode(&spec, &outputs, 1);
  assert_int_equal(found->count, 1);
  const sb_detection *box = &found->boxes[0];
  double x = 2.5 * STRIDE, y = 1.5 * STRIDE;
  near((box->x0 + box->x1) / 2, x + 3.2, 1e-3);
  near(box->x1 - box->x0, 48, 1e-3);
  near(box->y1 - box->y0, 32, 1e-3);
  near(box->points[0][0], x - 6.4, 1e-3);
  near(box->points[0][1], y, 1e-3);
  free(found);
}

static void nan_and_infinite_outputs_give_no_box(void **state) {
  (void)state;
  float scores[CELLS] = {0}, objectness[CELLS], boxes[CELLS * 4] = {0}, points[CELLS * 10] = {0};
  sb_detector_spec spec = {.family = SB_FAMILY_YUNET,
                           .levels = 1,
                           .strides = {STRIDE},
                           .size_counts = {1},
                           .has_points = true,
                           .score_threshold = .5f};
  sb_detector_outputs outputs = {{scores}, {boxes}, {objectness}, {points}};
  for (int i = 0; i < CELLS; i++) scores[i] = objectness[i] = 1;
  scores[0] = NAN;
  boxes[4] = INFINITY;
  boxes[4 * 2 + 3] = NAN;
  points[10 * 3] = NAN;
  sb_detections *found = decode(&spec, &outputs, 1);
  assert_int_equal(found->count, CELLS - 4);
  free(found);
}

static void boxes_below_the_smallest_size_in_the_photo_are_dropped(void **state) {
  (void)state;
  float scores[CELLS] = {0}, boxes[CELLS * 4] = {0};
  sb_detector_spec spec = {.family = SB_FAMILY_SCRFD,
                           .levels = 1,
                           .strides = {STRIDE},
                           .size_counts = {1},
                           .score_threshold = .5f,
                           .smallest_box = 10};
  sb_detector_outputs outputs = {{scores}, {boxes}, {0}, {0}};
  scores[CELL] = .7f;
  for (int i = 0; i < 4; i++) boxes[4 * CELL + i] = 6.f / STRIDE; /* 12 pixels of the input a side */
  for (int scale = 1; scale <= 2; scale++) {
    sb_detections *found = decode(&spec, &outputs, scale);
    assert_int_equal(found->count, scale == 1 ? 1 : 0);
    free(found);
  }
}

/* ---- Alignments: a photo whose red is x and whose green is y, so that a pixel shows where it comes from */

enum { PHOTO = 200 };

static sb_image coordinates(void) {
  sb_image image = {PHOTO, PHOTO, PHOTO, PHOTO, malloc(PHOTO * PHOTO * 3), 0};
  assert_non_null(image.pixels);
  for (int y = 0; y < PHOTO; y++)
    for (int x = 0; x < PHOTO; x++) {
      uint8_t *p = image.pixels + (y * PHOTO + x) * 3;
      p[0] = (uint8_t)x, p[1] = (uint8_t)y, p[2] = 255;
    }
  return image;
}

static void align(const sb_alignment *alignment, const sb_detection *box, const double (*five)[2], float *rgb, int n) {
  sb_image image = coordinates();
  const sb_align_face face = {box, five};
  const sb_align_picture picture = {rgb, n, n};
  assert_int_equal(sb_align(&image, alignment, &face, &picture, NULL), SB_OK);
  sb_image_free(&image);
}

static const double level[5][2] = {{80, 90}, {120, 90}, {100, 110}, {85, 130}, {115, 130}};
static const double upside_down[5][2] = {{120, 110}, {80, 110}, {100, 90}, {115, 70}, {85, 70}};
static const sb_detection tall = {.x0 = 60, .y0 = 40, .x1 = 140, .y1 = 160};

static const float *pixel(const float *rgb, int n, int x, int y) {
  return rgb + (y * n + x) * 3;
}

static void a_padded_box_is_centred_on_black(void **state) {
  (void)state;
  enum { N = 60 };
  float rgb[N * N * 3];
  const sb_alignment pad = {.kind = SB_ALIGN_BOX, .fit = SB_FIT_PAD, .scale = 1};
  align(&pad, &tall, level, rgb, N); /* 80 x 120 becomes 40 x 60, from column 10 on */
  for (int y = 0; y < N; y++) assert_true(pixel(rgb, N, 9, y)[2] + pixel(rgb, N, 50, y)[2] == 0);
  near(pixel(rgb, N, 10, 0)[0], 60.5, 1);
  near(pixel(rgb, N, 10, 0)[1], 40.5, 1);
  near(pixel(rgb, N, 49, 59)[0], 138.5, 1);
  near(pixel(rgb, N, 49, 59)[1], 158.5, 1);
}

static void square_and_stretch_differ_beside_the_face(void **state) {
  (void)state;
  enum { N = 60 };
  float square[N * N * 3], stretched[N * N * 3];
  align(&(sb_alignment){.kind = SB_ALIGN_BOX, .fit = SB_FIT_SQUARE, .scale = 1}, &tall, level, square, N);
  align(&(sb_alignment){.kind = SB_ALIGN_BOX, .fit = SB_FIT_STRETCH, .scale = 1}, &tall, level, stretched, N);
  near(pixel(square, N, 0, 30)[0], 40.5, 1);
  near(pixel(stretched, N, 0, 30)[0], 60.2, 1);
  near(pixel(stretched, N, 59, 30)[0], 138.8, 1);
}

static void upright_turns_the_face_so_that_the_eyes_are_level(void **state) {
  (void)state;
  enum { N = 60 };
  float rgb[N * N * 3];
  align(&(sb_alignment){.kind = SB_ALIGN_BOX, .fit = SB_FIT_SQUARE, .scale = 1, .upright = true}, &tall, upside_down,
        rgb, N);
  near(pixel(rgb, N, 0, 0)[0], 158.5, 1.5);
  near(pixel(rgb, N, 0, 0)[1], 158.5, 1.5);
}

static void points_are_mapped_onto_the_template(void **state) {
  (void)state;
  enum { N = 50 };
  float rgb[N * N * 3];
  sb_alignment points = {.kind = SB_ALIGN_POINTS};
  for (int i = 0; i < 5; i++)
    points.template[i][0] = (level[i][0] - 75) * .8, points.template[i][1] = (level[i][1] - 85) * .8;
  align(&points, &tall, level, rgb, N);
  near(pixel(rgb, N, 4, 4)[0], 80, 1);
  near(pixel(rgb, N, 4, 4)[1], 90, 1);
  near(pixel(rgb, N, 36, 4)[0], 120, 1);
  static const double same[5][2] = {{9, 9}, {9, 9}, {9, 9}, {9, 9}, {9, 9}};
  sb_image image = coordinates();
  const sb_align_face face = {&tall, same};
  const sb_align_picture picture = {rgb, N, N};
  assert_int_equal(sb_align(&image, &points, &face, &picture, NULL), SB_BAD_IMAGE);
  sb_image_free(&image);
}

static void a_picture_standardised_has_mean_0_and_deviation_1(void **state) {
  (void)state;
  enum { N = 16 };
  uint8_t rgb[N * N * 3];
  float tensor[N * N * 3];
  const sb_model_spec spec = {.width = N, .height = N, .standardise = true};
  for (int i = 0; i < N * N * 3; i++) rgb[i] = (uint8_t)(i * 7);
  sb_tensor_fill(&spec, rgb, N, N, tensor, N, N);
  double sum = 0, squares = 0;
  for (int i = 0; i < N * N * 3; i++) sum += tensor[i], squares += (double)tensor[i] * tensor[i];
  near(sum / (N * N * 3), 0, 1e-5);
  near(squares / (N * N * 3), 1, 1e-5);
  memset(rgb, 77, sizeof rgb); /* without contrast: no division by zero */
  sb_tensor_fill(&spec, rgb, N, N, tensor, N, N);
  for (int i = 0; i < N * N * 3; i++) near(tensor[i], 0, 1e-5);
}

static void a_float_picture_fills_a_tensor_like_a_byte_picture(void **state) {
  (void)state;
  enum { N = 8, COUNT = N * N * 3 };
  uint8_t bytes[COUNT];
  float floats[COUNT], of_bytes[COUNT], of_floats[COUNT];
  for (int i = 0; i < COUNT; i++) floats[i] = bytes[i] = (uint8_t)(i * 37);
  for (int kind = SB_CHANNELS_RGB; kind <= SB_CHANNELS_GREY; kind++)
    for (int interleaved = 0; interleaved < 2; interleaved++) {
      const sb_model_spec spec = {.width = N,
                                  .height = N,
                                  .channels = (sb_model_channels)kind,
                                  .interleaved = interleaved,
                                  .mean = {1, 2, 3},
                                  .deviation = {4, 5, 6}};
      size_t count = kind == SB_CHANNELS_GREY ? N * N : COUNT;
      sb_tensor_fill(&spec, bytes, N, N, of_bytes, N, N);
      sb_tensor_fill_picture(&spec, floats, of_floats);
      assert_memory_equal(of_bytes, of_floats, count * sizeof *of_bytes);
    }
}

static void landmark_disagreement_lowers_visibility(void **state) {
  (void)state;
  enum { N = 32 };
  sb_quality_spec spec = {.has_disagreement = true,
                          .disagreement = {3, 2},
                          .eye_distance = {6, 30},
                          .sharpness = {0.01f, 0.035f},
                          .yaw = {0.45f, 0.12f},
                          .pitch = {0.1f, 0.35f, 0.75f, 1},
                          .brightness = {5, 40, 215, 250},
                          .contrast = {4, 18}};
  uint8_t chip[N * N * 3];
  for (int i = 0; i < N * N; i++) memset(chip + 3 * i, (i / 2 + i / N / 2) % 2 ? 60 : 180, 3); /* a chessboard */
  for (int i = 0; i < 5; i++) spec.disagreement_usual[i][0] = 1;
  sb_quality_view view = {.chip = chip, .n = N, .frame = level, .frame_side = N, .shrunk = 1, .artefacts = {1, 256}};
  memcpy(view.points, level, sizeof view.points);
  static const double far[][3] = {
      {1, 0, 1}, {3, 0, 1}, {3.5, 0, .5}, {1, 3, 0}, {-1, 2, .17}}; /* x, y, what is visible */
  const sb_similarity framed = {.a = 2, .tx = 7};                   /* the frame has twice the photo's pixels */
  for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
    double checked[5][2];
    sb_quality quality = {0};
    for (int i = 0; i < 5; i++)
      checked[i][0] = level[i][0] + far[k][0] / 2, checked[i][1] = level[i][1] + far[k][1] / 2;
    double disagreement = sb_quality_landmark_disagreement(&spec, &framed, level, (const double(*)[2])checked);
    near(disagreement, hypot(far[k][0] - 1, far[k][1]), 1e-9);
    view.disagreement = disagreement;
    sb_quality_measure(&spec, &view, &quality);
    near(quality.visibility, far[k][2], 0.01);
    near(quality.overall,
         fmin(far[k][2], fmin(fmin(quality.size, quality.sharpness), fmin(quality.pose, quality.exposure))), 0.01);
    if (far[k][2] == 0) assert_int_equal(sb_quality_weakest(&quality), SB_QUALITY_VISIBILITY);
  }
  sb_quality quality = {0};
  view.disagreement = -1; /* a verifier without points */
  sb_quality_measure(&spec, &view, &quality);
  near(quality.visibility, 1, 0);
}

/* ---- ONNX files: this is one, of an Identity, x to y, both 1 x 3 x free x 224, operator set 13 */

static const uint8_t graph[] = {
    0x08, 0x08, 0x3a, 0x50, 0x0a, 0x10, 0x0a, 0x01, 0x78, 0x12, 0x01, 0x79, 0x22, 0x08, 0x49, 0x64, 0x65, 0x6e,
    0x74, 0x69, 0x74, 0x79, 0x12, 0x04, 0x74, 0x65, 0x73, 0x74, 0x5a, 0x1a, 0x0a, 0x01, 0x78, 0x12, 0x15, 0x0a,
    0x13, 0x08, 0x01, 0x12, 0x0f, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x02, 0x08, 0x03, 0x0a, 0x00, 0x0a, 0x03, 0x08,
    0xe0, 0x01, 0x62, 0x1a, 0x0a, 0x01, 0x79, 0x12, 0x15, 0x0a, 0x13, 0x08, 0x01, 0x12, 0x0f, 0x0a, 0x02, 0x08,
    0x01, 0x0a, 0x02, 0x08, 0x03, 0x0a, 0x00, 0x0a, 0x03, 0x08, 0xe0, 0x01, 0x42, 0x04, 0x0a, 0x00, 0x10, 0x0d};

static sb_status inspect(const uint8_t *bytes, size_t size, sb_infer_onnx *out) {
  char path[] = "/tmp/sb_infer_onnx_XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, bytes, size), (ssize_t)size);
  close(file);
  sb_status status = sb_infer_onnx_inspect(path, out, NULL);
  unlink(path);
  return status;
}

static void an_onnx_file_is_inspected(void **state) {
  (void)state;
  sb_infer_onnx onnx = {0};
  assert_int_equal(inspect(graph, sizeof graph, &onnx), SB_OK);
  assert_int_equal(onnx.opset, 13);
  assert_int_equal(onnx.input_count, 1);
  assert_string_equal(onnx.inputs[0].name, "x");
  assert_int_equal(onnx.inputs[0].rank, 4);
  assert_int_equal(onnx.inputs[0].dims[1], 3);
  assert_int_equal(onnx.inputs[0].dims[2], 0);
  assert_int_equal(onnx.inputs[0].dims[3], 224);
  assert_int_equal(onnx.output_count, 1);
  assert_string_equal(onnx.outputs[0].name, "y");
}

static void a_truncated_onnx_file_is_refused(void **state) {
  (void)state;
  sb_infer_onnx onnx;
  for (size_t size = 0; size < sizeof graph; size++) assert_int_equal(inspect(graph, size, &onnx), SB_MODEL);
}

/* Any changed byte is either accepted or refused, never a crash. */
static void an_onnx_file_with_any_byte_changed_is_read_or_refused(void **state) {
  (void)state;
  static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x3a, 0x6a, 0x72};
  uint8_t copy[sizeof graph];
  size_t refused = 0;
  for (size_t at = 0; at < sizeof graph; at++) {
    for (size_t v = 0; v < sizeof values; v++) {
      sb_infer_onnx onnx;
      memcpy(copy, graph, sizeof graph);
      copy[at] = values[v];
      sb_status status = inspect(copy, sizeof copy, &onnx);
      assert_true(status == SB_OK || status == SB_MODEL);
      refused += status == SB_MODEL;
    }
  }
  assert_true(refused > sizeof graph);
}

static void a_folder_or_missing_file_is_refused(void **state) {
  (void)state;
  sb_infer_onnx onnx;
  assert_int_equal(sb_infer_onnx_inspect("/tmp", &onnx, NULL), SB_MODEL);
  assert_int_equal(sb_infer_onnx_inspect("/nonexistent/model.onnx", &onnx, NULL), SB_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(yunet_gives_box_and_points_from_their_cell),
      cmocka_unit_test(scrfd_gives_distances_to_the_four_sides),
      cmocka_unit_test(boxes_below_the_smallest_size_in_the_photo_are_dropped),
      cmocka_unit_test(an_ssd_gives_points_by_its_priors_and_variances),
      cmocka_unit_test(nan_and_infinite_outputs_give_no_box),
      cmocka_unit_test(a_padded_box_is_centred_on_black),
      cmocka_unit_test(square_and_stretch_differ_beside_the_face),
      cmocka_unit_test(upright_turns_the_face_so_that_the_eyes_are_level),
      cmocka_unit_test(points_are_mapped_onto_the_template),
      cmocka_unit_test(a_picture_standardised_has_mean_0_and_deviation_1),
      cmocka_unit_test(a_float_picture_fills_a_tensor_like_a_byte_picture),
      cmocka_unit_test(landmark_disagreement_lowers_visibility),
      cmocka_unit_test(an_onnx_file_is_inspected),
      cmocka_unit_test(a_truncated_onnx_file_is_refused),
      cmocka_unit_test(an_onnx_file_with_any_byte_changed_is_read_or_refused),
      cmocka_unit_test(a_folder_or_missing_file_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
