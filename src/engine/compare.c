/* Verbs that compare photos with each other: one face against many, and a family's resemblance. Each photo goes through
 * the models once. Comparing two photos with a verdict is sb_engine_verify (verify.c). */
#include "engine/child_rule.h"
#include "engine/engine.h"
#include "engine/flow.h"
#include "engine/live_person.h"
#include "engine/verdict.h"

#include <stdlib.h>

/* ---- One face against every face of another photo */

/* By the cohorts that the default collection has for the faces. */
static sb_status score_faces(sb_engine *engine, const sb_embedder *embedder, sb_photo_comparison *c, sb_error *error) {
  c->scores = sb_alloc(c->target->count, sizeof *c->scores, error);
  c->verdicts = sb_alloc(c->target->count, sizeof *c->verdicts, error);
  if (!c->scores || !c->verdicts) return SB_NO_MEMORY;
  for (size_t i = 0; i < c->target->count; i++) {
    const float *pair[2] = {c->source->items[0].embedding, c->target->items[i].embedding};
    sb_verdict_score score;
    sb_status status = sb_flow_compare(engine, NULL, embedder, pair, &score, error);
    if (status != SB_OK) return status;
    c->scores[i] = score.score;
  }
  return SB_OK;
}

static sb_status decide(sb_engine *engine, const sb_embedder *embedder, sb_photo_comparison *c, sb_error *error) {
  for (size_t i = 0; i < c->target->count; i++) {
    bool child = false;
    c->verdicts[i] = sb_verdict_of(embedder, c->threshold, c->scores[i]);
    if (c->verdicts[i] != SB_VERDICT_MATCH) continue;
    sb_status status = sb_child_face(engine, c->source, 0, &child, error);
    if (status == SB_OK && !child) status = sb_child_face(engine, c->target, i, &child, error);
    if (status != SB_OK) return status;
    if (child) c->verdicts[i] = SB_VERDICT_UNSURE;
  }
  return SB_OK;
}

static sb_status compare(sb_engine *engine, const sb_photo photos[2], unsigned want, sb_photo_comparison *out,
                         sb_error *error) {
  sb_embedder embedder;
  sb_status status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status != SB_OK) return status;
  out->threshold = embedder.calibration.default_threshold;
  out->unsure = embedder.calibration.unsure_threshold;
  want |= SB_WANT_EMBEDDING | sb_child_want(engine);
  status = sb_flow_faces(engine, photos[0], want, NULL, &out->source, error);
  if (status != SB_OK) return status;
  if (!out->source->count) return sb_engine_fail_no_face("the first photo", error);
  status = sb_flow_faces(engine, photos[1], want, NULL, &out->target, error);
  if (status != SB_OK) return status;
  if (!out->target->count) return sb_engine_fail_no_face("the second photo", error);
  status = score_faces(engine, &embedder, out, error);
  return status == SB_OK ? decide(engine, &embedder, out, error) : status;
}

sb_status sb_engine_compare_photos(sb_engine *engine, const sb_photo photos[2], unsigned want,
                                   sb_photo_comparison **out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  sb_photo_comparison *made = sb_alloc(1, sizeof *made, error);
  status = made ? sb_engine_live_required(engine, NULL, error) : SB_NO_MEMORY;
  if (status == SB_OK) status = compare(engine, photos, want, made, error);
  if (status == SB_OK)
    *out = made;
  else
    sb_photo_comparison_free(made);
  sb_engine_leave(engine);
  return status;
}

void sb_photo_comparison_free(sb_photo_comparison *comparison) {
  if (!comparison) return;
  sb_faces_free(comparison->source);
  sb_faces_free(comparison->target);
  free(comparison->scores);
  free(comparison->verdicts);
  free(comparison);
}

/* ---- Resemblance */

static sb_status score_photo(sb_engine *engine, const sb_faces *reference, const sb_named_photo *photo, double *score,
                             sb_error *error) {
  sb_faces *faces = NULL;
  sb_status status = sb_flow_some_face(engine, photo->photo, SB_WANT_LARGEST_ONLY, NULL, photo->name, &faces, error);
  if (status == SB_OK)
    *score = sb_verdict_similarity(reference->items[0].embedding, faces->items[0].embedding, reference->dim);
  sb_faces_free(faces);
  return status;
}

sb_status sb_engine_resemblance(sb_engine *engine, const sb_named_photo *reference, const sb_named_photo *photos,
                                size_t count, double *scores, sb_error *error) {
  sb_faces *faces = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_flow_some_face(engine, reference->photo, SB_WANT_LARGEST_ONLY, NULL, reference->name, &faces, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    status = score_photo(engine, faces, &photos[i], &scores[i], error);
  sb_faces_free(faces);
  sb_engine_leave(engine);
  return status;
}
