/* Components of a portrait's quality under the names of ISO/IEC 29794-5, on its scale of 0 to 100, for one face
 * (SB_WANT_PORTRAIT). Those of luma, landmarks and place are measured as the standard describes them, the luma in a
 * simpler form; where the standard has a model of its own, the part of our quality that measures the same thing stands
 * in its place. None was compared with the reference implementation (docs/accuracy.md). */
#include "face/worker.h"

#include <math.h>

enum { IBUG = 68, BINS = 32 };

static double share(double value) {
  return 100 * fmin(fmax(value, 0), 1);
}

/* The standard's mapping of a measured value: 50 at `middle`, 73 one `width` beyond. */
static double sigmoid(double value, double middle, double width) {
  return 100 / (1 + exp((middle - value) / width));
}

static void set(sb_portrait *p, sb_quality_component component, double value) {
  p->value[component] = (float)value;
}

/* ---- Luma of the aligned face */

typedef struct zone {
  double count, levels[256];
} zone;

static void add_zone(const uint8_t *chip, int n, const double box[4], zone *out) {
  for (int y = (int)(box[1] * n); y < (int)(box[3] * n); y++)
    for (int x = (int)(box[0] * n); x < (int)(box[2] * n); x++) {
      const uint8_t *p = chip + ((size_t)y * (size_t)n + (size_t)x) * 3;
      out->levels[(int)rint(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])]++;
      out->count++;
    }
}

static double share_of_levels(const zone *z, int from, int to) {
  double sum = 0;
  for (int i = from; i <= to; i++) sum += z->levels[i];
  return sum / z->count;
}

/* The intersection of the histograms of both halves of the face. */
static double evenness(const zone *left, const zone *right) {
  double common = 0;
  for (int i = 0; i < 256; i += 256 / BINS)
    common += fmin(share_of_levels(left, i, i + 256 / BINS - 1), share_of_levels(right, i, i + 256 / BINS - 1));
  return common;
}

static double entropy(const zone *z) {
  double bits = 0;
  for (int i = 0; i < 256; i++)
    if (z->levels[i] > 0) bits -= z->levels[i] / z->count * log2(z->levels[i] / z->count);
  return bits;
}

static void measure_luma(const sb_quality_portrait_view *view, sb_portrait *out) {
  static const double halves[2][4] = {{0.2, 0.35, 0.48, 0.85}, {0.52, 0.35, 0.8, 0.85}};
  zone both[2] = {{0}}, all = {0};
  for (int i = 0; i < 2; i++)
    add_zone(view->chip, view->n, halves[i], &both[i]), add_zone(view->chip, view->n, halves[i], &all);
  double mean = 0, squares = 0;
  for (int i = 0; i < 256; i++) mean += i / 255.0 * all.levels[i] / all.count;
  for (int i = 0; i < 256; i++) squares += pow(i / 255.0 - mean, 2) * all.levels[i] / all.count;
  set(out, SB_COMPONENT_ILLUMINATION_UNIFORMITY, share(evenness(&both[0], &both[1])));
  set(out, SB_COMPONENT_LUMINANCE_MEAN, share(fmin(mean / 0.2, (1 - mean) / 0.2)));
  set(out, SB_COMPONENT_LUMINANCE_VARIANCE, share(sqrt(squares) / 0.1));
  set(out, SB_COMPONENT_UNDER_EXPOSURE_PREVENTION, share(1 - share_of_levels(&all, 0, 25)));
  set(out, SB_COMPONENT_OVER_EXPOSURE_PREVENTION, share(1 - share_of_levels(&all, 247, 255)));
  set(out, SB_COMPONENT_DYNAMIC_RANGE, share(entropy(&all) / 8));
}

/* ---- Landmarks */

static double apart(const double (*p)[2], int a, int b) {
  return hypot(p[a][0] - p[b][0], p[a][1] - p[b][1]);
}

/* From the 68 landmarks of the iBUG scheme: how far the lids and the inner lips are apart, in distances from the middle
 * of the eyes to the chin, and where the head is in the photo. */
static void measure_contours(const sb_quality_portrait_view *view, sb_portrait *out) {
  const double(*p)[2] = view->contours, (*five)[2] = view->five;
  const double eyes[2] = {(five[0][0] + five[1][0]) / 2, (five[0][1] + five[1][1]) / 2};
  double chin = hypot(p[8][0] - eyes[0], p[8][1] - eyes[1]) + 1e-9, between = apart(five, 0, 1) + 1e-9;
  double right = fmax(apart(p, 37, 41), apart(p, 38, 40)), left = fmax(apart(p, 43, 47), apart(p, 44, 46));
  double lips = fmax(fmax(apart(p, 61, 67), apart(p, 62, 66)), apart(p, 63, 65));
  set(out, SB_COMPONENT_EYES_OPEN, sigmoid(fmin(left, right) / chin, 0.02, 0.01));
  set(out, SB_COMPONENT_MOUTH_CLOSED, 100 - sigmoid(lips / chin, 0.2, 0.06));
  set(out, SB_COMPONENT_HEAD_SIZE, 200 * (1 - sigmoid(fabs(chin / view->height - 0.45), 0, 0.05) / 100));
  set(out, SB_COMPONENT_LEFTWARD_CROP, sigmoid(eyes[0] / between, 0.9, 0.1));
  set(out, SB_COMPONENT_RIGHTWARD_CROP, sigmoid((view->width - eyes[0]) / between, 0.9, 0.1));
  set(out, SB_COMPONENT_MARGIN_ABOVE, sigmoid(eyes[1] / chin, 1.4, 0.1));
  set(out, SB_COMPONENT_MARGIN_BELOW, sigmoid((view->height - eyes[1]) / chin, 1.8, 0.1));
}

static double cosine_squared(double degrees) {
  double c = fmax(cos(degrees * acos(-1) / 180), 0);
  return 100 * c * c;
}

static void measure_pose(const sb_quality_portrait_view *view, const sb_face *face, sb_portrait *out) {
  const double(*five)[2] = view->five;
  double roll = atan2(five[1][1] - five[0][1], five[1][0] - five[0][0]) * 180 / acos(-1);
  set(out, SB_COMPONENT_HEAD_POSE_ROLL, cosine_squared(roll));
  if (!face->has_pose) return;
  set(out, SB_COMPONENT_HEAD_POSE_YAW, cosine_squared(face->pose.yaw));
  set(out, SB_COMPONENT_HEAD_POSE_PITCH, cosine_squared(face->pose.pitch));
}

/* ---- All of them */

void sb_quality_portrait_measure(const sb_quality_portrait_view *view, sb_face *face) {
  sb_portrait *out = &face->portrait;
  const sb_quality *q = &face->quality;
  for (int i = 0; i < SB_COMPONENTS; i++) out->value[i] = -1;
  face->has_portrait = true;
  measure_luma(view, out);
  measure_pose(view, face, out);
  if (view->contour_count == IBUG) measure_contours(view, out);
  set(out, SB_COMPONENT_UNIFIED_QUALITY_SCORE, 100 * q->overall);
  set(out, SB_COMPONENT_SHARPNESS, 100 * q->sharpness);
  set(out, SB_COMPONENT_NO_COMPRESSION_ARTIFACTS, 100 * q->blocks);
  set(out, SB_COMPONENT_EYES_VISIBLE, 100 * q->eyes);
  set(out, SB_COMPONENT_FACE_OCCLUSION_PREVENTION, 100 * q->visibility);
  set(out, SB_COMPONENT_INTER_EYE_DISTANCE, sigmoid(apart(view->five, 0, 1) * view->full, 70, 20));
  if (face->has_expression) set(out, SB_COMPONENT_EXPRESSION_NEUTRALITY, 100 * face->expression.probability[0]);
}

const char *sb_component_name(int index) {
  static const char *const names[SB_COMPONENTS] = {
      [SB_COMPONENT_UNIFIED_QUALITY_SCORE] = "unified_quality_score",
      [SB_COMPONENT_BACKGROUND_UNIFORMITY] = "background_uniformity",
      [SB_COMPONENT_ILLUMINATION_UNIFORMITY] = "illumination_uniformity",
      [SB_COMPONENT_LUMINANCE_MEAN] = "luminance_mean",
      [SB_COMPONENT_LUMINANCE_VARIANCE] = "luminance_variance",
      [SB_COMPONENT_UNDER_EXPOSURE_PREVENTION] = "under_exposure_prevention",
      [SB_COMPONENT_OVER_EXPOSURE_PREVENTION] = "over_exposure_prevention",
      [SB_COMPONENT_DYNAMIC_RANGE] = "dynamic_range",
      [SB_COMPONENT_SHARPNESS] = "sharpness",
      [SB_COMPONENT_NO_COMPRESSION_ARTIFACTS] = "no_compression_artifacts",
      [SB_COMPONENT_NATURAL_COLOUR] = "natural_colour",
      [SB_COMPONENT_SINGLE_FACE_PRESENT] = "single_face_present",
      [SB_COMPONENT_EYES_OPEN] = "eyes_open",
      [SB_COMPONENT_MOUTH_CLOSED] = "mouth_closed",
      [SB_COMPONENT_EYES_VISIBLE] = "eyes_visible",
      [SB_COMPONENT_MOUTH_OCCLUSION_PREVENTION] = "mouth_occlusion_prevention",
      [SB_COMPONENT_FACE_OCCLUSION_PREVENTION] = "face_occlusion_prevention",
      [SB_COMPONENT_INTER_EYE_DISTANCE] = "inter_eye_distance",
      [SB_COMPONENT_HEAD_SIZE] = "head_size",
      [SB_COMPONENT_LEFTWARD_CROP] = "leftward_crop_of_the_face_image",
      [SB_COMPONENT_RIGHTWARD_CROP] = "rightward_crop_of_the_face_image",
      [SB_COMPONENT_MARGIN_ABOVE] = "margin_above_of_the_face_image",
      [SB_COMPONENT_MARGIN_BELOW] = "margin_below_of_the_face_image",
      [SB_COMPONENT_HEAD_POSE_YAW] = "head_pose_yaw",
      [SB_COMPONENT_HEAD_POSE_PITCH] = "head_pose_pitch",
      [SB_COMPONENT_HEAD_POSE_ROLL] = "head_pose_roll",
      [SB_COMPONENT_EXPRESSION_NEUTRALITY] = "expression_neutrality",
      [SB_COMPONENT_NO_HEAD_COVERINGS] = "no_head_coverings",
  };
  return names[index];
}
