/* What a face is like: landmarks, alignment, quality, embedding, attributes. */
#include "face/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHIP_LEAST = 24 };

static sb_status look_for_points(sb_worker *worker, const sb_image *image, const sb_square *square, double five[5][2],
                                 sb_error *error) {
  const sb_landmarks_spec *spec = &worker->models->landmarks;
  sb_session *session = NULL;
  const float *values = NULL;
  size_t count = 0;
  sb_status status =
      sb_worker_look(worker, SB_STAGE_LANDMARKS, &spec->model, image, square, SB_IMAGE_BORDER_ZERO, &session, error);
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

/* First in the detector's box, then again in the square that the points themselves suggest, which takes out the roll, too. */
static sb_status find_points(sb_worker *worker, const sb_image *image, const sb_box_found *box, double five[5][2],
                             sb_similarity *aligned, sb_error *error) {
  const sb_landmarks_spec *spec = &worker->models->landmarks;
  const double(*template)[2] = worker->models->embedder.template;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0);
  sb_square square = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2 + spec->shift_down * side, spec->crop * side, 0};
  for (int round = 0;; round++) {
    sb_status status = look_for_points(worker, image, &square, five, error);
    if (status != SB_OK) return status;
    if (!sb_similarity_fit((const double(*)[2])five, template, aligned))
      return sb_fail(error, SB_BAD_IMAGE, "a face has no shape that can be aligned");
    if (round == spec->refinements) return SB_OK;
    double n = aligned->a * aligned->a + aligned->b * aligned->b, u = spec->centre[0] - aligned->tx,
           v = spec->centre[1] - aligned->ty;
    square = (sb_square){(aligned->a * u + aligned->b * v) / n, (aligned->a * v - aligned->b * u) / n,
                         spec->side / sqrt(n), -atan2(aligned->b, aligned->a)};
  }
}

static sb_status embed(sb_worker *worker, const uint8_t *chip, sb_face *face, sb_error *error) {
  const sb_embedder_spec *spec = &worker->models->embedder;
  sb_session *session = NULL;
  const float *values = NULL;
  size_t count = 0, dim = spec->info.dim;
  sb_status status = sb_worker_run(worker, SB_STAGE_EMBED, &spec->model, chip, spec->model.width, spec->model.height,
                                   spec->model.width, spec->model.height, &session, error);
  if (status == SB_OK) status = sb_worker_output(session, &spec->model, spec->output, dim, &values, &count, error);
  if (status != SB_OK) return status;
  double squares = 0;
  for (size_t i = 0; i < dim; i++) squares += (double)values[i] * values[i];
  double length = sqrt(squares);
  if (!(length > 0) || !isfinite(length)) return sb_fail(error, SB_MODEL, "the embedder gave no usable numbers");
  face->embedding = sb_alloc(dim, sizeof *face->embedding, error);
  if (!face->embedding) return SB_NO_MEMORY;
  for (size_t i = 0; i < dim; i++) face->embedding[i] = (float)(values[i] / length);
  return SB_OK;
}

static void set_age_gender(const float *ages, size_t count, float male, sb_attributes *out) {
  double age = 0;
  for (size_t i = 0; i < count; i++) age += (double)i * ages[i];
  out->age = (float)age;
  out->man = fminf(fmaxf(male, 0), 1);
  out->woman = 1 - out->man;
}

static void set_ethnicity(const float *classes, sb_attributes *out) {
  float sum = 0;
  for (int i = 0; i < SB_ETHNICITIES; i++) sum += fmaxf(classes[i], 0);
  out->ethnicity_dominant = 0;
  for (int i = 0; i < SB_ETHNICITIES; i++) {
    out->ethnicity[i] = sum > 0 ? fmaxf(classes[i], 0) / sum : 1.0f / SB_ETHNICITIES;
    if (out->ethnicity[i] > out->ethnicity[out->ethnicity_dominant]) out->ethnicity_dominant = i;
  }
}

static sb_status estimate(sb_worker *worker, const sb_image *image, const sb_box_found *box, sb_attributes *out,
                          sb_error *error) {
  const sb_age_gender_spec *age_gender = &worker->models->age_gender;
  const sb_ethnicity_spec *ethnicity = &worker->models->ethnicity;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0);
  sb_square square = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2, age_gender->crop * side, 0};
  sb_session *session = NULL;
  const float *ages = NULL, *gender = NULL, *classes = NULL;
  size_t age_count = 0, count = 0;
  sb_status status = sb_worker_look(worker, SB_STAGE_AGE_GENDER, &age_gender->model, image, &square,
                                    SB_IMAGE_BORDER_EDGE, &session, error);
  if (status == SB_OK)
    status = sb_worker_output(session, &age_gender->model, age_gender->age, 1, &ages, &age_count, error);
  if (status == SB_OK)
    status = sb_worker_output(session, &age_gender->model, age_gender->gender, 1, &gender, &count, error);
  if (status == SB_OK) set_age_gender(ages, age_count, gender[0], out);
  square.side = ethnicity->crop * side;
  if (status == SB_OK)
    status = sb_worker_look(worker, SB_STAGE_ETHNICITY, &ethnicity->model, image, &square, SB_IMAGE_BORDER_EDGE,
                            &session, error);
  if (status == SB_OK)
    status = sb_worker_output(session, &ethnicity->model, ethnicity->output, SB_ETHNICITIES, &classes, &count, error);
  if (status == SB_OK) set_ethnicity(classes, out);
  return status;
}

/* Sharpness is judged at the photo's own resolution: a small face that was enlarged to the template is not blurred. */
static sb_status judge(sb_worker *worker, const sb_image *image, const sb_similarity *aligned, const double five[5][2],
                       sb_quality *out, sb_error *error) {
  const sb_embedder_spec *spec = &worker->models->embedder;
  double shrink = fmin(1, 1 / hypot(aligned->a, aligned->b)); /* chip pixels a photo pixel, at most one */
  int n = (int)fmax(CHIP_LEAST, rint(spec->model.width * shrink));
  double map[6], step = (double)spec->model.width / n, full = (double)image->source_width / image->width, points[5][2];
  uint8_t *chip = sb_alloc((size_t)n * (size_t)n, 3, error);
  if (!chip) return SB_NO_MEMORY;
  sb_similarity_inverse_map(aligned, map);
  for (int i = 0; i < 2; i++) {
    map[3 * i + 2] += (map[3 * i] + map[3 * i + 1]) * (step - 1) / 2;
    map[3 * i] *= step;
    map[3 * i + 1] *= step;
  }
  for (int i = 0; i < 5; i++) points[i][0] = five[i][0] * full, points[i][1] = five[i][1] * full;
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_EDGE, chip, n, n, error);
  if (status == SB_OK) sb_quality_measure(&spec->quality, chip, n, (const double(*)[2])points, out);
  free(chip);
  return status;
}

static sb_status align_and_embed(sb_worker *worker, const sb_image *image, const sb_similarity *aligned, sb_face *face,
                                 sb_error *error) {
  const sb_model_spec *model = &worker->models->embedder.model;
  double map[6];
  uint8_t *chip = sb_alloc((size_t)model->width * (size_t)model->height, 3, error);
  if (!chip) return SB_NO_MEMORY;
  sb_similarity_inverse_map(aligned, map);
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_ZERO, chip, model->width, model->height, error);
  if (status == SB_OK) status = embed(worker, chip, face, error);
  free(chip);
  return status;
}

sb_status sb_worker_describe(sb_worker *worker, const sb_image *image, const sb_box_found *box, unsigned want,
                             sb_face *face, sb_error *error) {
  double five[5][2];
  sb_similarity aligned;
  sb_status status = find_points(worker, image, box, five, &aligned, error);
  if (status == SB_OK) status = judge(worker, image, &aligned, (const double(*)[2])five, &face->quality, error);
  if (status == SB_OK && want & SB_WANT_EMBEDDING) status = align_and_embed(worker, image, &aligned, face, error);
  if (status == SB_OK && want & SB_WANT_ATTRIBUTES) {
    status = estimate(worker, image, box, &face->attributes, error);
    face->has_attributes = status == SB_OK;
  }
  if (status != SB_OK) return status;
  face->box = (sb_box){(float)box->x0, (float)box->y0, (float)(box->x1 - box->x0), (float)(box->y1 - box->y0)};
  face->score = (float)box->score;
  for (int i = 0; i < 5; i++) face->landmarks[i] = (sb_point){(float)five[i][0], (float)five[i][1]};
  return SB_OK;
}
