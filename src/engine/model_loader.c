/* Loads the models once, at first need: the pipeline, and a worker for each photo that may be processed at the same
 * time. */
#include "engine/internal.h"

#include <string.h>

static sb_status load(sb_engine *engine, sb_pipeline **out, sb_error *error) {
  pthread_mutex_lock(&engine->lock);
  sb_pipeline_config config = sb_engine_pipeline_config(engine);
  pthread_mutex_unlock(&engine->lock);
  sb_pipeline *pipeline = NULL;
  int made = 0;
  sb_status status = sb_pipeline_open(&config, &pipeline, error);
  while (status == SB_OK && made < engine->workers) {
    status = sb_worker_new(pipeline, &engine->all_workers[made], error);
    made += status == SB_OK;
  }
  if (status != SB_OK) {
    while (made > 0) {
      sb_worker_free(engine->all_workers[--made]);
      engine->all_workers[made] = NULL;
    }
    sb_pipeline_close(pipeline);
    return status;
  }
  for (int i = 0; i < made; i++) sb_pool_put(engine->pool, engine->all_workers[i]);
  *out = pipeline;
  return SB_OK;
}

static void warn_without_age(const sb_engine *engine, const sb_pipeline *pipeline) {
  if (engine->children == SB_CHILDREN_UNSURE && !sb_pipeline_has_age(pipeline))
    sb_log(SB_LOG_WARNING,
           "the pipeline has no model that estimates ages: children are matched like adults, and they are confused far "
           "more often (`semblance doctor` says what to do)");
}

/* One caller loads while the others wait. A failure is stored for sb_engine_info, and the next caller tries again. */
sb_status sb_engine_load_models(sb_engine *engine, sb_error *error) {
  sb_error cause = {0};
  pthread_mutex_lock(&engine->lock);
  while (engine->state == SB_STATE_LOADING) pthread_cond_wait(&engine->changed, &engine->lock);
  bool ready = engine->state == SB_STATE_READY;
  if (!ready) engine->state = SB_STATE_LOADING;
  pthread_mutex_unlock(&engine->lock);
  if (ready) return SB_OK;
  sb_pipeline *pipeline = NULL;
  sb_status status = load(engine, &pipeline, &cause);
  if (status == SB_OK) warn_without_age(engine, pipeline);
  pthread_mutex_lock(&engine->lock);
  engine->state = status == SB_OK ? SB_STATE_READY : SB_STATE_ERROR;
  engine->pipeline = pipeline;
  memcpy(engine->state_message, cause.message, sizeof engine->state_message);
  pthread_cond_broadcast(&engine->changed);
  pthread_mutex_unlock(&engine->lock);
  return status == SB_OK ? SB_OK : sb_fail(error, status, "%s", cause.message);
}
