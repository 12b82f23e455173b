/* Active liveness: measures what a challenge (src/liveness) needs of a frame. */
#include "engine/internal.h"

#include <string.h>

/* Of the largest face's area: smaller ones are people in the background. */
static const float counts_from = 0.25F;

sb_status sb_engine_challenge_begin(sb_engine *engine, const char *model, sb_challenge *out, sb_error *error) {
  uint8_t random[SB_CHALLENGE_RANDOM];
  sb_embedder embedder;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_embedder(engine, model, &embedder, error);
  sb_engine_leave(engine);
  if (status != SB_OK) return status;
  if (embedder.dim > SB_CHALLENGE_DIM_MAX)
    return sb_fail(error, SB_INVALID, "a challenge needs a model of at most %d numbers", SB_CHALLENGE_DIM_MAX);
  sb_crypto_random(random, sizeof random);
  sb_challenge_begin(out, random, embedder.calibration.default_threshold);
  sb_wipe(random, sizeof random);
  return SB_OK;
}

static size_t count_faces(const sb_faces *faces) {
  size_t count = 0;
  for (size_t i = 0; i < faces->count; i++) {
    const sb_box *box = &faces->items[i].box, *largest = &faces->items[0].box;
    count += box->w * box->h >= counts_from * largest->w * largest->h;
  }
  return count;
}

sb_status sb_engine_challenge_feed(sb_engine *engine, const char *model, sb_photo photo, double at_ms,
                                   sb_challenge *challenge, sb_error *error) {
  sb_faces *faces = NULL;
  const sb_find_request find = {
      .struct_size = sizeof find, .photo = photo, .want = SB_WANT_EMBEDDING | SB_WANT_POSE, .model = model};
  sb_status status = sb_engine_find_faces(engine, &find, &faces, error);
  if (status != SB_OK) return status;
  sb_challenge_frame frame = {.at_ms = at_ms, .width = faces->width, .height = faces->height, .dim = faces->dim};
  frame.faces = count_faces(faces);
  if (faces->count) {
    const sb_face *face = &faces->items[0];
    frame.box = face->box;
    memcpy(frame.points, face->landmarks, sizeof frame.points);
    frame.has_pose = face->has_pose;
    frame.pose = face->pose;
    frame.embedding = face->embedding;
  }
  status = sb_challenge_feed(challenge, &frame, error);
  sb_faces_free(faces);
  return status;
}
