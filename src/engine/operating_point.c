/* The operating point that an admin chose at run time: how sure a match must be. It is stored with the gallery, so that
 * all servers of a database share it, and cached in the engine, so that a search does not ask the store; the index
 * refresher keeps the cache fresh. Also explains what an operating point means for a collection. */
#include "engine/internal.h"
#include "engine/verdict.h"

/* Lower rates cannot be measured; a score for them would be a guess. */
static const double rate_least = 1e-9;

bool sb_operating_point_given(const sb_target *target) {
  return target->threshold > 0 || target->fmr > 0 || target->fpir > 0;
}

/* Under `reading_point`. */
static sb_status refresh(sb_engine *engine, sb_error *error) {
  sb_target found = {0};
  sb_error cause = {0};
  sb_status status = sb_store_operating_point(engine->store, &found, &cause);
  bool damaged = status == SB_STORE;
  if (status != SB_OK && !damaged) return sb_fail(error, status, "%s", cause.message);
  pthread_mutex_lock(&engine->lock);
  bool news = damaged && !engine->operating_point_damaged;
  engine->operating_point_damaged = damaged;
  engine->operating_point = found;
  pthread_mutex_unlock(&engine->lock);
  if (news) sb_log(SB_LOG_ERROR, "using the threshold of the settings, not the admin's choice: %s", cause.message);
  return SB_OK;
}

sb_status sb_engine_operating_point_refresh(sb_engine *engine, sb_error *error) {
  pthread_mutex_lock(&engine->reading_point);
  sb_status status = refresh(engine, error);
  pthread_mutex_unlock(&engine->reading_point);
  return status;
}

sb_target sb_engine_operating_point(sb_engine *engine) {
  pthread_mutex_lock(&engine->lock);
  sb_target target = engine->operating_point;
  pthread_mutex_unlock(&engine->lock);
  return target;
}

static sb_status check(sb_engine *engine, const sb_target *target, sb_error *error) {
  sb_embedder embedder;
  double threshold;
  if ((target->fmr > 0 && target->fmr < rate_least) || (target->fpir > 0 && target->fpir < rate_least))
    return sb_fail(error, SB_INVALID, "a rate (fmr, fpir) is %g or more", rate_least);
  sb_status status = sb_engine_embedder(engine, NULL, &embedder, error);
  return status == SB_OK ? sb_verdict_search_threshold(&embedder, target, 1, &threshold, error) : status;
}

static sb_status store(sb_engine *engine, const sb_target *target, sb_error *error) {
  pthread_mutex_lock(&engine->reading_point);
  sb_status status = sb_store_operating_point_set(engine->store, target, error);
  if (status == SB_OK) status = refresh(engine, error);
  pthread_mutex_unlock(&engine->reading_point);
  return status;
}

sb_status sb_engine_operating_point_set(sb_engine *engine, const sb_target *target, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = check(engine, target, error);
  if (status == SB_OK) status = store(engine, target, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Explaining */

static sb_status explain_search(const sb_embedder *embedder, const sb_target *target, sb_operating_point_meaning *out,
                                sb_error *error) {
  const sb_target of_two = {target->threshold, target->fmr, 0};
  sb_status status = sb_verdict_search_threshold(embedder, target, out->people, &out->threshold, error);
  if (status == SB_OK) status = sb_verdict_threshold(embedder, &of_two, 1, &out->verify, error);
  if (status != SB_OK) return status;
  out->unsure = sb_verdict_unsure(embedder, out->threshold);
  out->measured = embedder->calibration.count > 0;
  if (!out->measured) return SB_OK;
  sb_stats_rate rate = sb_calibration_fmr(&embedder->calibration, out->threshold);
  out->fmr = rate.rate;
  out->fmr_bound = rate.bound;
  out->fpir = sb_calibration_fpir(&embedder->calibration, out->threshold, (double)out->people);
  return SB_OK;
}

static sb_status explain(sb_engine *engine, const char *name, const sb_target *target, sb_operating_point_meaning *out,
                         sb_error *error) {
  sb_store_collection collection;
  sb_embedder embedder;
  sb_status status = sb_engine_collection(engine, name, false, &collection, error);
  if (status != SB_OK) return status;
  out->people = collection.info.people;
  out->faces = collection.info.faces;
  if (sb_engine_collection_embedder(engine, &collection, &embedder, &out->why) == SB_OK)
    (void)explain_search(&embedder, target, out, &out->why);
  return SB_OK;
}

sb_status sb_engine_operating_point_explain(sb_engine *engine, const char *collection, const sb_target *target,
                                            sb_operating_point_meaning *out, sb_error *error) {
  *out = (sb_operating_point_meaning){0};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = explain(engine, collection, target, out, error);
  sb_engine_leave(engine);
  return status;
}
