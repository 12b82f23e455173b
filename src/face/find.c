/* Where the faces are: two passes of the detector, merged, each box looked at by the verifier. */
#include "face/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_OVERLAP = 128 }; /* pixels; larger faces are found in the photo as a whole */

/* The photo scaled into a pass's input, kept for the next pass. */
typedef struct scaled {
  sb_image image; /* tight */
  double scale;   /* of the photo in it */
} scaled;

static sb_status scale_to(const sb_image *source, double scale, int most_width, int most_height, sb_image *out,
                          sb_error *error) {
  int width = (int)fmin(fmax(rint(source->width * scale), 1), most_width);
  int height = (int)fmin(fmax(rint(source->height * scale), 1), most_height);
  sb_image image = {width, height, width, height, sb_alloc((size_t)width * (size_t)height, 3, error)};
  if (!image.pixels) return SB_NO_MEMORY;
  sb_status status = sb_image_resize(source, image.pixels, width, height, (size_t)width * 3, error);
  if (status == SB_OK)
    *out = image;
  else
    sb_image_free(&image);
  return status;
}

sb_status sb_detector_collect(const sb_infer_session *session, const sb_detector_spec *spec, int width, int height,
                              sb_detector_outputs *out, sb_error *error) {
  bool ssd = spec->family == SB_FAMILY_SSD;
  sb_status status = SB_OK;
  size_t count = 0;
  for (int l = 0; status == SB_OK && l < (ssd ? 1 : spec->levels); l++) {
    size_t priors = sb_detector_priors(spec, ssd ? -1 : l, width, height);
    status = sb_worker_output(session, &spec->model, spec->scores[l], priors * (ssd ? (size_t)spec->score_columns : 1),
                              &out->scores[l], &count, error);
    if (status == SB_OK)
      status =
          sb_worker_output(session, &spec->model, spec->locations[l], priors * 4, &out->locations[l], &count, error);
    if (status == SB_OK && spec->family == SB_FAMILY_YUNET)
      status = sb_worker_output(session, &spec->model, spec->objectness[l], priors, &out->objectness[l], &count, error);
    if (status == SB_OK && spec->has_points)
      status = sb_worker_output(session, &spec->model, spec->points[l], priors * 10, &out->points[l], &count, error);
  }
  return status;
}

static sb_status run_pass(sb_worker *worker, int stage, const sb_image *shown, int width, int height, double scale,
                          double largest, double bonus, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  sb_infer_session *session = NULL;
  sb_detector_outputs outputs = {0};
  sb_status status = sb_worker_run(worker, stage, &spec->model, shown->pixels, shown->width, shown->height, width,
                                   height, &session, error);
  if (status == SB_OK) status = sb_detector_collect(session, spec, width, height, &outputs, error);
  if (status == SB_OK) sb_detector_decode(spec, &outputs, width, height, scale, largest, bonus, &worker->found);
  return status;
}

/* The small pass sees the whole photo, enlarged where it is small; it can start from the large pass's scaled photo. */
static sb_status small_pass(sb_worker *worker, const sb_image *photo, const scaled *large, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  int width = spec->model.width, height = spec->model.height;
  double scale = fmin((double)width / photo->width, (double)height / photo->height);
  bool reuse = large->image.pixels && large->scale >= scale;
  const sb_image *source = reuse ? &large->image : photo;
  double from_source = fmin((double)width / source->width, (double)height / source->height);
  sb_image shown = {0};
  sb_status status = scale_to(source, from_source, width, height, &shown, error);
  if (status == SB_OK)
    status = run_pass(worker, SB_SLOT_SMALL, &shown, width, height, scale, 0, spec->small_bonus, error);
  sb_image_free(&shown);
  return status;
}

static sb_status large_pass(sb_worker *worker, const scaled *large, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  int shape = sb_detector_shape(spec, large->image.width, large->image.height);
  return run_pass(worker, SB_SLOT_LARGE + shape, &large->image, spec->shapes[shape][0], spec->shapes[shape][1],
                  large->scale, spec->large_box, 0, error);
}

/* One tile, at the photo's own resolution. What it finds ranks behind what the other passes found. */
static sb_status look_at_tile(sb_worker *worker, const sb_image *photo, int left, int top, sb_image *tile,
                              sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  int side = spec->large_side, shape = sb_detector_shape(spec, side, side);
  size_t before = worker->found.count;
  tile->width = photo->width - left < side ? photo->width - left : side;
  tile->height = photo->height - top < side ? photo->height - top : side;
  for (int y = 0; y < tile->height; y++)
    memcpy(tile->pixels + (size_t)y * (size_t)tile->width * 3,
           photo->pixels + ((size_t)(top + y) * (size_t)photo->width + (size_t)left) * 3, (size_t)tile->width * 3);
  sb_status status = run_pass(worker, SB_SLOT_LARGE + shape, tile, spec->shapes[shape][0], spec->shapes[shape][1], 1,
                              TILE_OVERLAP, 0, error);
  for (size_t i = before; i < worker->found.count; i++) {
    sb_detection *box = &worker->found.boxes[i];
    box->x0 += left, box->x1 += left, box->y0 += top, box->y1 += top;
    for (int k = 0; k < 5; k++) box->points[k][0] += left, box->points[k][1] += top;
    box->rank -= 1;
  }
  sb_detector_merge(spec, &worker->found);
  return status;
}

/* Overlapping tiles of the large pass's size; a face up to the overlap lies whole in one of them. */
static sb_status tile_passes(sb_worker *worker, const sb_image *photo, sb_error *error) {
  int side = worker->models->detector.large_side, step = side - TILE_OVERLAP;
  sb_image tile = {.pixels = sb_alloc((size_t)side * (size_t)side, 3, error)};
  if (!tile.pixels) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  for (int top = 0; status == SB_OK && (top == 0 || top + TILE_OVERLAP < photo->height); top += step)
    for (int left = 0; status == SB_OK && (left == 0 || left + TILE_OVERLAP < photo->width); left += step)
      status = look_at_tile(worker, photo, left, top, &tile, error);
  sb_image_free(&tile);
  return status;
}

sb_status sb_worker_verify(sb_worker *worker, const sb_image *image, const sb_square *square, sb_detection *box,
                           sb_error *error) {
  const sb_verifier_spec *spec = &worker->models->verifier;
  sb_infer_session *session = NULL;
  const float *values = NULL;
  size_t count = 0;
  sb_status status =
      sb_worker_run_on_crop(worker, SB_SLOT_VERIFY, &spec->model, image, square, SB_IMAGE_BORDER_ZERO, &session, error);
  if (status == SB_OK)
    status = sb_worker_output(session, &spec->model, spec->output, (size_t)spec->index + 1, &values, &count, error);
  if (status == SB_OK) box->probability = values[spec->index];
  if (status != SB_OK || !*spec->points) return status;
  status = sb_worker_output(session, &spec->model, spec->points, 10, &values, &count, error);
  for (int i = 0; status == SB_OK && i < 5; i++) sb_square_point(square, values[i], values[5 + i], box->checked[i]);
  box->has_checked = status == SB_OK;
  return status;
}

static sb_status verify(sb_worker *worker, const sb_image *image, sb_detection *box, sb_error *error) {
  const sb_verifier_spec *spec = &worker->models->verifier;
  box->probability = box->score;
  if (!spec->model.path) return SB_OK;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0);
  sb_square square = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2, spec->crop * side, 0};
  return sb_worker_verify(worker, image, &square, box, error);
}

sb_status sb_worker_candidates(sb_worker *worker, const sb_image *image, bool large, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  const sb_verifier_spec *verifier = &worker->models->verifier;
  int longer = image->width > image->height ? image->width : image->height;
  scaled enlarged = {.scale = fmin(1, (double)spec->large_side / longer)};
  sb_status status = SB_OK;
  worker->found.count = 0;
  large = large && spec->has_large && longer > spec->large_from;
  bool scaled_down = large && enlarged.scale < 1;
  if (scaled_down) status = scale_to(image, enlarged.scale, spec->large_side, spec->large_side, &enlarged.image, error);
  if (large && !scaled_down) enlarged.image = *image; /* borrowed */
  if (status == SB_OK) status = small_pass(worker, image, &enlarged, error);
  if (status == SB_OK && large) status = large_pass(worker, &enlarged, error);
  if (status == SB_OK && large && worker->tiles && longer > spec->large_side)
    status = tile_passes(worker, image, error);
  if (scaled_down) sb_image_free(&enlarged.image);
  if (status != SB_OK) return status;
  sb_detector_merge(spec, &worker->found);
  size_t kept = 0;
  for (size_t i = 0; status == SB_OK && i < worker->found.count; i++) {
    sb_detection box = worker->found.boxes[i];
    status = verify(worker, image, &box, error);
    bool accepted =
        !verifier->model.path || box.probability >= verifier->accept || box.score >= verifier->detector_accept;
    if (status == SB_OK && accepted) worker->found.boxes[kept++] = box;
  }
  worker->found.count = kept;
  return status;
}
