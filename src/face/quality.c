/* Quality of a face: how reliably it will compare. Each part of 0..1 maps a measured value through a ramp from useless
 * (0) to harmless (1), and the lowest part is the overall quality. The ramps are in the manifests of the pipeline
 * (`quality`) and of the embedder, and were measured with it: a quality of 0.2 is where two photos of one person are
 * missed about as often as not (docs/accuracy.md). */
#include "face/steps.h"

#include <math.h>
#include <stdlib.h>

static double unit(double value) {
  return fmin(fmax(value, 0), 1);
}

/* 0 at ramp[0], 1 at ramp[1]; ramp[1] may be the smaller one. */
static double position(double value, const float ramp[2]) {
  return (value - ramp[0]) / (ramp[1] - ramp[0]);
}

static float on_ramp(double value, const float ramp[2]) {
  return (float)unit(position(value, ramp));
}

/* The same, but the ramp's lower tenth falls off exponentially and never ends, so that very poor faces still have an
 * order. */
static float on_tailed_ramp(double value, const float ramp[2]) {
  static const double knee = 0.1;
  double at = position(value, ramp);
  return (float)(at < knee ? knee * exp((at - knee) / knee) : unit(at));
}

/* 0 up to at[0], 1 from at[1] to at[2], 0 from at[3]. */
static float on_plateau(double value, const float at[4]) {
  return (float)fmin(unit((value - at[0]) / (at[1] - at[0])), unit((at[3] - value) / (at[3] - at[2])));
}

/* ---- Pixels of the aligned face */

static double luma(const uint8_t *p) {
  return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

typedef struct luma_statistics {
  double mean, deviation;
  double detail; /* in the direction that has the least, against the deviation */
  double noise;  /* against the deviation */
} luma_statistics;

/* The luma of the pixel at p and of its eight neighbours, row by row. */
static void neighbourhood(const uint8_t *p, int n, double v[9]) {
  for (int i = 0; i < 9; i++) v[i] = luma(p + 3 * ((ptrdiff_t)(i / 3 - 1) * n + i % 3 - 1));
}

/* Detail is the root mean square of the second difference along a line. The least of four directions counts: motion
 * blurs along one line only. Noise is estimated after Immerkaer (1996), whose mask does not see edges. */
static luma_statistics measure_luma(const uint8_t *chip, int n) {
  static const int ends[4][2] = {{3, 5}, {1, 7}, {0, 8}, {2, 6}}; /* of the lines through the middle */
  int margin = n / 6 > 0 ? n / 6 : 1;
  double sum = 0, squares = 0, fine[4] = {0}, rough = 0, count = 0, v[9];
  for (int y = margin; y < n - margin; y++) {
    for (int x = margin; x < n - margin; x++, count++) {
      neighbourhood(chip + ((size_t)y * (size_t)n + (size_t)x) * 3, n, v);
      sum += v[4];
      squares += v[4] * v[4];
      for (int d = 0; d < 4; d++) {
        double off = v[4] - (v[ends[d][0]] + v[ends[d][1]]) / 2;
        fine[d] += off * off;
      }
      rough += fabs(v[0] + v[2] + v[6] + v[8] - 2 * (v[1] + v[3] + v[5] + v[7]) + 4 * v[4]);
    }
  }
  luma_statistics out = {.mean = sum / count};
  out.deviation = sqrt(fmax(squares / count - out.mean * out.mean, 0));
  if (out.deviation <= 0) return out;
  out.detail = sqrt(fmin(fmin(fine[0], fine[1]), fmin(fine[2], fine[3])) / count) / out.deviation;
  out.noise = sqrt(acos(-1) / 2) / 6 * rough / count / out.deviation;
  return out;
}

static int by_value(const void *a, const void *b) {
  const uint8_t *x = a, *y = b;
  return *x - *y;
}

/* The luma at a share (0..1) of the sorted pixels of a patch, centre and half sides in eye distances. */
static double patch_luma(const uint8_t *chip, int n, const double centre[2], const double half[2], double share) {
  uint8_t values[1024];
  size_t count = 0;
  int x0 = (int)fmax(centre[0] - half[0], 0), x1 = (int)fmin(centre[0] + half[0], n - 1);
  int y0 = (int)fmax(centre[1] - half[1], 0), y1 = (int)fmin(centre[1] + half[1], n - 1);
  for (int y = y0; y <= y1; y++)
    for (int x = x0; x <= x1 && count < sizeof values; x++)
      values[count++] = (uint8_t)luma(chip + ((size_t)y * (size_t)n + (size_t)x) * 3);
  if (!count) return 0;
  qsort(values, count, 1, by_value);
  return values[(size_t)(share * (double)(count - 1))];
}

/* How bright the brighter eye is, against the cheeks: eyelids and the white of the eye are as bright as skin, dark
 * glasses are not. The luma of a fifth of the pixels around an eye is at least 0.7 of the cheeks' (lfw10). */
static double eye_brightness(const uint8_t *chip, int n, const double frame[5][2], int frame_side) {
  static const double bright = 0.8, few = 5; /* few: so that the ratio of a black picture is not noise */
  double step = (double)n / frame_side, apart = (frame[1][0] - frame[0][0]) * step;
  const double eye_half[2] = {0.23 * apart, 0.14 * apart}, cheek_half[2] = {0.17 * apart, 0.17 * apart};
  double best = 0, cheeks = 0;
  for (int i = 0; i < 2; i++) {
    const double eye[2] = {frame[i][0] * step, frame[i][1] * step};
    const double cheek[2] = {eye[0] + (i ? 0.06 : -0.06) * apart, eye[1] + 0.68 * apart};
    best = fmax(best, patch_luma(chip, n, eye, eye_half, bright));
    cheeks += patch_luma(chip, n, cheek, cheek_half, 0.5) / 2;
  }
  return (best + few) / (cheeks + few);
}

/* ---- Landmarks */

/* yaw: how far the nose is to the side of the middle between the eyes, in eye distances. pitch: how far down the nose
 * is between eyes (0) and mouth (1). */
static void turn_of(const double p[5][2], double *yaw, double *pitch) {
  double ex = p[1][0] - p[0][0], ey = p[1][1] - p[0][1], distance = hypot(ex, ey) + 1e-9;
  double nx = p[2][0] - (p[0][0] + p[1][0]) / 2, ny = p[2][1] - (p[0][1] + p[1][1]) / 2;
  double mx = (p[3][0] + p[4][0] - p[0][0] - p[1][0]) / 2, my = (p[3][1] + p[4][1] - p[0][1] - p[1][1]) / 2;
  double nose_down = (nx * -ey + ny * ex) / distance, mouth_down = (mx * -ey + my * ex) / distance;
  *yaw = fabs(nx * ex + ny * ey) / (distance * distance);
  *pitch = mouth_down > 1e-9 ? nose_down / mouth_down : 0;
}

double sb_quality_landmark_disagreement(const sb_quality_spec *spec, const sb_similarity *framed,
                                        const double five[5][2], const double checked[5][2]) {
  double squares = 0;
  for (int i = 0; i < 5; i++) {
    double one[2], other[2];
    sb_similarity_point(framed, checked[i], one);
    sb_similarity_point(framed, five[i], other);
    for (int k = 0; k < 2; k++) {
      double off = one[k] - other[k] - spec->disagreement_usual[i][k];
      squares += off * off;
    }
  }
  return sqrt(squares / 5);
}

/* ---- The parts */

static double eye_distance(const double points[5][2]) {
  return hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]);
}

/* Parts that the pipeline's manifest has no ramp for are 1. */
static float on_optional_ramp(double value, const float ramp[2]) {
  return ramp[0] != ramp[1] ? on_tailed_ramp(value, ramp) : 1;
}

static void set_overall(sb_quality *q) {
  const float parts[] = {q->size,  q->sharpness, q->pose,  q->exposure, q->visibility,
                         q->noise, q->blocks,    q->tones, q->eyes};
  q->overall = q->features >= 0 ? q->features : 1;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) q->overall = fminf(q->overall, parts[i]);
}

void sb_quality_measure(const sb_quality_spec *spec, const sb_quality_view *view, sb_quality *out) {
  double yaw, pitch, apart = eye_distance(view->points);
  const luma_statistics seen = measure_luma(view->chip, view->n);
  turn_of(view->points, &yaw, &pitch);
  *out = (sb_quality){.features = -1};
  out->size = on_ramp(apart, spec->eye_distance);
  out->sharpness = on_tailed_ramp(seen.detail, spec->sharpness);
  out->pose = fminf(on_ramp(yaw, spec->yaw), on_plateau(pitch, spec->pitch));
  out->exposure = fminf(on_plateau(seen.mean, spec->brightness), on_ramp(seen.deviation, spec->contrast));
  out->visibility = view->disagreement >= 0 ? on_ramp(view->disagreement, spec->disagreement) : 1;
  out->noise = on_optional_ramp(seen.noise, spec->noise);
  out->tones = on_optional_ramp(view->artefacts.levels, spec->levels);
  /* A picture of blocks shows as much of a face as one of which each block is a pixel. */
  out->blocks =
      view->artefacts.block > 1 ? on_tailed_ramp(apart * view->shrunk / view->artefacts.block, spec->eye_distance) : 1;
  out->eyes = on_optional_ramp(eye_brightness(view->chip, view->n, view->frame, view->frame_side), spec->eyes);
  set_overall(out);
}

void sb_quality_add_features(const float ramp[2], double length, sb_quality *quality) {
  if (ramp[0] == ramp[1]) return;
  quality->features = on_tailed_ramp(length, ramp);
  set_overall(quality);
}

sb_quality_part sb_quality_weakest(const sb_quality *q) {
  static const float good = 0.5f;
  const struct {
    sb_quality_part part;
    float value;
  } causes[] = {{SB_QUALITY_SIZE, q->size},   {SB_QUALITY_SHARPNESS, q->sharpness},
                {SB_QUALITY_POSE, q->pose},   {SB_QUALITY_EXPOSURE, q->exposure},
                {SB_QUALITY_NOISE, q->noise}, {SB_QUALITY_BLOCKS, q->blocks},
                {SB_QUALITY_TONES, q->tones}, {SB_QUALITY_EYES, q->eyes}};
  size_t weakest = 0;
  for (size_t i = 1; i < sizeof causes / sizeof *causes; i++)
    if (causes[i].value < causes[weakest].value) weakest = i;
  float least = causes[weakest].value;
  if (least < good) return causes[weakest].part;
  /* The landmarks of a dark or blurred face disagree, too, and the model recognises little in it: these are reported
   * only where nothing else is wrong. */
  if (q->visibility < least && (q->features < 0 || q->visibility <= q->features)) return SB_QUALITY_VISIBILITY;
  return q->features >= 0 && q->features < least ? SB_QUALITY_FEATURES : causes[weakest].part;
}
