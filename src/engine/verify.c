/* Public: verify. Are two photos of one person, or a photo and a stored face?
 *
 * A photo may show several faces. Unless the request names one, the pair with the highest similarity is compared, as
 * the question is then whether the photos have anybody in common. Of several pairs one is more likely to be alike by
 * chance; the answer says how many there were, and the threshold rises where they are very many, as a search's does. */
#include "engine/child_rule.h"
#include "engine/flow.h"
#include "engine/live_person.h"
#include "engine/verdict.h"

#include <stdlib.h>
#include <string.h>

static const char *const which_photo[2] = {"the first photo", "the second photo"};

/* ---- Which faces are compared */

static bool parse_choice(const char *text, size_t length, int *out) {
  if (length == 4 && !memcmp(text, "best", 4)) return *out = SB_FACE_BEST, true;
  if (length == 7 && !memcmp(text, "largest", 7)) return *out = SB_FACE_LARGEST, true;
  int number = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9' || number > SB_FACE_NUMBER_MAX) return false;
    number = 10 * number + text[i] - '0';
  }
  *out = number;
  return number >= 1 && number <= SB_FACE_NUMBER_MAX;
}

sb_status sb_engine_face_choice(const char *text, int out[2], sb_error *error) {
  int chosen[2];
  const char *comma = strchr(text, ',');
  size_t length = comma ? (size_t)(comma - text) : strlen(text);
  const char *second = comma ? comma + 1 : text;
  if (!parse_choice(text, length, &chosen[0]) || !parse_choice(second, strlen(second), &chosen[1]))
    return sb_fail(error, SB_INVALID,
                   "face is best, largest, or the number of a face (1 is the largest); two of them with a comma "
                   "between, such as 2,best, are for the first and the second photo");
  memcpy(out, chosen, sizeof chosen);
  return SB_OK;
}

/* The faces of a photo that the request admits. */
typedef struct admitted {
  size_t from, to; /* indexes */
  float quality;   /* the least quality of a face that counts */
} admitted;

/* A poor face is compared only where the photo has no better one: poor faces are alike, and often are no faces. */
static float least_quality(const sb_faces *faces, float minimum) {
  for (size_t i = 0; i < faces->count; i++)
    if (faces->items[i].quality.overall >= minimum) return minimum;
  return 0;
}

/* A photo with one face leaves no choice, whatever number is given. */
static sb_status admit(const sb_faces *faces, int choice, float minimum, const char *which, admitted *out,
                       sb_error *error) {
  size_t count = faces->count;
  *out = (admitted){.to = 1};
  if (count == 1 || choice == SB_FACE_LARGEST) return SB_OK;
  if (choice == SB_FACE_BEST) return *out = (admitted){0, count, least_quality(faces, minimum)}, SB_OK;
  if ((size_t)choice > count)
    return sb_fail(error, SB_INVALID, "face: %s shows %zu faces, and %d is not one of them; `detect` lists them", which,
                   count, choice);
  *out = (admitted){(size_t)choice - 1, (size_t)choice, 0};
  return SB_OK;
}

static bool is_admitted(const admitted *a, const sb_faces *faces, size_t i) {
  return i >= a->from && i < a->to && faces->items[i].quality.overall >= a->quality;
}

/* Sets numbers, pairs and similarity of the most similar pair; only those of one face each cost no comparison. */
static void choose_pair(sb_faces *const faces[2], const admitted sides[2], sb_comparison *out) {
  out->pairs = 0;
  for (size_t i = sides[0].from; i < sides[0].to; i++) {
    for (size_t k = sides[1].from; k < sides[1].to; k++) {
      if (!is_admitted(&sides[0], faces[0], i) || !is_admitted(&sides[1], faces[1], k)) continue;
      double similarity =
          sb_verdict_similarity(faces[0]->items[i].embedding, faces[1]->items[k].embedding, faces[0]->dim);
      if (out->pairs++ && similarity <= out->similarity) continue;
      out->similarity = similarity;
      out->numbers[0] = i + 1;
      out->numbers[1] = k + 1;
    }
  }
}

static void keep_face(const sb_faces *faces, size_t photo, sb_comparison *out) {
  out->faces[photo] = faces->items[out->numbers[photo] - 1];
  out->faces[photo].embedding = NULL;
}

/* ---- Two photos */

static unsigned want_of(const sb_engine *engine, int choice) {
  unsigned want = sb_verdict_liveness_want(engine) | sb_child_want(engine);
  return choice == SB_FACE_LARGEST ? want | SB_WANT_LARGEST_ONLY : want;
}

static sb_status find_pair(sb_engine *engine, const sb_verify_request *request, const sb_embedder *embedder,
                           sb_faces *faces[2], sb_comparison *out, sb_error *error) {
  admitted sides[2];
  for (int i = 0; i < 2; i++) {
    unsigned want = want_of(engine, request->faces[i]) | (request->whole_photo ? SB_WANT_WHOLE_PHOTO : 0);
    sb_status status =
        sb_flow_some_face(engine, request->photos[i], want, request->model, which_photo[i], &faces[i], error);
    if (status != SB_OK) return status;
    status = admit(faces[i], request->faces[i], embedder->minimum_quality, which_photo[i], &sides[i], error);
    if (status != SB_OK) return status;
    out->counts[i] = request->faces[i] == SB_FACE_LARGEST ? 0 : faces[i]->count;
  }
  choose_pair(faces, sides, out);
  for (size_t i = 0; i < 2; i++) keep_face(faces[i], i, out);
  return SB_OK;
}

static sb_status compare_photos(sb_engine *engine, const sb_verify_request *request, sb_faces *faces[2],
                                sb_comparison *out, sb_error *error) {
  sb_embedder embedder;
  double threshold = 0;
  sb_verdict_score score;
  sb_status status = sb_engine_embedder(engine, request->model, &embedder, error);
  if (status != SB_OK) return status;
  if ((status = sb_verdict_threshold(&embedder, &request->target, 1, &threshold, error)) != SB_OK) return status;
  if ((status = find_pair(engine, request, &embedder, faces, out, error)) != SB_OK) return status;
  const float *pair[2] = {faces[0]->items[out->numbers[0] - 1].embedding,
                          faces[1]->items[out->numbers[1] - 1].embedding};
  if ((status = sb_engine_live_check(request->live, &embedder, pair, 2, error)) != SB_OK) return status;
  status = sb_flow_compare(engine, request->collection, &embedder, pair, &score, error);
  if (status != SB_OK) return status;
  status = sb_verdict_threshold(&embedder, &request->target, out->pairs, &threshold, error);
  if (status != SB_OK) return status;
  sb_verdict_compare(engine, &embedder, threshold, &score, 2, out);
  return sb_child_compare(engine, faces, 2, out, error);
}

/* ---- A photo and a stored face */

static sb_status compare_stored(sb_engine *engine, const char *collection, const sb_embedder *embedder,
                                sb_faces *const faces[2], sb_comparison *out, sb_error *error) {
  admitted sides[2] = {{.to = 1}, {.to = 1}};
  double threshold = 0;
  sb_verdict_score score;
  sb_status status = admit(faces[0], SB_FACE_BEST, embedder->minimum_quality, "the photo", &sides[0], error);
  if (status != SB_OK) return status;
  choose_pair(faces, sides, out);
  keep_face(faces[0], 0, out);
  out->counts[0] = faces[0]->count;
  const float *pair[2] = {faces[0]->items[out->numbers[0] - 1].embedding, faces[1]->items[0].embedding};
  status = sb_flow_compare(engine, collection, embedder, pair, &score, error);
  if (status != SB_OK) return status;
  status = sb_verdict_threshold(embedder, &(sb_target){0}, out->pairs, &threshold, error);
  if (status != SB_OK) return status;
  sb_verdict_compare(engine, embedder, threshold, &score, 1, out);
  return sb_child_compare(engine, faces, 1, out, error);
}

sb_status sb_flow_verify_stored(sb_engine *engine, const char *collection, const sb_embedder *embedder, float *stored,
                                sb_photo photo, sb_comparison *out, sb_error *error) {
  unsigned want = SB_WANT_EMBEDDING | sb_child_want(engine);
  sb_face held = {.embedding = stored};
  sb_faces one = {.count = 1, .items = &held, .dim = embedder->dim}, *faces[2] = {NULL, &one};
  sb_comparison made = {0};
  sb_status status = sb_flow_faces(engine, photo, want, embedder->name, &faces[0], error);
  if (status != SB_OK) return status;
  status = faces[0]->count ? compare_stored(engine, collection, embedder, faces, &made, error)
                           : sb_engine_fail_no_face(NULL, error);
  if (status == SB_OK) *out = made;
  sb_faces_free(faces[0]);
  return status;
}

/* ---- Public */

sb_status sb_engine_verify(sb_engine *engine, const sb_verify_request *request, sb_comparison *out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  for (int i = 0; i < 2; i++)
    if (request->faces[i] < SB_FACE_LARGEST || request->faces[i] > SB_FACE_NUMBER_MAX)
      return sb_fail(error, SB_MISUSE, "faces[%d] is not SB_FACE_BEST, SB_FACE_LARGEST or a face's number", i);
  sb_faces *faces[2] = {NULL, NULL};
  sb_comparison made = {0};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_live_required(engine, request->live, error);
  if (status == SB_OK) status = compare_photos(engine, request, faces, &made, error);
  if (status == SB_OK) *out = made;
  sb_faces_free(faces[0]);
  sb_faces_free(faces[1]);
  sb_engine_leave(engine);
  return status;
}
