/* sb_worker_find: from a photo to its described faces. Turns a photo that lies on its side, finds the candidates,
 * describes each, and converts all coordinates to the full-size photo as it was given.
 *
 * Three systems of coordinates:
 *
 *   turned  the image that was searched: rotated by 0 to 3 quarter turns. Candidates and worker->found are in it.
 *   image   as decoded; a large JPEG at 1/2, 1/4 or 1/8 of its size
 *   source  the full-size photo, which users see. sb_faces has it only.
 *
 * Quarter turns are tried only if no face is convincing, by the lower of two confidences (detector and verifier), as
 * an upside-down face may convince one of the two. The best turn wins; a tie keeps the photo as it is. A portrait
 * (SB_WANT_LARGEST_ONLY) is first searched without the passes for small faces, and with them only if nothing was
 * found. */
#include "face/worker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Turned photos */

/* The confidence in the best face: the lower one of verifier and detector, since an upside-down face convinces only
 * one. */
static double best_of(const sb_detections *found) {
  double best = 0;
  for (size_t i = 0; i < found->count; i++) best = fmax(best, fmin(found->boxes[i].probability, found->boxes[i].score));
  return best;
}

/* A photo and how it was turned before faces were searched in it. */
typedef struct upright {
  sb_image turned; /* owned; empty where the photo was not turned */
  int turns;       /* quarter turns clockwise */
} upright;

/* Tries the three other quarter turns and keeps the one with the best face in `out` and worker->found. */
static sb_status try_turns(sb_worker *worker, const sb_image *image, bool large, upright *out, sb_error *error) {
  sb_detections *best = sb_alloc(1, sizeof *best, error);
  if (!best) return SB_NO_MEMORY;
  *best = worker->found;
  sb_status status = SB_OK;
  for (int turn = 1; status == SB_OK && turn < 4; turn++) {
    sb_image rotated = {0};
    status = sb_image_rotate(image, turn, &rotated, error);
    if (status == SB_OK) status = sb_worker_candidates(worker, &rotated, large, error);
    if (status == SB_OK && best_of(&worker->found) > best_of(best)) {
      *best = worker->found;
      sb_image_free(&out->turned);
      *out = (upright){rotated, turn};
    } else {
      sb_image_free(&rotated);
    }
  }
  worker->found = *best;
  free(best);
  return status;
}

/* Finds the candidates. Without a convincing face the photo may be lying on its side, so it is turned, too. */
static sb_status find_upright(sb_worker *worker, const sb_image *image, bool large, upright *out, sb_error *error) {
  const sb_models *models = worker->models;
  double convincing = models->verifier.model.path ? models->verifier.rotate_below : models->detector.score_threshold;
  sb_image_free(&out->turned);
  out->turns = 0;
  sb_status status = sb_worker_candidates(worker, image, large, error);
  if (status != SB_OK || best_of(&worker->found) >= convincing) return status;
  return try_turns(worker, image, large, out, error);
}

/* Converts a point of an image that was turned `turns` times clockwise back to the image before, of size w x h. */
static sb_point turn_back(sb_point p, int turns, float w, float h) {
  switch (turns) {
  case 1: return (sb_point){p.y, h - p.x};
  case 2: return (sb_point){w - p.x, h - p.y};
  case 3: return (sb_point){w - p.y, p.x};
  default: return p;
  }
}

/* Converts a face to coordinates of the full-size photo as it was given, and clips its box to the photo. */
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

/* ---- The whole photo */

static int by_size(const void *a, const void *b) {
  const sb_detection *x = a, *y = b;
  double one = (x->x1 - x->x0) * (x->y1 - x->y0), other = (y->x1 - y->x0) * (y->y1 - y->y0);
  return (one < other) - (one > other);
}

/* Room for the pictures and ages of sb_worker_age; none without an age model. */
static sb_status make_age_room(const sb_worker *worker, sb_find_result *found, size_t faces, sb_error *error) {
  size_t each = sb_worker_picture_bytes(worker);
  if (!each || !faces) return SB_OK;
  found->pictures = sb_alloc(faces, each, error);
  found->ages = sb_alloc(faces, sizeof *found->ages, error);
  if (!found->pictures || !found->ages) return SB_NO_MEMORY;
  for (size_t i = 0; i < faces; i++) found->ages[i] = -1;
  return SB_OK;
}

static sb_status make_room(const sb_worker *worker, const sb_worker_request *request, sb_find_result *result,
                           sb_error *error) {
  result->faces.items = sb_alloc(worker->found.count, sizeof *result->faces.items, error);
  if (!result->faces.items) return SB_NO_MEMORY;
  return request->want & SB_WANT_AGE_LATER ? make_age_room(worker, result, worker->found.count, error) : SB_OK;
}

static sb_status describe_all(sb_worker *worker, const sb_image *image, const upright *up,
                              const sb_worker_request *request, sb_find_result *result, sb_error *error) {
  sb_detections *found = &worker->found;
  sb_faces *faces = &result->faces;
  qsort(found->boxes, found->count, sizeof *found->boxes, by_size);
  if (request->want & SB_WANT_LARGEST_ONLY && found->count > 1) found->count = 1;
  sb_status status = make_room(worker, request, result, error);
  if (status != SB_OK) return status;
  const sb_image *shown = up->turns ? &up->turned : image;
  for (size_t i = 0; i < found->count; i++) {
    sb_worker_request one = *request;
    if (result->pictures) one.picture = result->pictures + i * sb_worker_picture_bytes(worker);
    status = sb_worker_describe(worker, shown, &found->boxes[i], &one, &faces->items[i], error);
    faces->count = i + 1; /* before the check: sb_faces_free then releases what an unfinished face owns */
    if (status != SB_OK) return status;
    to_photo(&faces->items[i], image, up->turns);
  }
  return SB_OK;
}

static sb_status find_candidates(sb_worker *worker, const sb_image *image, unsigned want, upright *up,
                                 sb_error *error) {
  bool portrait = want & SB_WANT_LARGEST_ONLY;
  worker->tiles = !portrait && want & SB_WANT_SMALL_FACES;
  if (want & SB_WANT_WHOLE_PHOTO) {
    worker->found.count = 1;
    worker->found.boxes[0] = (sb_detection){.x1 = image->width, .y1 = image->height, .score = 1, .probability = 1};
    return SB_OK;
  }
  sb_status status = find_upright(worker, image, !portrait, up, error);
  if (status != SB_OK || !portrait || worker->found.count) return status;
  return find_upright(worker, image, true, up, error); /* no large face: search for small ones */
}

static sb_status find_all(sb_worker *worker, const sb_image *image, const sb_worker_request *request,
                          sb_find_result *result, sb_error *error) {
  upright up = {0};
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_DETECT);
  sb_status status = find_candidates(worker, image, request->want, &up, error);
  sb_stage_timer_enter(SB_TIMED_ALIGN);
  if (status == SB_OK) status = describe_all(worker, image, &up, request, result, error);
  sb_stage_timer_enter(before);
  sb_image_free(&up.turned);
  return status;
}

static sb_status choose_embedder(sb_worker *worker, const char *name, sb_worker_request *request, sb_faces *faces,
                                 sb_error *error) {
  sb_status status = sb_pipeline_embedder(worker->pipeline, name, &request->embedder, &request->spec, error);
  if (status != SB_OK) return status;
  faces->dim = request->spec->info.dim;
  snprintf(faces->model, sizeof faces->model, "%s", request->spec->info.name);
  return SB_OK;
}

sb_status sb_worker_find(sb_worker *worker, const sb_image *image, const sb_find_options *options, sb_faces **out,
                         sb_error *error) {
  sb_worker_request request = {.want = options->want};
  sb_find_result *result = sb_alloc(1, sizeof *result, error);
  if (!result) return SB_NO_MEMORY;
  sb_faces *faces = &result->faces;
  faces->width = image->source_width;
  faces->height = image->source_height;
  sb_status status = SB_OK;
  if (request.want & SB_WANT_EMBEDDING) status = choose_embedder(worker, options->model, &request, faces, error);
  if (status == SB_OK) status = find_all(worker, image, &request, result, error);
  if (status == SB_OK)
    *out = faces;
  else
    sb_faces_free(faces);
  return status;
}

void sb_faces_free(sb_faces *faces) {
  if (!faces) return;
  sb_find_result *result = (sb_find_result *)faces; /* every sb_faces is the first member of one */
  for (size_t i = 0; i < faces->count; i++) free(faces->items[i].embedding);
  free(faces->items);
  free(result->pictures);
  free(result->ages);
  free(result);
}
