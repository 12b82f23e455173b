/* Holds enrolment and verification to the person who passed a challenge of active liveness. */
#include "engine/live_person.h"

#include "engine/verdict.h"

#include <string.h>

sb_status sb_engine_live_required(const sb_engine *engine, const sb_live_person *live, sb_error *error) {
  if (engine->liveness != SB_LIVENESS_CHALLENGE || live) return SB_OK;
  return sb_fail(
      error, SB_NOT_LIVE,
      "--liveness challenge needs proof of a living person: pass a challenge (POST /v1/liveness/sessions) and "
      "send its token as `liveness`; the command line takes --liveness off");
}

sb_status sb_engine_live_check(const sb_live_person *live, const sb_embedder *embedder, const float *const *faces,
                               size_t count, sb_error *error) {
  if (!live) return SB_OK;
  if (strcmp(live->model, embedder->name) != 0 || live->dim != embedder->dim)
    return sb_fail(error, SB_INVALID,
                   "liveness: the challenge was made with the model %s, and this needs %s: give the challenge the same "
                   "collection",
                   live->model, embedder->name);
  for (size_t i = 0; i < count; i++)
    if (sb_verdict_similarity(faces[i], live->embedding, live->dim) >= embedder->calibration.default_threshold)
      return SB_OK;
  return sb_fail(error, SB_NOT_LIVE, "the photo shows somebody else than the person who passed the liveness challenge");
}
