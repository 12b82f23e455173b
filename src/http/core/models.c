/* The state of the models: one thread loads them at start, every request may ask how far it is. */
#include "http/core/models.h"

#include <time.h>

enum { RETRY_SECONDS = 1 };

void sb_http_models_init(sb_http_models *models, sb_engine *engine) {
  models->engine = engine;
  models->state = SB_STATE_LOADING;
  pthread_mutex_init(&models->lock, NULL);
  pthread_cond_init(&models->stopped, NULL);
}

/* Waits before the next try; false: the server stops. */
static bool wait_to_retry(sb_http_models *models) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += RETRY_SECONDS;
  pthread_mutex_lock(&models->lock);
  while (!models->stopping && pthread_cond_timedwait(&models->stopped, &models->lock, &end) == 0) continue;
  bool retry = !models->stopping;
  pthread_mutex_unlock(&models->lock);
  return retry;
}

static void load(sb_http_models *models, bool retries) {
  sb_error error = {0};
  double start = sb_monotonic_ms();
  sb_status status = sb_engine_warm(models->engine, SB_WANT_EMBEDDING, &error);
  if (status == SB_BUSY && retries)
    sb_log(SB_LOG_WARNING, "the gallery cannot be loaded now, and is tried again: %s", error.message);
  while (status == SB_BUSY && retries && wait_to_retry(models))
    status = sb_engine_warm(models->engine, SB_WANT_EMBEDDING, &error);
  if (status == SB_OK) {
    error = (sb_error){0}; /* of a try that failed */
    sb_log(SB_LOG_INFO, "models and gallery are ready after %.0f ms", sb_monotonic_ms() - start);
  } else {
    sb_log(SB_LOG_ERROR, "cannot load the models: %s", error.message);
  }
  pthread_mutex_lock(&models->lock);
  models->state = status == SB_OK ? SB_STATE_READY : SB_STATE_ERROR;
  models->error = error;
  pthread_mutex_unlock(&models->lock);
}

static void *load_in_thread(void *context) {
  load(context, true);
  return NULL;
}

void sb_http_models_load(sb_http_models *models) {
  models->started = pthread_create(&models->loader, NULL, load_in_thread, models) == 0;
  if (!models->started) load(models, false);
}

void sb_http_models_join(sb_http_models *models) {
  pthread_mutex_lock(&models->lock);
  models->stopping = true;
  pthread_cond_broadcast(&models->stopped);
  pthread_mutex_unlock(&models->lock);
  if (models->started) pthread_join(models->loader, NULL);
  models->started = false;
}

void sb_http_models_free(sb_http_models *models) {
  pthread_cond_destroy(&models->stopped);
  pthread_mutex_destroy(&models->lock);
}

sb_engine_state sb_http_models_state(sb_http_models *models, sb_error *error) {
  pthread_mutex_lock(&models->lock);
  sb_engine_state state = models->state;
  if (error) *error = models->error;
  pthread_mutex_unlock(&models->lock);
  return state;
}

const char *sb_http_models_word(sb_http_models *models) {
  switch (sb_http_models_state(models, NULL)) {
  case SB_STATE_PENDING: return "pending";
  case SB_STATE_LOADING: return "loading";
  case SB_STATE_READY: return "ready";
  case SB_STATE_ERROR: return "error";
  }
  return "error";
}
