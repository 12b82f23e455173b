#include "http/ops/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { PERIOD_SECONDS = 60 };

struct sb_http_retention {
  sb_engine *engine;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t stopped;
  bool stopping;
};

static void erase_expired(sb_engine *engine) {
  sb_error error = {0};
  size_t erased = 0;
  if (sb_engine_expire(engine, &erased, &error) != SB_OK)
    sb_log(SB_LOG_ERROR, "people whose time is over could not be erased: %s", error.message);
  else if (erased)
    sb_log(SB_LOG_INFO, "erased %zu people whose time was over", erased);
}

static void *run(void *context) {
  sb_http_retention *timer = context;
  struct timespec next;
  sb_actor_set("timer", NULL);
  clock_gettime(CLOCK_MONOTONIC, &next);
  pthread_mutex_lock(&timer->lock);
  while (!timer->stopping) {
    pthread_mutex_unlock(&timer->lock);
    erase_expired(timer->engine);
    pthread_mutex_lock(&timer->lock);
    next.tv_sec += PERIOD_SECONDS;
    while (!timer->stopping && pthread_cond_timedwait(&timer->stopped, &timer->lock, &next) != ETIMEDOUT) {
    }
  }
  pthread_mutex_unlock(&timer->lock);
  return NULL;
}

sb_status sb_http_retention_start(sb_engine *engine, sb_http_retention **out, sb_error *error) {
  sb_http_retention *timer = sb_alloc(1, sizeof *timer, error);
  if (!timer) return SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  timer->engine = engine;
  pthread_mutex_init(&timer->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&timer->stopped, &monotonic);
  pthread_condattr_destroy(&monotonic);
  int failure = pthread_create(&timer->thread, NULL, run, timer);
  if (!failure) {
    *out = timer;
    return SB_OK;
  }
  pthread_cond_destroy(&timer->stopped);
  pthread_mutex_destroy(&timer->lock);
  free(timer);
  return sb_fail_errno(error, failure, "start the thread that erases", NULL);
}

void sb_http_retention_stop(sb_http_retention *timer) {
  if (!timer) return;
  pthread_mutex_lock(&timer->lock);
  timer->stopping = true;
  pthread_cond_broadcast(&timer->stopped);
  pthread_mutex_unlock(&timer->lock);
  pthread_join(timer->thread, NULL);
  pthread_cond_destroy(&timer->stopped);
  pthread_mutex_destroy(&timer->lock);
  free(timer);
}
