/* From a comparison score to a verdict: match, no match, or "not sure".
 *
 * The threshold follows from the operating point: a score, a false match rate (FMR, of one comparison) or a false
 * positive identification rate (FPIR, of a search), as ISO/IEC 19795-1 defines them. Rates are turned into scores by
 * the embedder's calibration (stats/calibration.c), which was measured on pairs of different people. "Cannot tell" lies
 * below the threshold, as wide as the calibration's own band, and is also the verdict where a photo is too poor, or not
 * live, to decide. */
#include "engine/verdict.h"

#include "engine/internal.h"
#include "stats/cohort.h"

#include <math.h>

/* The default operating point of a search: at most 1 % of the people who are not enrolled are matched with somebody. */
static const double fpir_default = 0.01;

static sb_status check(const sb_embedder *embedder, const sb_target *target, sb_error *error) {
  int given = (target->threshold != 0) + (target->fmr != 0) + (target->fpir != 0);
  if (given > 1) return sb_fail(error, SB_INVALID, "of threshold, fmr and fpir only one can be given");
  if (!(target->threshold >= 0 && target->threshold <= 1))
    return sb_fail(error, SB_INVALID, "the threshold is between 0 and 1");
  if (!(target->fmr >= 0 && target->fmr <= 0.5 && target->fpir >= 0 && target->fpir <= 0.5))
    return sb_fail(error, SB_INVALID, "a rate (fmr, fpir) is above 0 and at most 0.5");
  if ((target->fmr > 0 || target->fpir > 0) && !embedder->calibration.count)
    return sb_fail(error, SB_INVALID,
                   "the model %s has no calibration, so its error rates are unknown: give a threshold, or calibrate it "
                   "with `semblance eval --calibrate`",
                   embedder->name);
  return SB_OK;
}

double sb_verdict_similarity(const float *a, const float *b, size_t dim) {
  return fmin(sb_dot(a, b, dim), 1);
}

/* The score that keeps the rate at which at least one of `chances` comparisons of different people matches. */
static double threshold_of_chances(const sb_calibration *c, double rate, size_t chances) {
  return sb_calibration_threshold(c, sb_stats_fmr_of_fpir(rate, (double)chances));
}

/* The score that a threshold or an FMR means, else the default. */
static double threshold_of_one(const sb_calibration *c, const sb_target *target) {
  if (target->threshold > 0) return target->threshold;
  return target->fmr > 0 ? sb_calibration_threshold(c, target->fmr) : c->default_threshold;
}

sb_status sb_verdict_threshold(const sb_embedder *embedder, const sb_target *target, size_t pairs, double *threshold,
                               sb_error *error) {
  const sb_calibration *c = &embedder->calibration;
  sb_status status = check(embedder, target, error);
  if (status != SB_OK) return status;
  if (target->fpir > 0)
    return sb_fail(error, SB_INVALID, "fpir is a rate of searches; for two photos give fmr or threshold");
  *threshold = threshold_of_one(c, target);
  if (pairs > 1 && c->count && target->threshold <= 0 && target->fmr <= 0)
    *threshold = fmax(*threshold, threshold_of_chances(c, fpir_default, pairs));
  return SB_OK;
}

sb_status sb_verdict_search_threshold(const sb_embedder *embedder, const sb_target *target, size_t people,
                                      double *threshold, sb_error *error) {
  const sb_calibration *c = &embedder->calibration;
  sb_status status = check(embedder, target, error);
  if (status != SB_OK) return status;
  *threshold = threshold_of_one(c, target);
  if (target->threshold > 0 || target->fmr > 0 || !c->count) return SB_OK;
  double wanted = threshold_of_chances(c, target->fpir > 0 ? target->fpir : fpir_default, people);
  *threshold = target->fpir > 0 ? wanted : fmax(wanted, c->default_threshold);
  return SB_OK;
}

double sb_verdict_unsure(const sb_embedder *embedder, double threshold) {
  const sb_calibration *c = &embedder->calibration;
  return threshold - (c->default_threshold - c->unsure_threshold);
}

sb_verdict sb_verdict_of(const sb_embedder *embedder, double threshold, double score) {
  if (score >= threshold) return SB_VERDICT_MATCH;
  return score >= sb_verdict_unsure(embedder, threshold) ? SB_VERDICT_UNSURE : SB_VERDICT_NONE;
}

/* The score from which "no match" becomes "not sure" for the sake of the quality. Below the minimum quality every score
 * does. From there up to 0.5 it rises from the score that strangers seldom reach in so many comparisons to the default
 * lower limit of "not sure": photos of the same person of such a quality fall below that, but seldom below the former
 * (docs/accuracy.md). */
static double unsure_from(const sb_embedder *embedder, float quality, size_t chances) {
  static const double good = 0.5, strangers = 1e-2;
  const sb_calibration *c = &embedder->calibration;
  double least = embedder->minimum_quality;
  if (quality < least) return -INFINITY;
  if (quality >= good || !c->count) return INFINITY;
  double lowest = fmin(threshold_of_chances(c, strangers, chances), c->unsure_threshold);
  return lowest + (c->unsure_threshold - lowest) * (quality - least) / (good - least);
}

sb_verdict sb_verdict_with_quality(const sb_embedder *embedder, sb_verdict verdict, double score, size_t chances,
                                   const sb_quality *quality, sb_reason *reason) {
  *reason = verdict == SB_VERDICT_UNSURE ? SB_REASON_SCORE : SB_REASON_NONE;
  if (verdict == SB_VERDICT_MATCH || score < unsure_from(embedder, quality->overall, chances)) return verdict;
  *reason = SB_REASON_QUALITY;
  return SB_VERDICT_UNSURE;
}

unsigned sb_verdict_liveness_want(const sb_engine *engine) {
  bool from_photos = engine->liveness == SB_LIVENESS_WARN || engine->liveness == SB_LIVENESS_PASSIVE;
  return from_photos ? SB_WANT_LIVENESS : 0;
}

bool sb_verdict_refused(const sb_engine *engine, const sb_face *face) {
  return engine->liveness == SB_LIVENESS_PASSIVE && face->has_live && !face->is_live;
}

void sb_verdict_compare(const sb_engine *engine, const sb_embedder *embedder, double threshold,
                        const sb_verdict_score *score, size_t photos, sb_comparison *out) {
  const sb_quality *worst = &out->faces[0].quality;
  if (photos > 1 && out->faces[1].quality.overall < worst->overall) worst = &out->faces[1].quality;
  sb_stats_rate rate = sb_cohort_fmr(&embedder->calibration, score->score, score->weight);
  out->similarity = score->similarity;
  out->score = score->score;
  out->threshold = threshold;
  out->unsure = sb_verdict_unsure(embedder, threshold);
  out->false_match_rate = rate.rate;
  out->false_match_upper = rate.upper;
  out->false_match_bound = rate.bound;
  out->pairs_false_match = -expm1((double)out->pairs * log1p(-rate.rate));
  out->verdict = sb_verdict_with_quality(embedder, sb_verdict_of(embedder, threshold, score->score), score->score,
                                         out->pairs ? out->pairs : 1, worst, &out->reason);
  bool refused =
      sb_verdict_refused(engine, &out->faces[0]) || (photos > 1 && sb_verdict_refused(engine, &out->faces[1]));
  if (!refused || out->verdict == SB_VERDICT_NONE) return;
  out->verdict = SB_VERDICT_UNSURE;
  out->reason = SB_REASON_LIVENESS;
}
