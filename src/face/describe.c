/* What a face is like: landmarks, alignment, quality, embedding, attributes. */
#include "face/worker.h"
#include "vector/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHIP_LEAST = 24 };

static sb_status look_for_points(sb_worker *worker, const sb_image *image, const sb_square *square, double five[5][2],
                                 sb_error *error) {
  const sb_landmarks_spec *spec = &worker->models->landmarks;
  sb_infer_session *session = NULL;
  const float *values = NULL;
  size_t count = 0;
  sb_status status = sb_worker_run_on_crop(worker, SB_SLOT_LANDMARKS, &spec->model, image, square, SB_IMAGE_BORDER_ZERO,
                                           &session, error);
  if (status == SB_OK)
    status = sb_worker_output(session, &spec->model, spec->output, (size_t)spec->points * 2, &values, &count, error);
  if (status != SB_OK) return status;
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

/* A square of the frame, in the photo. */
static sb_square framed_square(const sb_similarity *framed, const float centre[2], double side) {
  double n = framed->a * framed->a + framed->b * framed->b, u = centre[0] - framed->tx, v = centre[1] - framed->ty;
  return (sb_square){(framed->a * u + framed->b * v) / n, (framed->a * v - framed->b * u) / n, side / sqrt(n),
                     -atan2(framed->b, framed->a)};
}

/* First in the detector's box, then again in the square that the points themselves suggest, which takes out the roll, too.
 * `framed`: the similarity that puts the face into the pipeline's frame. */
static sb_status find_points(sb_worker *worker, const sb_image *image, const sb_detection *box, double five[5][2],
                             sb_similarity *framed, sb_error *error) {
  const sb_landmarks_spec *spec = &worker->models->landmarks;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0);
  sb_square square = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2 + spec->shift_down * side, spec->crop * side, 0};
  for (int round = 0;; round++) {
    sb_status status = SB_OK;
    if (spec->model.path)
      status = look_for_points(worker, image, &square, five, error);
    else
      memcpy(five, box->points, sizeof box->points);
    if (status != SB_OK) return status;
    if (!sb_similarity_fit((const double(*)[2])five, worker->models->frame, framed))
      return sb_fail(error, SB_BAD_IMAGE, "a face has no shape that can be aligned");
    if (round == spec->refinements) return SB_OK;
    square = framed_square(framed, spec->centre, spec->side);
  }
}

static void mirror(float *rgb, int width, int height) {
  for (int y = 0; y < height; y++) {
    float *row = rgb + (size_t)y * (size_t)width * 3;
    for (int x = 0; x < width / 2; x++) {
      float swap[3], *other = row + 3 * (width - 1 - x);
      memcpy(swap, row + 3 * x, sizeof swap);
      memcpy(row + 3 * x, other, sizeof swap);
      memcpy(other, swap, sizeof swap);
    }
  }
}

/* Adds the embedding of the picture, at unit length, to `sum`. */
static sb_status embed_picture(sb_worker *worker, const sb_worker_request *wanted, const float *rgb, float *sum,
                               sb_error *error) {
  const sb_embedder_spec *spec = wanted->spec;
  const sb_model_spec *model = &spec->model;
  sb_infer_session *session = NULL;
  const float *values = NULL;
  size_t count = 0, dim = spec->info.dim;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_EMBED);
  sb_status status = sb_worker_run_picture(worker, SB_SLOT_EMBED + wanted->embedder, model, rgb, &session, error);
  sb_stage_timer_enter(before);
  if (status == SB_OK) status = sb_worker_output(session, model, spec->output, dim, &values, &count, error);
  if (status == SB_OK && count != dim)
    status = sb_fail(error, SB_MODEL, "the model %s gives %zu numbers, its manifest says %zu", model->name, count, dim);
  if (status != SB_OK) return status;
  double squares = 0;
  for (size_t i = 0; i < dim; i++) squares += (double)values[i] * values[i];
  double length = sqrt(squares);
  if (!isfinite(length) || length <= 0)
    return sb_fail(error, SB_MODEL, "the model %s gave no usable numbers", model->name);
  for (size_t i = 0; i < dim; i++) sum[i] += (float)(values[i] / length);
  return SB_OK;
}

static sb_status embed(sb_worker *worker, const sb_image *image, const sb_detection *box, const double (*five)[2],
                       const sb_worker_request *wanted, sb_face *face, sb_error *error) {
  const sb_embedder_spec *spec = wanted->spec;
  int width = spec->model.width, height = spec->model.height;
  float *rgb = sb_alloc((size_t)width * (size_t)height, 3 * sizeof *rgb, error);
  face->embedding = sb_alloc(spec->info.dim, sizeof *face->embedding, error);
  sb_status status = rgb && face->embedding ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) status = sb_align(image, &spec->alignment, box, five, rgb, width, height, error);
  if (status == SB_OK) status = embed_picture(worker, wanted, rgb, face->embedding, error);
  if (status == SB_OK && wanted->want & SB_WANT_FLIP) {
    mirror(rgb, width, height);
    status = embed_picture(worker, wanted, rgb, face->embedding, error);
    if (status == SB_OK && !(sb_normalize(face->embedding, spec->info.dim) > 0))
      status = sb_fail(error, SB_MODEL, "the model %s gave no usable numbers", spec->model.name);
  }
  free(rgb);
  return status;
}

/* How far the verifier's points are from the landmark model's. In the detector's box, which stands more or less well, the
 * verifier may err: where they are apart it looks again, at the upright face. Below 0: not known. */
static sb_status landmark_disagreement(sb_worker *worker, const sb_image *image, const sb_detection *box,
                                       const sb_similarity *framed, const double five[5][2], double *disagreement,
                                       sb_error *error) {
  const sb_quality_spec *spec = &worker->models->quality;
  *disagreement = -1;
  if (!spec->has_disagreement || !box->has_checked) return SB_OK;
  *disagreement = sb_quality_landmark_disagreement(spec, framed, five, box->checked);
  if (*disagreement <= spec->disagreement[1]) return SB_OK;
  sb_square square = framed_square(framed, spec->disagreement_centre, spec->disagreement_side);
  sb_detection again = {0};
  sb_status status = sb_worker_verify(worker, image, &square, &again, error);
  if (status == SB_OK)
    *disagreement =
        fmin(*disagreement, sb_quality_landmark_disagreement(spec, framed, five, (const double(*)[2])again.checked));
  return status;
}

/* Sharpness is judged at the photo's own resolution: a small face that was enlarged to the frame is not blurred. */
static sb_status judge(sb_worker *worker, const sb_image *image, const sb_detection *box, const sb_similarity *framed,
                       const double five[5][2], sb_quality *out, sb_error *error) {
  int side = worker->models->frame_side;
  double shrink = fmin(1, 1 / hypot(framed->a, framed->b)); /* pixels of the frame a photo pixel, at most one */
  int n = (int)fmax(CHIP_LEAST, rint(side * shrink));
  double map[6], step = (double)side / n, full = (double)image->source_width / image->width, points[5][2],
                 disagreement = -1;
  uint8_t *chip = sb_alloc((size_t)n * (size_t)n, 3, error);
  if (!chip) return SB_NO_MEMORY;
  sb_similarity_inverse_map(framed, map);
  for (int i = 0; i < 2; i++) {
    map[3 * i + 2] += (map[3 * i] + map[3 * i + 1]) * (step - 1) / 2;
    map[3 * i] *= step;
    map[3 * i + 1] *= step;
  }
  for (int i = 0; i < 5; i++) points[i][0] = five[i][0] * full, points[i][1] = five[i][1] * full;
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_EDGE, chip, n, n, error);
  if (status == SB_OK) status = landmark_disagreement(worker, image, box, framed, five, &disagreement, error);
  if (status == SB_OK)
    sb_quality_measure(&worker->models->quality, chip, n, (const double(*)[2])points, disagreement, out);
  free(chip);
  return status;
}

sb_status sb_worker_describe(sb_worker *worker, const sb_image *image, const sb_detection *box,
                             const sb_worker_request *wanted, sb_face *face, sb_error *error) {
  double points[5][2] = {{0}};
  const double(*five)[2] = NULL; /* of a photo that is a face already there are none, and no quality either */
  sb_similarity framed;
  sb_status status = SB_OK;
  if (!(wanted->want & SB_WANT_WHOLE_PHOTO)) {
    five = (const double(*)[2])points;
    status = find_points(worker, image, box, points, &framed, error);
    if (status == SB_OK) status = judge(worker, image, box, &framed, five, &face->quality, error);
  }
  if (status == SB_OK && wanted->want & SB_WANT_EMBEDDING)
    status = embed(worker, image, box, five, wanted, face, error);
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_ATTRIBUTES);
  if (status == SB_OK && wanted->want & (SB_WANT_ATTRIBUTES | SB_WANT_POSE | SB_WANT_LIVENESS))
    status = sb_worker_attributes(worker, image, box, five, wanted->want, face, error);
  sb_stage_timer_enter(before);
  if (status != SB_OK) return status;
  face->box = (sb_box){(float)box->x0, (float)box->y0, (float)(box->x1 - box->x0), (float)(box->y1 - box->y0)};
  face->score = (float)box->score;
  for (int i = 0; i < 5; i++) face->landmarks[i] = (sb_point){(float)points[i][0], (float)points[i][1]};
  return SB_OK;
}
