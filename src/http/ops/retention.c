/* One thread that sleeps until the next minute, or until it is stopped. Its clock is monotonic, so a change of the
 * system's time neither delays an erasure nor makes it run twice. */
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
    sb_log(SB_LOG_ERROR, "people whose retention period has ended could not be erased: %s", error.message);
  else if (erased)
    sb_log(SB_LOG_INFO, "erased %zu people whose retention period has ended", erased);
}

static void *run(void *context) {
  sb_http_retention *retention = context;
  struct timespec next;
  sb_actor_set("timer", NULL);
  clock_gettime(CLOCK_MONOTONIC, &next);
  pthread_mutex_lock(&retention->lock);
  while (!retention->stopping) {
    pthread_mutex_unlock(&retention->lock);
    erase_expired(retention->engine);
    pthread_mutex_lock(&retention->lock);
    next.tv_sec += PERIOD_SECONDS;
    while (!retention->stopping && pthread_cond_timedwait(&retention->stopped, &retention->lock, &next) != ETIMEDOUT) {
    }
  }
  pthread_mutex_unlock(&retention->lock);
  return NULL;
}

sb_status sb_http_retention_start(sb_engine *engine, sb_http_retention **out, sb_error *error) {
  sb_http_retention *retention = sb_alloc(1, sizeof *retention, error);
  if (!retention) return SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  retention->engine = engine;
  pthread_mutex_init(&retention->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&retention->stopped, &monotonic);
  pthread_condattr_destroy(&monotonic);
  int failure = pthread_create(&retention->thread, NULL, run, retention);
  if (!failure) {
    *out = retention;
    return SB_OK;
  }
  pthread_cond_destroy(&retention->stopped);
  pthread_mutex_destroy(&retention->lock);
  free(retention);
  return sb_fail_errno(error, failure, "start the retention thread", NULL);
}

void sb_http_retention_stop(sb_http_retention *retention) {
  if (!retention) return;
  pthread_mutex_lock(&retention->lock);
  retention->stopping = true;
  pthread_cond_broadcast(&retention->stopped);
  pthread_mutex_unlock(&retention->lock);
  pthread_join(retention->thread, NULL);
  pthread_cond_destroy(&retention->stopped);
  pthread_mutex_destroy(&retention->lock);
  free(retention);
}
