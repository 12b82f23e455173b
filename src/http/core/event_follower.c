/* One thread that waits for events (sb_engine_events_wait) while there are streams, and for streams otherwise. */
#include "http/core/event_follower.h"

#include <semblance/events.h>

#include <stdlib.h>
#include <time.h>

enum { STREAMS_MAX = 64, WAIT_MS = 250 };

struct sb_http_event_follower {
  sb_engine *engine;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed;
  bool stopping;
  size_t streams;
  uint64_t newest;
};

/* Waits until there is a stream; false: the server stops. */
static bool wait_for_streams(sb_http_event_follower *follower, uint64_t *newest) {
  pthread_mutex_lock(&follower->lock);
  while (!follower->stopping && !follower->streams) pthread_cond_wait(&follower->changed, &follower->lock);
  bool goes_on = !follower->stopping;
  *newest = follower->newest;
  pthread_mutex_unlock(&follower->lock);
  return goes_on;
}

static void *follow(void *context) {
  sb_http_event_follower *follower = context;
  uint64_t newest = 0;
  bool well = true;
  while (wait_for_streams(follower, &newest)) {
    sb_error error = {0};
    sb_status status = sb_engine_events_wait(follower->engine, newest, WAIT_MS, &newest, &error);
    if (status == SB_STOPPING) break;
    if (well && status != SB_OK) sb_log(SB_LOG_WARNING, "cannot follow the events at present: %s", error.message);
    well = status == SB_OK;
    if (!well) nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
    pthread_mutex_lock(&follower->lock);
    follower->newest = newest;
    pthread_mutex_unlock(&follower->lock);
  }
  return NULL;
}

sb_status sb_http_event_follower_new(sb_engine *engine, sb_http_event_follower **out, sb_error *error) {
  sb_http_event_follower *follower = sb_alloc(1, sizeof *follower, error);
  if (!follower) return SB_NO_MEMORY;
  follower->engine = engine;
  pthread_mutex_init(&follower->lock, NULL);
  pthread_cond_init(&follower->changed, NULL);
  int failure = pthread_create(&follower->thread, NULL, follow, follower);
  if (!failure) return *out = follower, SB_OK;
  pthread_cond_destroy(&follower->changed);
  pthread_mutex_destroy(&follower->lock);
  free(follower);
  return sb_fail_errno(error, failure, "start the thread that follows events", NULL);
}

void sb_http_event_follower_free(sb_http_event_follower *follower) {
  if (!follower) return;
  pthread_mutex_lock(&follower->lock);
  follower->stopping = true;
  pthread_cond_broadcast(&follower->changed);
  pthread_mutex_unlock(&follower->lock);
  pthread_join(follower->thread, NULL);
  pthread_cond_destroy(&follower->changed);
  pthread_mutex_destroy(&follower->lock);
  free(follower);
}

sb_status sb_http_event_follower_enter(sb_http_event_follower *follower, sb_error *error) {
  pthread_mutex_lock(&follower->lock);
  bool room = follower->streams < STREAMS_MAX;
  if (room) {
    follower->streams++;
    pthread_cond_broadcast(&follower->changed);
  }
  pthread_mutex_unlock(&follower->lock);
  if (room) return SB_OK;
  return sb_fail(error, SB_BUSY, "%d clients follow the events already; close one of them, or ask for lists",
                 STREAMS_MAX);
}

void sb_http_event_follower_leave(sb_http_event_follower *follower) {
  pthread_mutex_lock(&follower->lock);
  follower->streams--;
  pthread_mutex_unlock(&follower->lock);
}

uint64_t sb_http_event_follower_newest(sb_http_event_follower *follower) {
  pthread_mutex_lock(&follower->lock);
  uint64_t newest = follower->newest;
  pthread_mutex_unlock(&follower->lock);
  return newest;
}
