/* Quality of a face: how reliably it will compare, in five parts of 0..1 (size, sharpness, pose, exposure, visibility),
 * the lowest of which is the overall quality. Each part maps a measured value through a ramp from useless (0) to
 * harmless (1). The ramps are in the pipeline's manifest (`quality`) and were measured with its embedder. */
#include "face/steps.h"

#include <math.h>
#include <stdlib.h>

static float unit(double value) {
  return (float)fmin(fmax(value, 0), 1);
}

/* 0 at ramp[0], 1 at ramp[1]; ramp[1] may be the smaller one. */
static float on_ramp(double value, const float ramp[2]) {
  return unit((value - ramp[0]) / (ramp[1] - ramp[0]));
}

/* 0 up to at[0], 1 from at[1] to at[2], 0 from at[3]. */
static float on_plateau(double value, const float at[4]) {
  return fminf(unit((value - at[0]) / (at[1] - at[0])), unit((at[3] - value) / (at[3] - at[2])));
}

static double luma(const uint8_t *p) {
  return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

/* Statistics of the luma in the middle of the chip, where the face is: mean, standard deviation, and detail (the root
 * mean square of the difference between each pixel and the mean of its four neighbours, a Laplacian). */
static void measure(const uint8_t *chip, int n, double *mean, double *deviation, double *detail) {
  int from = n / 6, to = n - n / 6;
  double sum = 0, squares = 0, fine = 0, count = 0;
  for (int y = from > 0 ? from : 1; y < to && y < n - 1; y++) {
    for (int x = from > 0 ? from : 1; x < to && x < n - 1; x++) {
      const uint8_t *p = chip + ((size_t)y * (size_t)n + (size_t)x) * 3;
      double v = luma(p),
             around = (luma(p - 3) + luma(p + 3) + luma(p - 3 * (ptrdiff_t)n) + luma(p + 3 * (ptrdiff_t)n)) / 4;
      sum += v;
      squares += v * v;
      fine += (v - around) * (v - around);
      count++;
    }
  }
  *mean = sum / count;
  *deviation = sqrt(fmax(squares / count - *mean * *mean, 0));
  *detail = sqrt(fine / count);
}

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

void sb_quality_measure(const sb_quality_spec *spec, const uint8_t *chip, int n, const double points[5][2],
                        double disagreement, sb_quality *out) {
  double mean, deviation, detail, yaw, pitch;
  measure(chip, n, &mean, &deviation, &detail);
  turn_of(points, &yaw, &pitch);
  out->size = on_ramp(hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]), spec->eye_distance);
  out->sharpness = deviation > 0 ? on_ramp(detail / deviation, spec->sharpness) : 0;
  out->pose = fminf(on_ramp(yaw, spec->yaw), on_plateau(pitch, spec->pitch));
  out->exposure = fminf(on_plateau(mean, spec->brightness), on_ramp(deviation, spec->contrast));
  out->visibility = disagreement >= 0 ? on_ramp(disagreement, spec->disagreement) : 1;
  out->overall = fminf(fminf(fminf(out->size, out->sharpness), fminf(out->pose, out->exposure)), out->visibility);
}

sb_quality_part sb_quality_weakest(const sb_quality *quality) {
  const float parts[] = {quality->size, quality->sharpness, quality->pose, quality->exposure}, good = 0.5f;
  int weakest = SB_QUALITY_SIZE;
  for (int i = 1; i < 4; i++)
    if (parts[i] < parts[weakest]) weakest = i;
  /* The landmarks of a dark or blurred face disagree, too, so visibility is reported only where nothing else is
   * wrong. */
  if (parts[weakest] >= good && quality->visibility < parts[weakest]) return SB_QUALITY_VISIBILITY;
  return (sb_quality_part)weakest;
}
