/* Describing one face: landmarks, quality, embedding, then the attributes (attributes.c).
 *
 * The "frame" is the pipeline's reference picture of an upright face, with fixed places for the five landmarks
 * (sb_models.frame). `framed` is the similarity transform from the photo into the frame; landmarks are refined and
 * quality is measured there, independently of the face's size, place and roll in the photo. */
#include "face/worker.h"
#include "vector/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  CHIP_LEAST = 24, /* pixels a side of the smallest picture that quality is measured on */
  SMALL = 24,      /* pixels of the full-size photo: of smaller faces, the landmarks are not exact */
  TINY = 16        /* of smaller boxes more are noise than faces */
};

/* ---- Landmarks */

/* Runs the landmark model on a square of the photo and reduces its points to five by averaging. */
static sb_status run_landmarks(sb_worker *worker, const sb_image *image, const sb_square *square, double five[5][2],
                               sb_error *error) {
  const sb_landmarks_spec *spec = &worker->models->landmarks;
  const sb_worker_model model = {SB_SLOT_LANDMARKS, &spec->model};
  sb_infer_session *session = NULL;
  const float *values = NULL;
  sb_status status = sb_worker_run_on_crop(worker, model, image, square, &session, error);
  if (status != SB_OK) return status;
  status = sb_worker_output(session, &spec->model, spec->output, (size_t)spec->points * 2, &values, NULL, error);
  if (status != SB_OK) return status;
  worker->contour_count = spec->points <= SB_CONTOURS_MAX ? spec->points : 0;
  for (int i = 0; i < worker->contour_count; i++)
    sb_square_point(square, values[2 * i], values[2 * i + 1], worker->contours[i]);
  for (int i = 0; i < 5; i++) {
    double u = 0, v = 0;
    for (int k = 0; k < spec->averaged_count[i]; k++) {
      u += values[2 * spec->averaged[i][k]] / spec->averaged_count[i];
      v += values[2 * spec->averaged[i][k] + 1] / spec->averaged_count[i];
    }
    sb_square_point(square, u, v, five[i]);
  }
  return SB_OK;
}

/* Converts a square of the frame to the photo. */
static sb_square framed_square(const sb_similarity *framed, const float centre[2], double side) {
  double n = framed->a * framed->a + framed->b * framed->b, u = centre[0] - framed->tx, v = centre[1] - framed->ty;
  return (sb_square){(framed->a * u + framed->b * v) / n, (framed->a * v - framed->b * u) / n, side / sqrt(n),
                     -atan2(framed->b, framed->a)};
}

/* Finds the landmarks: first in the detector's box, then `refinements` times in the square that the landmarks
 * themselves suggest, which also removes the roll. Without a landmark model, the detector's points are used. */
static sb_status find_landmarks(sb_worker *worker, const sb_image *image, const sb_detection *box, double five[5][2],
                                sb_similarity *framed, sb_error *error) {
  const sb_landmarks_spec *spec = &worker->models->landmarks;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0);
  sb_square square = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2 + spec->shift_down * side, spec->crop * side, 0};
  for (int round = 0;; round++) {
    sb_status status = SB_OK;
    if (spec->model.path)
      status = run_landmarks(worker, image, &square, five, error);
    else
      memcpy(five, box->points, sizeof box->points);
    if (status != SB_OK) return status;
    if (!sb_similarity_fit((const double(*)[2])five, worker->models->frame, framed))
      return sb_fail(error, SB_BAD_IMAGE, "a face could not be aligned: its landmarks coincide");
    if (round == spec->refinements) return SB_OK;
    square = framed_square(framed, spec->centre, spec->side);
  }
}

/* ---- Embedding */

static void mirror(const sb_align_picture *picture) {
  for (int y = 0; y < picture->height; y++) {
    float *row = picture->rgb + (size_t)y * (size_t)picture->width * 3;
    for (int x = 0; x < picture->width / 2; x++) {
      float swap[3], *other = row + 3 * (picture->width - 1 - x);
      memcpy(swap, row + 3 * x, sizeof swap);
      memcpy(row + 3 * x, other, sizeof swap);
      memcpy(other, swap, sizeof swap);
    }
  }
}

static sb_status unusable(const sb_model_spec *model, sb_error *error) {
  return sb_fail(error, SB_MODEL, "the model %s gave NaN, infinite or zero numbers", model->name);
}

/* Adds the embedding of the picture, scaled to unit length, to `sum`. `length`: its length before. */
static sb_status embed_picture(sb_worker *worker, const sb_worker_request *request, const float *rgb, float *sum,
                               double *length, sb_error *error) {
  const sb_embedder_spec *spec = request->spec;
  const sb_worker_model model = {SB_SLOT_EMBED + request->embedder, &spec->model};
  sb_infer_session *session = NULL;
  const float *values = NULL;
  size_t count = 0, dim = spec->info.dim;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_EMBED);
  sb_status status = sb_worker_run_picture(worker, model, rgb, &session, error);
  sb_stage_timer_enter(before);
  if (status != SB_OK) return status;
  status = sb_worker_output(session, &spec->model, spec->output, dim, &values, &count, error);
  if (status != SB_OK) return status;
  if (count != dim)
    return sb_fail(error, SB_MODEL, "the model %s gives %zu numbers, but its manifest says %zu", spec->model.name,
                   count, dim);
  double squares = 0;
  for (size_t i = 0; i < dim; i++) squares += (double)values[i] * values[i];
  *length = sqrt(squares);
  if (!isfinite(*length) || *length <= 0) return unusable(&spec->model, error);
  for (size_t i = 0; i < dim; i++) sum[i] += (float)(values[i] / *length);
  return SB_OK;
}

/* Embeds the aligned face; with SB_WANT_FLIP, the normalised sum of its embedding and that of its mirror image. The
 * length of an embedding before it is normalised grows with what the model recognises in the picture, and so adds to
 * the quality where that was measured. */
static sb_status embed_aligned(sb_worker *worker, const sb_image *image, const sb_align_face *where,
                               const sb_worker_request *request, const sb_align_picture *picture, sb_face *face,
                               sb_error *error) {
  const sb_embedder_spec *spec = request->spec;
  float *embedding = face->embedding;
  double length = 0;
  sb_status status = sb_align(image, &spec->alignment, where, picture, error);
  if (status != SB_OK) return status;
  status = embed_picture(worker, request, picture->rgb, embedding, &length, error);
  if (status != SB_OK) return status;
  if (where->five) sb_quality_add_features(spec->length, length, &face->quality);
  if (!(request->want & SB_WANT_FLIP)) return SB_OK;
  mirror(picture);
  status = embed_picture(worker, request, picture->rgb, embedding, &length, error);
  if (status != SB_OK) return status;
  return sb_normalize(embedding, spec->info.dim) > 0 ? SB_OK : unusable(&spec->model, error);
}

static sb_status embed(sb_worker *worker, const sb_image *image, const sb_align_face *where,
                       const sb_worker_request *request, sb_face *face, sb_error *error) {
  const sb_embedder_spec *spec = request->spec;
  sb_align_picture picture = {.width = spec->model.width, .height = spec->model.height};
  face->embedding = sb_alloc(spec->info.dim, sizeof *face->embedding, error);
  if (!face->embedding) return SB_NO_MEMORY;
  picture.rgb = sb_alloc((size_t)picture.width * (size_t)picture.height, 3 * sizeof *picture.rgb, error);
  if (!picture.rgb) return SB_NO_MEMORY;
  sb_status status = embed_aligned(worker, image, where, request, &picture, face, error);
  free(picture.rgb);
  return status;
}

/* ---- Quality */

/* How far the verifier's landmarks are from the landmark model's; negative: not known. The verifier ran in the
 * detector's box, which may be inexact; where the two disagree, it runs again on the upright face, and the smaller
 * disagreement counts. */
static sb_status measure_disagreement(sb_worker *worker, const sb_image *image, const sb_align_face *where,
                                      const sb_similarity *framed, double *disagreement, sb_error *error) {
  const sb_quality_spec *spec = &worker->models->quality;
  *disagreement = -1;
  if (!spec->has_disagreement || !where->box->has_checked) return SB_OK;
  *disagreement = sb_quality_landmark_disagreement(spec, framed, where->five, where->box->checked);
  if (*disagreement <= spec->disagreement[1]) return SB_OK;
  sb_square square = framed_square(framed, spec->disagreement_centre, spec->disagreement_side);
  sb_detection again = {0};
  sb_status status = sb_worker_verify(worker, image, &square, &again, error);
  if (status != SB_OK) return status;
  const double(*checked)[2] = (const double(*)[2])again.checked;
  *disagreement = fmin(*disagreement, sb_quality_landmark_disagreement(spec, framed, where->five, checked));
  return SB_OK;
}

/* The affine map that shows the frame as n x n pixels. */
static void chip_map(const sb_similarity *framed, int frame_side, int n, double map[6]) {
  double step = (double)frame_side / n;
  sb_similarity_inverse_map(framed, map);
  for (int i = 0; i < 2; i++) {
    map[3 * i + 2] += (map[3 * i] + map[3 * i + 1]) * (step - 1) / 2;
    map[3 * i] *= step;
    map[3 * i + 1] *= step;
  }
}

/* Measures the quality. Sharpness and noise are measured at the photo's own resolution: a small face must not seem
 * blurred because it was enlarged to the frame. */
static sb_status measure_quality(sb_worker *worker, const sb_image *image, const sb_align_face *where,
                                 const sb_similarity *framed, sb_quality *out, sb_error *error) {
  int side = worker->models->frame_side;
  double shrink = fmin(1, 1 / hypot(framed->a, framed->b)); /* photo pixels per frame pixel, at most 1 */
  double map[6], full = (double)image->source_width / image->width;
  int n = (int)fmax(CHIP_LEAST, rint(side * shrink));
  uint8_t *chip = sb_alloc((size_t)n * (size_t)n, 3, error);
  if (!chip) return SB_NO_MEMORY;
  sb_quality_view view = {.chip = chip, .n = n, .frame = worker->models->frame, .frame_side = side, .shrunk = 1 / full};
  chip_map(framed, side, n, map);
  for (int i = 0; i < 5; i++)
    view.points[i][0] = where->five[i][0] * full, view.points[i][1] = where->five[i][1] * full;
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_EDGE, chip, n, n, error);
  if (status == SB_OK) status = measure_disagreement(worker, image, where, framed, &view.disagreement, error);
  if (status == SB_OK) {
    sb_quality_artefacts_measure(image, where->box, &view.artefacts);
    sb_quality_measure(&worker->models->quality, &view, out);
  }
  free(chip);
  return status;
}

/* ---- Portrait */

static sb_status measure_portrait(sb_worker *worker, const sb_image *image, const sb_align_face *where,
                                  const sb_similarity *framed, sb_face *face, sb_error *error) {
  int side = worker->models->frame_side;
  double map[6];
  uint8_t *chip = sb_alloc((size_t)side * (size_t)side, 3, error);
  if (!chip) return SB_NO_MEMORY;
  chip_map(framed, side, side, map);
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_EDGE, chip, side, side, error);
  const sb_quality_portrait_view view = {.chip = chip,
                                         .n = side,
                                         .width = image->width,
                                         .height = image->height,
                                         .full = (double)image->source_width / image->width,
                                         .five = where->five,
                                         .contours = (const double(*)[2])worker->contours,
                                         .contour_count = worker->contour_count};
  if (status == SB_OK) sb_quality_portrait_measure(&view, face);
  free(chip);
  return status;
}

/* ---- All of it */

static sb_status describe_attributes(sb_worker *worker, const sb_image *image, const sb_align_face *where,
                                     unsigned want, sb_face *face, sb_error *error) {
  if (!(want & (SB_WANT_ATTRIBUTES | SB_WANT_POSE | SB_WANT_LIVENESS))) return SB_OK;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_ATTRIBUTES);
  sb_status status = sb_worker_attributes(worker, image, where, want, face, error);
  sb_stage_timer_enter(before);
  return status;
}

/* Detector and verifier accept a candidate each on its own word. Where their landmarks contradict each other completely
 * (a shirt, a forehead, an ear), both must accept it. The landmarks of small faces contradict each other, too: of those
 * only the smallest are dropped, and none where small faces are asked for. */
static bool is_phantom(const sb_models *models, const sb_image *image, const sb_detection *box, unsigned want,
                       const sb_quality *quality) {
  const sb_verifier_spec *spec = &models->verifier;
  if (quality->visibility > 0) return false;
  if (box->score >= spec->detector_accept && box->probability >= spec->accept) return false;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0) * image->source_width / image->width;
  return side >= SMALL || (side < TINY && !(want & SB_WANT_SMALL_FACES));
}

sb_status sb_worker_describe(sb_worker *worker, const sb_image *image, const sb_detection *box,
                             const sb_worker_request *request, sb_face *face, bool *phantom, sb_error *error) {
  double points[5][2] = {{0}};
  sb_align_face where = {.box = box}; /* a photo that is already a face has neither landmarks nor quality */
  sb_status status = SB_OK;
  *phantom = false;
  worker->contour_count = 0;
  sb_similarity framed;
  if (!(request->want & SB_WANT_WHOLE_PHOTO)) {
    if ((status = find_landmarks(worker, image, box, points, &framed, error)) != SB_OK) return status;
    where.five = (const double(*)[2])points;
    if ((status = measure_quality(worker, image, &where, &framed, &face->quality, error)) != SB_OK) return status;
    if ((*phantom = is_phantom(worker->models, image, box, request->want, &face->quality))) return SB_OK;
  }
  if (request->want & SB_WANT_EMBEDDING) status = embed(worker, image, &where, request, face, error);
  if (status != SB_OK) return status;
  if ((status = describe_attributes(worker, image, &where, request->want, face, error)) != SB_OK) return status;
  if (where.five && request->want & SB_WANT_PORTRAIT)
    status = measure_portrait(worker, image, &where, &framed, face, error);
  if (status != SB_OK) return status;
  if (request->picture) status = sb_worker_keep_picture(worker, image, &where, request->picture, error);
  if (status != SB_OK) return status;
  face->box = (sb_box){(float)box->x0, (float)box->y0, (float)(box->x1 - box->x0), (float)(box->y1 - box->y0)};
  face->score = (float)box->score;
  for (int i = 0; i < 5; i++) face->landmarks[i] = (sb_point){(float)points[i][0], (float)points[i][1]};
  return SB_OK;
}
