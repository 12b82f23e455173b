/* One thread that sleeps until the next minute, or until it is stopped. Its clock is monotonic, so a change of the
 * system's time neither delays an erasure nor makes it run twice. */
#include "http/ops/retention.h"
#include "engine/engine.h"
#include "http/ops/clock_guard.h"

#include <semblance/events.h>

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
  int64_t event_days;        /* 0: events are kept */
  sb_http_clock_guard guard; /* of the thread, as is `told` */
  bool told;
};

static void erase_expired(sb_engine *engine) {
  sb_error error = {0};
  size_t erased = 0;
  if (sb_engine_expire(engine, &erased, &error) != SB_OK)
    sb_log(SB_LOG_ERROR, "people whose retention period has ended could not be erased: %s", error.message);
  else if (erased)
    sb_log(SB_LOG_INFO, "erased %zu people whose retention period has ended", erased);
}

static void delete_old_events(sb_engine *engine, int64_t days) {
  enum { DAY_MS = 86400000 };
  sb_error error = {0};
  size_t deleted = 0;
  if (!days) return;
  if (sb_engine_events_delete(engine, sb_now_ms() - days * DAY_MS, &deleted, &error) != SB_OK)
    sb_log(SB_LOG_ERROR, "old events could not be deleted: %s", error.message);
  else if (deleted)
    sb_log(SB_LOG_INFO, "deleted %zu events that are older than %lld days", deleted, (long long)days);
}

static double boot_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Nobody is erased while the clock is not trusted; the log says so once. */
static bool clock_is_trusted(sb_http_retention *retention) {
  int64_t newest_ms = 0;
  if (!retention->guard.wall_ms) sb_engine_audit_time(retention->engine, &newest_ms, NULL);
  bool trusted = sb_http_clock_guard_trusts(&retention->guard, sb_now_ms(), boot_ms(), newest_ms);
  if (!trusted && !retention->told)
    sb_log(SB_LOG_WARNING,
           "the system's clock is far ahead of the last entry of the audit, or was set ahead: nobody is erased for 24 "
           "hours; correct the clock if it is wrong");
  retention->told = !trusted;
  return trusted;
}

static void *run(void *context) {
  sb_http_retention *retention = context;
  struct timespec next;
  sb_actor_set("timer", NULL);
  clock_gettime(CLOCK_MONOTONIC, &next);
  pthread_mutex_lock(&retention->lock);
  while (!retention->stopping) {
    pthread_mutex_unlock(&retention->lock);
    if (clock_is_trusted(retention)) {
      erase_expired(retention->engine);
      delete_old_events(retention->engine, retention->event_days);
    }
    pthread_mutex_lock(&retention->lock);
    next.tv_sec += PERIOD_SECONDS;
    while (!retention->stopping && pthread_cond_timedwait(&retention->stopped, &retention->lock, &next) != ETIMEDOUT) {
    }
  }
  pthread_mutex_unlock(&retention->lock);
  return NULL;
}

sb_status sb_http_retention_start(sb_engine *engine, int64_t event_days, sb_http_retention **out, sb_error *error) {
  sb_http_retention *retention = sb_alloc(1, sizeof *retention, error);
  if (!retention) return SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  retention->engine = engine;
  retention->event_days = event_days;
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
