/* A worker: finds the faces of one photo at a time. */
#include "face/worker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_worker_new(sb_pipeline *pipeline, sb_worker **out, sb_error *error) {
  sb_worker *worker = sb_alloc(1, sizeof *worker, error);
  if (!worker) return SB_NO_MEMORY;
  worker->pipeline = pipeline;
  worker->models = sb_pipeline_models(pipeline);
  *out = worker;
  return SB_OK;
}

void sb_worker_free(sb_worker *worker) {
  if (!worker) return;
  for (int stage = 0; stage < SB_SLOTS; stage++) sb_infer_session_free(worker->sessions[stage]);
  free(worker);
}

sb_status sb_worker_session(sb_worker *worker, int stage, sb_infer_session **out, sb_error *error) {
  const sb_infer_model *model = NULL;
  sb_status status = SB_OK;
  if (!worker->sessions[stage]) {
    status = sb_pipeline_model(worker->pipeline, stage, &model, error);
    if (status == SB_OK) status = sb_infer_session_new(model, &worker->sessions[stage], error);
  }
  if (status == SB_OK) *out = worker->sessions[stage];
  return status;
}

/* A first run allocates what later ones find. */
static sb_status warm_stage(sb_worker *worker, int stage, const sb_model_spec *spec, sb_error *error) {
  sb_infer_session *session = NULL;
  size_t room = 0;
  if (!spec->path) return SB_OK;
  sb_status status = sb_worker_session(worker, stage, &session, error);
  if (status != SB_OK) return status;
  float *tensor = sb_infer_session_input(session, &room);
  memset(tensor, 0, room * sizeof *tensor);
  return sb_infer_session_run(session, error);
}

sb_status sb_worker_warm(sb_worker *worker, unsigned want, int width, int height, sb_error *error) {
  const sb_models *m = worker->models;
  sb_status status = warm_stage(worker, SB_SLOT_SMALL, &m->detector.model, error);
  if (status == SB_OK && m->detector.has_large && !(want & SB_WANT_LARGEST_ONLY))
    status =
        warm_stage(worker, SB_SLOT_LARGE + sb_detector_shape(&m->detector, width, height), &m->detector.model, error);
  if (status == SB_OK) status = warm_stage(worker, SB_SLOT_VERIFY, &m->verifier.model, error);
  if (status == SB_OK) status = warm_stage(worker, SB_SLOT_LANDMARKS, &m->landmarks.model, error);
  if (status == SB_OK && want & SB_WANT_EMBEDDING)
    status = warm_stage(worker, SB_SLOT_EMBED, &m->embedder.model, error);
  for (int i = 0; status == SB_OK && i < m->attribute_count; i++)
    if (sb_attribute_model_wants(&m->attributes[i]) & want)
      status = warm_stage(worker, SB_SLOT_ATTRIBUTES + i, &m->attributes[i].model, error);
  return status;
}

/* The input of a stage, of width x height pixels. */
static sb_status tensor_of(sb_worker *worker, int stage, const sb_model_spec *spec, int width, int height,
                           sb_infer_session **session, float **tensor, sb_error *error) {
  size_t room = 0, wanted = (size_t)width * (size_t)height * (spec->channels == SB_CHANNELS_GREY ? 1 : 3);
  sb_status status = sb_worker_session(worker, stage, session, error);
  if (status != SB_OK) return status;
  *tensor = sb_infer_session_input(*session, &room);
  if (room == wanted) return SB_OK;
  return sb_fail(error, SB_MODEL, "the model %s takes %zu numbers, its manifest says %zu", spec->name, room, wanted);
}

static sb_status run(sb_worker *worker, int stage, sb_infer_session *session, sb_error *error) {
  double start = sb_monotonic_ms();
  sb_status status = sb_infer_session_run(session, error);
  sb_pipeline_note(worker->pipeline, stage, sb_monotonic_ms() - start);
  return status;
}

sb_status sb_worker_run(sb_worker *worker, int stage, const sb_model_spec *spec, const uint8_t *rgb, int width,
                        int height, int tensor_width, int tensor_height, sb_infer_session **session, sb_error *error) {
  float *tensor = NULL;
  sb_status status = tensor_of(worker, stage, spec, tensor_width, tensor_height, session, &tensor, error);
  if (status != SB_OK) return status;
  sb_tensor_fill(spec, rgb, width, height, tensor, tensor_width, tensor_height);
  return run(worker, stage, *session, error);
}

sb_status sb_worker_run_picture(sb_worker *worker, int stage, const sb_model_spec *spec, const float *rgb,
                                sb_infer_session **session, sb_error *error) {
  float *tensor = NULL;
  sb_status status = tensor_of(worker, stage, spec, spec->width, spec->height, session, &tensor, error);
  if (status != SB_OK) return status;
  sb_tensor_fill_picture(spec, rgb, tensor);
  return run(worker, stage, *session, error);
}

sb_status sb_worker_run_on_crop(sb_worker *worker, int stage, const sb_model_spec *spec, const sb_image *image,
                                const sb_square *square, int border, sb_infer_session **session, sb_error *error) {
  double map[6];
  uint8_t *crop = sb_alloc((size_t)spec->width * (size_t)spec->height, 3, error);
  if (!crop) return SB_NO_MEMORY;
  sb_square_map(square, spec->width, map);
  sb_status status = sb_image_warp(image, map, border, crop, spec->width, spec->height, error);
  if (status == SB_OK)
    status =
        sb_worker_run(worker, stage, spec, crop, spec->width, spec->height, spec->width, spec->height, session, error);
  free(crop);
  return status;
}

sb_status sb_worker_run_on_aligned(sb_worker *worker, int stage, const sb_model_spec *spec,
                                   const sb_alignment *alignment, const sb_image *image, const sb_detection *box,
                                   const double (*five)[2], sb_infer_session **session, sb_error *error) {
  float *rgb = sb_alloc((size_t)spec->width * (size_t)spec->height, 3 * sizeof *rgb, error);
  if (!rgb) return SB_NO_MEMORY;
  sb_status status = sb_align(image, alignment, box, five, rgb, spec->width, spec->height, error);
  if (status == SB_OK) status = sb_worker_run_picture(worker, stage, spec, rgb, session, error);
  free(rgb);
  return status;
}

sb_status sb_worker_output(const sb_infer_session *session, const sb_model_spec *spec, const char *name, size_t least,
                           const float **values, size_t *count, sb_error *error) {
  *values = sb_infer_session_output(session, name, count);
  if (*values && *count >= least) return SB_OK;
  return sb_fail(error, SB_MODEL, "the model %s has no output '%s' of at least %zu numbers", spec->name, name, least);
}

/* ---- Turned photos */

/* How sure detector and verifier are, both, of the best face: an upside-down face passes with one of them. */
static double best_of(const sb_detections *found) {
  double best = 0;
  for (size_t i = 0; i < found->count; i++) best = fmax(best, fmin(found->boxes[i].probability, found->boxes[i].score));
  return best;
}

/* Without a face that convinces, the photo may lie on its side: the turn with the best face counts. `*upright` is the image
 * to go on with, `*turns` how it was turned; its candidates are in worker->found. */
static sb_status find_upright(sb_worker *worker, const sb_image *image, bool large, sb_image *turned, int *turns,
                              sb_error *error) {
  sb_status status = sb_worker_candidates(worker, image, large, error);
  const sb_models *models = worker->models;
  double convinced = models->verifier.model.path ? models->verifier.rotate_below : models->detector.score_threshold;
  *turns = 0;
  if (status != SB_OK || best_of(&worker->found) >= convinced) return status;
  sb_detections *best = sb_alloc(1, sizeof *best, error);
  if (!best) return SB_NO_MEMORY;
  *best = worker->found;
  for (int turn = 1; status == SB_OK && turn < 4; turn++) {
    sb_image rotated = {0};
    status = sb_image_rotate(image, turn, &rotated, error);
    if (status == SB_OK) status = sb_worker_candidates(worker, &rotated, large, error);
    if (status == SB_OK && best_of(&worker->found) > best_of(best)) {
      *best = worker->found;
      sb_image_free(turned);
      *turned = rotated;
      *turns = turn;
    } else {
      sb_image_free(&rotated);
    }
  }
  worker->found = *best;
  free(best);
  return status;
}

/* A point of the image that was turned clockwise, `turns` times, in the image before; `w`, `h`: of that image before. */
static sb_point turn_back(sb_point p, int turns, float w, float h) {
  switch (turns) {
  case 1: return (sb_point){p.y, h - p.x};
  case 2: return (sb_point){w - p.x, h - p.y};
  case 3: return (sb_point){w - p.y, p.x};
  default: return p;
  }
}

/* To the full-size photo as it was given, the box cut to it. */
static void to_photo(sb_face *face, const sb_image *image, int turns) {
  float w = (float)image->width, h = (float)image->height;
  float sx = (float)image->source_width / w, sy = (float)image->source_height / h;
  sb_point a = turn_back((sb_point){face->box.x, face->box.y}, turns, w, h);
  sb_point b = turn_back((sb_point){face->box.x + face->box.w, face->box.y + face->box.h}, turns, w, h);
  float x0 = fmaxf(fminf(a.x, b.x), 0), y0 = fmaxf(fminf(a.y, b.y), 0), x1 = fminf(fmaxf(a.x, b.x), w),
        y1 = fminf(fmaxf(a.y, b.y), h);
  face->box = (sb_box){x0 * sx, y0 * sy, fmaxf(x1 - x0, 0) * sx, fmaxf(y1 - y0, 0) * sy};
  for (int i = 0; i < 5; i++) {
    sb_point p = turn_back(face->landmarks[i], turns, w, h);
    face->landmarks[i] = (sb_point){p.x * sx, p.y * sy};
  }
}

/* ---- The photo as a whole */

static int by_size(const void *a, const void *b) {
  const sb_detection *x = a, *y = b;
  double one = (x->x1 - x->x0) * (x->y1 - x->y0), other = (y->x1 - y->x0) * (y->y1 - y->y0);
  return (one < other) - (one > other);
}

static sb_status describe_all(sb_worker *worker, const sb_image *image, const sb_image *upright, int turns,
                              const sb_worker_request *wanted, sb_faces *faces, sb_error *error) {
  sb_detections *found = &worker->found;
  qsort(found->boxes, found->count, sizeof *found->boxes, by_size);
  if (wanted->want & SB_WANT_LARGEST_ONLY && found->count > 1) found->count = 1;
  faces->items = sb_alloc(found->count, sizeof *faces->items, error);
  if (!faces->items) return SB_NO_MEMORY;
  for (size_t i = 0; i < found->count; i++) {
    sb_status status = sb_worker_describe(worker, upright, &found->boxes[i], wanted, &faces->items[i], error);
    faces->count = i + 1; /* what an unfinished face owns is freed with the rest */
    if (status != SB_OK) return status;
    to_photo(&faces->items[i], image, turns);
  }
  return SB_OK;
}

static sb_status find_all(sb_worker *worker, const sb_image *image, const sb_worker_request *wanted, sb_faces *faces,
                          sb_error *error) {
  sb_image turned = {0};
  int turns = 0;
  bool portrait = wanted->want & SB_WANT_LARGEST_ONLY;
  worker->tiles = !portrait && wanted->want & SB_WANT_SMALL_FACES;
  sb_status status = SB_OK;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_DETECT);
  if (wanted->want & SB_WANT_WHOLE_PHOTO) {
    worker->found.count = 1;
    worker->found.boxes[0] = (sb_detection){.x1 = image->width, .y1 = image->height, .score = 1, .probability = 1};
  } else {
    status = find_upright(worker, image, !portrait, &turned, &turns, error);
    if (status == SB_OK && portrait && !worker->found.count) { /* no large face: look for small ones */
      sb_image_free(&turned);
      status = find_upright(worker, image, true, &turned, &turns, error);
    }
  }
  sb_stage_timer_enter(SB_TIMED_ALIGN);
  if (status == SB_OK) status = describe_all(worker, image, turns ? &turned : image, turns, wanted, faces, error);
  sb_stage_timer_enter(before);
  sb_image_free(&turned);
  return status;
}

sb_status sb_worker_find(sb_worker *worker, const sb_image *image, const sb_find_options *options, sb_faces **out,
                         sb_error *error) {
  sb_worker_request wanted = {.want = options->want};
  sb_faces *faces = sb_alloc(1, sizeof *faces, error);
  if (!faces) return SB_NO_MEMORY;
  faces->width = image->source_width;
  faces->height = image->source_height;
  sb_status status = SB_OK;
  if (wanted.want & SB_WANT_EMBEDDING) {
    status = sb_pipeline_embedder(worker->pipeline, options->model, &wanted.embedder, &wanted.spec, error);
    if (status == SB_OK) {
      faces->dim = wanted.spec->info.dim;
      snprintf(faces->model, sizeof faces->model, "%s", wanted.spec->info.name);
    }
  }
  if (status == SB_OK) status = find_all(worker, image, &wanted, faces, error);
  if (status == SB_OK)
    *out = faces;
  else
    sb_faces_free(faces);
  return status;
}

void sb_faces_free(sb_faces *faces) {
  if (!faces) return;
  for (size_t i = 0; i < faces->count; i++) free(faces->items[i].embedding);
  free(faces->items);
  free(faces);
}
