/* Counts the calls in progress, so that sb_engine_free can wait until the last one has returned. */
#include "engine/internal.h"

sb_status sb_engine_enter(sb_engine *engine, sb_error *error) {
  pthread_mutex_lock(&engine->lock);
  bool closing = engine->closing;
  if (!closing) engine->calls++;
  pthread_mutex_unlock(&engine->lock);
  return closing ? sb_fail(error, SB_STOPPING, "the service is stopping") : SB_OK;
}

void sb_engine_leave(sb_engine *engine) {
  pthread_mutex_lock(&engine->lock);
  if (!--engine->calls) pthread_cond_broadcast(&engine->changed);
  pthread_mutex_unlock(&engine->lock);
}
