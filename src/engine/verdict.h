/* From a comparison score to a verdict. */
#ifndef SB_ENGINE_VERDICT_H
#define SB_ENGINE_VERDICT_H

#include "engine/engine.h"
#include "face/face.h"

/* What two faces score. */
typedef struct sb_verdict_score {
  double similarity; /* cosine, at most 1 */
  double score;      /* normalised (stats/cohort.h) */
  double weight;     /* of the cohorts behind it, 0..1 */
} sb_verdict_score;
/* The similarity of two templates of unit length: their cosine, at most 1. */
double sb_verdict_similarity(const float *a, const float *b, size_t dim);
/* The score from which two faces, the most similar of so many pairs, count as one person. Where no target is given, at
 * most 1 % of so many pairs of different people hold one that reaches it. SB_INVALID: out of range, or a rate of
 * searches. */
sb_status sb_verdict_threshold(const sb_embedder *embedder, const sb_target *target, size_t pairs, double *threshold,
                               sb_error *error);
/* The same for a search among `people`. */
sb_status sb_verdict_search_threshold(const sb_embedder *embedder, const sb_target *target, size_t people,
                                      double *threshold, sb_error *error);
/* The score from which the verdict is "not sure", when `threshold` counts as a match. */
double sb_verdict_unsure(const sb_embedder *embedder, double threshold);
sb_verdict sb_verdict_of(const sb_embedder *embedder, double threshold, double score);
/* Turns "no match" into "not sure" where the photo is too poor for this score, the best of so many comparisons, to say
 * so: genuine pairs score low with it. A match stays a match. */
sb_verdict sb_verdict_with_quality(const sb_embedder *embedder, sb_verdict verdict, double score, size_t chances,
                                   const sb_quality *quality, sb_reason *reason);
/* What the liveness policy adds to the SB_WANT_... of a photo. */
unsigned sb_verdict_liveness_want(const sb_engine *engine);
/* Does the liveness policy refuse this face? */
bool sb_verdict_refused(const sb_engine *engine, const sb_face *face);
/* Fills the verdict, scores and rates of `out`; the first `photos` of its faces, and `pairs`, are set already. */
void sb_verdict_compare(const sb_engine *engine, const sb_embedder *embedder, double threshold,
                        const sb_verdict_score *score, size_t photos, sb_comparison *out);

#endif
