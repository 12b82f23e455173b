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
#include <string.h>

static const float SAME_FACE = 0.35f; /* distance of the landmarks, in distances of the eyes */

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

/* The same where tiles are searched, too. Only the photo as a whole says that it is turned: among the many tiles there
 * is often a small face that looks more convincing upside down. */
static sb_status try_turns_then_tiles(sb_worker *worker, const sb_image *image, bool large, upright *out,
                                      sb_error *error) {
  bool tiles = worker->tiles;
  worker->tiles = false;
  sb_status status = try_turns(worker, image, large, out, error);
  worker->tiles = tiles;
  if (status != SB_OK || !tiles || !out->turns) return status;
  return sb_worker_candidates(worker, &out->turned, large, error);
}

/* Finds the candidates. Without a convincing face the photo may be lying on its side, so it is turned, too. */
static sb_status find_upright(sb_worker *worker, const sb_image *image, bool large, upright *out, sb_error *error) {
  const sb_models *models = worker->models;
  double convincing = models->verifier.model.path ? models->verifier.rotate_below : models->detector.score_threshold;
  sb_image_free(&out->turned);
  out->turns = 0;
  sb_status status = sb_worker_candidates(worker, image, large, error);
  if (status != SB_OK || best_of(&worker->found) >= convincing) return status;
  return try_turns_then_tiles(worker, image, large, out, error);
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
  found->picture_bytes = each;
  found->pictures = sb_alloc(faces, each, error);
  found->ages = sb_alloc(faces, sizeof *found->ages, error);
  if (!found->pictures || !found->ages) return SB_NO_MEMORY;
  for (size_t i = 0; i < faces; i++) found->ages[i] = -1;
  return SB_OK;
}

static sb_status make_room(const sb_worker *worker, const sb_worker_request *request, sb_find_result *result,
                           sb_error *error) {
  free(result->faces.items); /* of an earlier search that found none */
  free(result->pictures);
  free(result->ages);
  result->pictures = NULL;
  result->ages = NULL;
  result->faces.items = sb_alloc(worker->found.count, sizeof *result->faces.items, error);
  if (!result->faces.items) return SB_NO_MEMORY;
  return request->want & SB_WANT_AGE_LATER ? make_age_room(worker, result, worker->found.count, error) : SB_OK;
}

/* Describes the candidates, largest first, and leaves out those that are no faces. */
static sb_status describe_each(sb_worker *worker, const sb_image *image, const upright *up,
                               const sb_worker_request *request, sb_find_result *result, sb_error *error) {
  const sb_detections *found = &worker->found;
  const sb_image *shown = up->turns ? &up->turned : image;
  sb_faces *faces = &result->faces;
  size_t most = request->want & SB_WANT_LARGEST_ONLY ? 1 : found->count;
  for (size_t i = 0; i < found->count && faces->count < most; i++) {
    sb_worker_request one = *request;
    if (result->pictures) one.picture = result->pictures + faces->count * sb_worker_picture_bytes(worker);
    sb_face *face = &faces->items[faces->count++]; /* counted at once: sb_faces_free releases what it owns */
    bool phantom = false;
    sb_status status = sb_worker_describe(worker, shown, &found->boxes[i], &one, face, &phantom, error);
    if (status != SB_OK) return status;
    if (phantom)
      *face = (sb_face){0}, faces->count--;
    else
      to_photo(face, image, up->turns);
  }
  return SB_OK;
}

/* Two boxes whose landmarks, after refinement, are at the same places are one face. */
static bool is_same_face(const sb_face *a, const sb_face *b) {
  const sb_point *p = a->landmarks, *q = b->landmarks;
  float apart = 0, eyes = fmaxf(hypotf(p[1].x - p[0].x, p[1].y - p[0].y), hypotf(q[1].x - q[0].x, q[1].y - q[0].y));
  for (int i = 0; i < 5; i++) apart += hypotf(p[i].x - q[i].x, p[i].y - q[i].y) / 5;
  return apart < SAME_FACE * eyes;
}

/* Moves a face and its picture to another index. */
static void move_face(sb_find_result *result, size_t picture_bytes, size_t from, size_t to) {
  if (from == to) return;
  result->faces.items[to] = result->faces.items[from];
  if (result->pictures)
    memcpy(result->pictures + to * picture_bytes, result->pictures + from * picture_bytes, picture_bytes);
}

/* Keeps, of the boxes of one face, the one of which the detector was surer. */
static void drop_doubles(sb_find_result *result, size_t picture_bytes) {
  sb_face *items = result->faces.items;
  size_t kept = 0;
  for (size_t i = 0; i < result->faces.count; i++) {
    size_t k = 0;
    while (k < kept && !is_same_face(&items[k], &items[i])) k++;
    if (k == kept) {
      move_face(result, picture_bytes, i, kept++);
    } else if (items[i].score > items[k].score) {
      free(items[k].embedding);
      move_face(result, picture_bytes, i, k);
    } else {
      free(items[i].embedding);
    }
  }
  result->faces.count = kept;
}

static sb_status describe_all(sb_worker *worker, const sb_image *image, const upright *up,
                              const sb_worker_request *request, sb_find_result *result, sb_error *error) {
  sb_detections *found = &worker->found;
  qsort(found->boxes, found->count, sizeof *found->boxes, by_size);
  sb_status status = make_room(worker, request, result, error);
  if (status == SB_OK) status = describe_each(worker, image, up, request, result, error);
  if (status == SB_OK && !(request->want & SB_WANT_WHOLE_PHOTO)) drop_doubles(result, sb_worker_picture_bytes(worker));
  return status;
}

static sb_status find_candidates(sb_worker *worker, const sb_image *image, unsigned want, bool large, upright *up,
                                 sb_error *error) {
  worker->tiles = large && want & SB_WANT_SMALL_FACES;
  if (want & SB_WANT_UPRIGHT) return sb_worker_candidates(worker, image, large, error);
  if (!(want & SB_WANT_WHOLE_PHOTO)) return find_upright(worker, image, large, up, error);
  worker->found.count = 1;
  worker->found.boxes[0] = (sb_detection){.x1 = image->width, .y1 = image->height, .score = 1, .probability = 1};
  return SB_OK;
}

/* `large`: with the detector's large pass. */
static sb_status find_described(sb_worker *worker, const sb_image *image, const sb_worker_request *request, bool large,
                                sb_find_result *result, sb_error *error) {
  upright up = {0};
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_DETECT);
  sb_status status = find_candidates(worker, image, request->want, large, &up, error);
  sb_stage_timer_enter(SB_TIMED_ALIGN);
  if (status == SB_OK) status = describe_all(worker, image, &up, request, result, error);
  sb_stage_timer_enter(before);
  sb_image_free(&up.turned);
  return status;
}

static sb_status find_all(sb_worker *worker, const sb_image *image, const sb_worker_request *request,
                          sb_find_result *result, sb_error *error) {
  bool portrait = request->want & SB_WANT_LARGEST_ONLY;
  sb_status status = find_described(worker, image, request, !portrait, result, error);
  if (status != SB_OK || !portrait || result->faces.count) return status;
  return find_described(worker, image, request, true, result, error); /* no large face: search for small ones */
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

sb_status sb_find_one(const sb_faces *faces, size_t face, sb_faces **out, sb_error *error) {
  const sb_find_result *from = (const sb_find_result *)faces; /* every sb_faces is the first member of one */
  sb_find_result *one = sb_alloc(1, sizeof *one, error);
  if (!one) return SB_NO_MEMORY;
  one->faces = *faces;
  one->faces.count = 1;
  one->picture_bytes = from->picture_bytes;
  one->faces.items = sb_alloc(1, sizeof *one->faces.items, error);
  if (!one->faces.items) return free(one), SB_NO_MEMORY;
  sb_face *item = one->faces.items;
  *item = faces->items[face];
  item->embedding = NULL;
  if (faces->items[face].embedding) item->embedding = sb_alloc(faces->dim, sizeof *item->embedding, error);
  if (from->pictures) one->pictures = sb_alloc(1, from->picture_bytes, error);
  if (from->ages) one->ages = sb_alloc(1, sizeof *one->ages, error);
  bool complete = !item->embedding == !faces->items[face].embedding && !one->pictures == !from->pictures &&
                  !one->ages == !from->ages;
  if (!complete) return sb_faces_free(&one->faces), SB_NO_MEMORY;
  if (item->embedding) memcpy(item->embedding, faces->items[face].embedding, faces->dim * sizeof *item->embedding);
  if (one->pictures) memcpy(one->pictures, from->pictures + face * from->picture_bytes, from->picture_bytes);
  if (one->ages) one->ages[0] = from->ages[face];
  *out = &one->faces;
  return SB_OK;
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
