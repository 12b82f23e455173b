/* Finding candidates: runs the detector in up to three kinds of passes, merges their boxes, and verifies each box.
 *
 *   small pass  the whole photo, scaled into the model's own input size
 *   large pass  the whole photo at a larger size, for small faces that the small pass misses (optional, by manifest)
 *   tiles       overlapping pieces of the photo at its own resolution and at a quarter of it and so on, for the
 *               smallest faces (SB_WANT_SMALL_FACES) */
#include "face/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_OVERLAP = 128 }; /* pixels; larger faces are found at a smaller scale */

/* The photo scaled into a pass's input, kept for the next pass. */
typedef struct scaled {
  sb_image image;
  double scale; /* pixels of `image` per pixel of the photo */
} scaled;

/* OpenCV's bilinear, rounded to bytes. */
static sb_status resize_linear(const sb_image *source, sb_image *target, sb_error *error) {
  size_t count = (size_t)target->width * (size_t)target->height * 3;
  float *values = sb_alloc(count, sizeof *values, error);
  if (!values) return SB_NO_MEMORY;
  sb_status status =
      sb_image_resize_linear(source, values, target->width, target->height, (size_t)target->width * 3, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) target->pixels[i] = (uint8_t)lrintf(values[i]);
  free(values);
  return status;
}

/* Sides as the reference programs compute them: truncated where the model is resized for as they do. */
static int scaled_side(const sb_model_spec *spec, int side, double scale, int most) {
  double length = spec->linear ? floor(side * scale + 1e-6) : rint(side * scale);
  return (int)fmin(fmax(length, 1), most);
}

static sb_status scale_to(const sb_model_spec *spec, const sb_image *source, double scale, const int most[2],
                          sb_image *out, sb_error *error) {
  int width = scaled_side(spec, source->width, scale, most[0]);
  int height = scaled_side(spec, source->height, scale, most[1]);
  sb_image image = {width, height, width, height, sb_alloc((size_t)width * (size_t)height, 3, error), 0};
  if (!image.pixels) return SB_NO_MEMORY;
  sb_status status = spec->linear ? resize_linear(source, &image, error)
                                  : sb_image_resize(source, image.pixels, width, height, (size_t)width * 3, error);
  if (status == SB_OK)
    *out = image;
  else
    sb_image_free(&image);
  return status;
}

/* ---- Passes of the detector */

/* The outputs of one level, each with as many numbers as its priors need. */
static sb_status collect_level(const sb_infer_session *session, const sb_detector_spec *spec, int level, size_t priors,
                               sb_detector_outputs *out, sb_error *error) {
  bool ssd = spec->family == SB_FAMILY_SSD;
  const struct {
    const char *name;
    size_t numbers; /* of a prior; 0: there is no such output */
    const float **values;
  } wanted[] = {{spec->scores[level], ssd ? (size_t)spec->score_columns : 1, &out->scores[level]},
                {spec->locations[level], 4, &out->locations[level]},
                {spec->objectness[level], spec->family == SB_FAMILY_YUNET, &out->objectness[level]},
                {spec->points[level], spec->has_points ? 10 : 0, &out->points[level]}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    if (!wanted[i].numbers) continue;
    sb_status status = sb_worker_output(session, &spec->model, wanted[i].name, priors * wanted[i].numbers,
                                        wanted[i].values, NULL, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status collect(const sb_infer_session *session, const sb_detector_spec *spec, const sb_detector_pass *pass,
                         sb_detector_outputs *out, sb_error *error) {
  bool ssd = spec->family == SB_FAMILY_SSD; /* one output for all levels */
  for (int level = 0; level < (ssd ? 1 : spec->levels); level++) {
    size_t priors = sb_detector_priors(spec, ssd ? -1 : level, pass->width, pass->height);
    sb_status status = collect_level(session, spec, level, priors, out, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* Runs the detector on `shown` and appends its boxes to worker->found. */
static sb_status run_pass(sb_worker *worker, int slot, const sb_image *shown, const sb_detector_pass *pass,
                          sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  const sb_worker_model model = {slot, &spec->model};
  sb_infer_session *session = NULL;
  sb_detector_outputs outputs = {0};
  sb_status status = sb_worker_run(worker, model, shown, pass->width, pass->height, &session, error);
  if (status != SB_OK) return status;
  if ((status = collect(session, spec, pass, &outputs, error)) != SB_OK) return status;
  sb_detector_decode(spec, &outputs, pass, &worker->found);
  return SB_OK;
}

/* The whole photo, enlarged where it is small. Starts from the large pass's scaled photo where that is large enough. */
static sb_status small_pass(sb_worker *worker, const sb_image *photo, const scaled *large, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  sb_detector_pass pass = {.width = spec->model.width, .height = spec->model.height, .bonus = spec->small_bonus};
  pass.scale = fmin((double)pass.width / photo->width, (double)pass.height / photo->height);
  bool from_large = large->image.pixels && large->scale >= pass.scale && !spec->model.linear;
  const sb_image *source = from_large ? &large->image : photo;
  double from_source = fmin((double)pass.width / source->width, (double)pass.height / source->height);
  sb_image shown = {0};
  sb_status status =
      scale_to(&spec->model, source, from_source, (const int[2]){pass.width, pass.height}, &shown, error);
  if (status == SB_OK) status = run_pass(worker, SB_SLOT_SMALL, &shown, &pass, error);
  sb_image_free(&shown);
  return status;
}

/* Runs the detector with the smallest of its larger input shapes that holds `shown`. */
static sb_status shaped_pass(sb_worker *worker, const sb_image *shown, int shape, double scale, double largest,
                             sb_error *error) {
  const int *size = worker->models->detector.shapes[shape];
  const sb_detector_pass pass = {.width = size[0], .height = size[1], .scale = scale, .largest = largest};
  return run_pass(worker, SB_SLOT_LARGE + shape, shown, &pass, error);
}

static sb_status large_pass(sb_worker *worker, const scaled *large, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  int shape = sb_detector_shape(spec, large->image.width, large->image.height);
  return shaped_pass(worker, &large->image, shape, large->scale, spec->large_box, error);
}

/* One tile of the scaled photo. Its boxes rank behind those of the other passes. */
static sb_status tile_pass(sb_worker *worker, const scaled *source, int left, int top, sb_image *tile,
                           sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  const sb_image *photo = &source->image;
  int side = spec->large_side;
  size_t before = worker->found.count;
  tile->width = photo->width - left < side ? photo->width - left : side;
  tile->height = photo->height - top < side ? photo->height - top : side;
  for (int y = 0; y < tile->height; y++)
    memcpy(tile->pixels + (size_t)y * (size_t)tile->width * 3,
           photo->pixels + ((size_t)(top + y) * (size_t)photo->width + (size_t)left) * 3, (size_t)tile->width * 3);
  sb_status status = shaped_pass(worker, tile, sb_detector_shape(spec, side, side), source->scale, TILE_OVERLAP, error);
  double x = left / source->scale, y = top / source->scale;
  for (size_t i = before; i < worker->found.count; i++) {
    sb_detection *box = &worker->found.boxes[i];
    box->x0 += x, box->x1 += x, box->y0 += y, box->y1 += y;
    for (int k = 0; k < 5; k++) box->points[k][0] += x, box->points[k][1] += y;
    box->rank -= 1;
  }
  sb_detector_merge(spec, &worker->found);
  return status;
}

/* Overlapping tiles of the large pass's size: a face of up to TILE_OVERLAP pixels lies completely in one of them. */
static sb_status tiles_of(sb_worker *worker, const scaled *source, sb_image *tile, sb_error *error) {
  const sb_image *photo = &source->image;
  int step = worker->models->detector.large_side - TILE_OVERLAP;
  for (int top = 0; top == 0 || top + TILE_OVERLAP < photo->height; top += step) {
    for (int left = 0; left == 0 || left + TILE_OVERLAP < photo->width; left += step) {
      sb_status status = tile_pass(worker, source, left, top, tile, error);
      if (status != SB_OK) return status;
    }
  }
  return SB_OK;
}

/* Tiles of the photo at its own resolution, and of the photo at a quarter of it and so on, for the faces that are too
 * large for a tile and too small for the large pass. */
static sb_status tile_passes(sb_worker *worker, const sb_image *photo, sb_error *error) {
  int side = worker->models->detector.large_side;
  sb_image tile = {.pixels = sb_alloc((size_t)side * (size_t)side, 3, error)};
  if (!tile.pixels) return SB_NO_MEMORY;
  scaled level = {*photo, 1}; /* borrowed; the smaller ones are owned */
  sb_status status = tiles_of(worker, &level, &tile, error);
  while (status == SB_OK && fmax(level.image.width, level.image.height) / 4 > side) {
    scaled next = {.scale = level.scale / 4};
    status = scale_to(&worker->models->detector.model, photo, next.scale, (const int[2]){photo->width, photo->height},
                      &next.image, error);
    if (level.scale < 1) sb_image_free(&level.image);
    level = next;
    if (status == SB_OK) status = tiles_of(worker, &level, &tile, error);
  }
  if (level.scale < 1) sb_image_free(&level.image);
  sb_image_free(&tile);
  return status;
}

/* All passes that the photo's size and the request ask for. */
static sb_status run_passes(sb_worker *worker, const sb_image *image, bool large, sb_error *error) {
  const sb_detector_spec *spec = &worker->models->detector;
  int longer = image->width > image->height ? image->width : image->height;
  scaled whole = {.scale = fmin(1, (double)spec->large_side / longer)};
  large = large && spec->has_large && longer > spec->large_from;
  bool scaled_down = large && whole.scale < 1;
  sb_status status = SB_OK;
  if (scaled_down)
    status = scale_to(&spec->model, image, whole.scale, (const int[2]){spec->large_side, spec->large_side},
                      &whole.image, error);
  if (status != SB_OK) return status;
  if (large && !scaled_down) whole.image = *image; /* borrowed */
  status = small_pass(worker, image, &whole, error);
  if (status == SB_OK && large) status = large_pass(worker, &whole, error);
  if (status == SB_OK && large && worker->tiles && longer > spec->large_side)
    status = tile_passes(worker, image, error);
  if (scaled_down) sb_image_free(&whole.image);
  return status;
}

/* ---- The verifier */

sb_status sb_worker_verify(sb_worker *worker, const sb_image *image, const sb_square *square, sb_detection *box,
                           sb_error *error) {
  const sb_verifier_spec *spec = &worker->models->verifier;
  const sb_worker_model model = {SB_SLOT_VERIFY, &spec->model};
  sb_infer_session *session = NULL;
  const float *values = NULL;
  sb_status status = sb_worker_run_on_crop(worker, model, image, square, &session, error);
  if (status != SB_OK) return status;
  status = sb_worker_output(session, &spec->model, spec->output, (size_t)spec->index + 1, &values, NULL, error);
  if (status != SB_OK) return status;
  box->probability = values[spec->index];
  if (!*spec->points) return SB_OK;
  status = sb_worker_output(session, &spec->model, spec->points, 10, &values, NULL, error);
  if (status != SB_OK) return status;
  for (int i = 0; i < 5; i++) sb_square_point(square, values[i], values[5 + i], box->checked[i]);
  box->has_checked = true;
  return SB_OK;
}

/* Sets the box's probability, and whether it is accepted. */
static sb_status verify(sb_worker *worker, const sb_image *image, sb_detection *box, bool *accepted, sb_error *error) {
  const sb_verifier_spec *spec = &worker->models->verifier;
  box->probability = box->score;
  *accepted = true;
  if (!spec->model.path) return SB_OK;
  double side = fmax(box->x1 - box->x0, box->y1 - box->y0);
  sb_square square = {(box->x0 + box->x1) / 2, (box->y0 + box->y1) / 2, spec->crop * side, 0};
  sb_status status = sb_worker_verify(worker, image, &square, box, error);
  *accepted = box->probability >= spec->accept || box->score >= spec->detector_accept;
  return status;
}

sb_status sb_worker_candidates(sb_worker *worker, const sb_image *image, bool large, sb_error *error) {
  sb_detections *found = &worker->found;
  found->count = 0;
  sb_status status = run_passes(worker, image, large, error);
  if (status != SB_OK) return status;
  sb_detector_merge(&worker->models->detector, found);
  size_t kept = 0;
  for (size_t i = 0; status == SB_OK && i < found->count; i++) {
    sb_detection box = found->boxes[i];
    bool accepted = false;
    status = verify(worker, image, &box, &accepted, error);
    if (status == SB_OK && accepted) found->boxes[kept++] = box;
  }
  found->count = kept;
  return status;
}
