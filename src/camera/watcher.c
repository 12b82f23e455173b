/* All cameras of a gallery: a thread that compares what is stored with what is watched, every two seconds. */
#include "camera/camera.h"
#include "camera/watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PERIOD_SECONDS = 2 };

struct sb_camera_watcher {
  sb_camera_watcher_options options;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows; the thread alone changes `watches` */
  pthread_cond_t changed;
  bool stopping, refresh;
  size_t count;
  sb_camera_watch **watches; /* sb_engine_cameras_most */
  bool told;                 /* the log says that there are too many */
  atomic_flag trying;        /* one at a time: a try holds its caller's thread for as long as a camera is silent */
};

/* ---- Comparing */

/* A camera whose settings were changed is another one: its watch ends, and a new one begins. */
static bool is_same(const sb_engine_camera *a, const sb_engine_camera *b) {
  return !strcmp(a->name, b->name) && a->created_ms == b->created_ms && !strcmp(a->address, b->address) &&
         !strcmp(a->collection, b->collection) && !strcmp(a->watchlist, b->watchlist) && a->rate == b->rate &&
         a->udp == b->udp && a->smallest_face == b->smallest_face && !strcmp(a->masks, b->masks) &&
         !strcmp(a->watch, b->watch) && !strcmp(a->hours, b->hours);
}

static size_t find_watch(const sb_camera_watcher *watcher, const sb_engine_camera *camera) {
  size_t at = 0;
  while (at < watcher->count && !is_same(sb_camera_watch_camera(watcher->watches[at]), camera)) at++;
  return at;
}

static bool is_stored(const sb_camera_watch *watch, const sb_engine_camera *cameras, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (is_same(sb_camera_watch_camera(watch), &cameras[i])) return true;
  return false;
}

static void end_removed(sb_camera_watcher *watcher, const sb_engine_camera *cameras, size_t count) {
  for (size_t i = 0; i < watcher->count;) {
    sb_camera_watch *watch = watcher->watches[i];
    if (is_stored(watch, cameras, count)) {
      i++;
      continue;
    }
    pthread_mutex_lock(&watcher->lock);
    watcher->watches[i] = watcher->watches[--watcher->count];
    pthread_mutex_unlock(&watcher->lock);
    sb_camera_watch_free(watch);
  }
}

/* A copy that owns its texts: `from` gives them away. */
static sb_engine_camera *take(sb_engine_camera *from) {
  sb_engine_camera *camera = sb_alloc(1, sizeof *camera, NULL);
  if (!camera) return NULL;
  *camera = *from;
  from->address = from->purpose = from->masks = from->watch = from->hours = NULL;
  return camera;
}

static void begin_one(sb_camera_watcher *watcher, sb_engine_camera *stored) {
  sb_error error = {0};
  sb_camera_watch *watch = NULL;
  sb_engine_camera *camera = take(stored);
  if (!camera) return; /* out of memory: in two seconds again */
  if (sb_camera_watch_start(&watcher->options, camera, &watch, &error) != SB_OK) {
    sb_log(SB_LOG_ERROR, "camera %s is not watched: %s", stored->name, error.message);
    return;
  }
  pthread_mutex_lock(&watcher->lock);
  watcher->watches[watcher->count++] = watch;
  pthread_mutex_unlock(&watcher->lock);
}

static void begin_added(sb_camera_watcher *watcher, sb_engine_camera *cameras, size_t count) {
  size_t most = sb_engine_cameras_most();
  for (size_t i = 0; i < count; i++) {
    if (find_watch(watcher, &cameras[i]) < watcher->count) continue;
    if (watcher->count < most) {
      begin_one(watcher, &cameras[i]);
    } else if (!watcher->told) {
      watcher->told = true;
      sb_log(SB_LOG_ERROR, "camera %s and those after it are not watched: this machine watches at most %zu cameras",
             cameras[i].name, most);
    }
  }
}

static void compare(sb_camera_watcher *watcher) {
  sb_error error = {0};
  sb_engine_camera *cameras = NULL;
  size_t count = 0;
  if (sb_engine_cameras(watcher->options.engine, &cameras, &count, &error) != SB_OK) return; /* in two seconds again */
  end_removed(watcher, cameras, count);
  begin_added(watcher, cameras, count);
  sb_cameras_free(cameras, count);
}

static void *run(void *context) {
  sb_camera_watcher *watcher = context;
  sb_actor_set("camera", NULL);
  pthread_mutex_lock(&watcher->lock);
  while (!watcher->stopping) {
    struct timespec until;
    watcher->refresh = false;
    pthread_mutex_unlock(&watcher->lock);
    compare(watcher);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PERIOD_SECONDS;
    pthread_mutex_lock(&watcher->lock);
    while (!watcher->stopping && !watcher->refresh &&
           pthread_cond_timedwait(&watcher->changed, &watcher->lock, &until) != ETIMEDOUT)
      continue;
  }
  pthread_mutex_unlock(&watcher->lock);
  return NULL;
}

/* ---- Start and end */

static void release(sb_camera_watcher *watcher) {
  free(watcher->watches);
  pthread_cond_destroy(&watcher->changed);
  pthread_mutex_destroy(&watcher->lock);
  free(watcher);
}

sb_status sb_camera_watcher_start(const sb_camera_watcher_options *options, sb_camera_watcher **out, sb_error *error) {
  sb_camera_watcher *watcher = sb_alloc(1, sizeof *watcher, error);
  if (!watcher) return SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  watcher->options = *options;
  atomic_flag_clear(&watcher->trying);
  pthread_mutex_init(&watcher->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&watcher->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  watcher->watches = sb_alloc(sb_engine_cameras_most(), sizeof(sb_camera_watch *), error);
  if (!watcher->watches) return release(watcher), SB_NO_MEMORY;
  int failed = pthread_create(&watcher->thread, NULL, run, watcher);
  if (failed) return release(watcher), sb_fail_errno(error, failed, "start a thread for", "the cameras");
  *out = watcher;
  return SB_OK;
}

static void wake(sb_camera_watcher *watcher, bool stop) {
  pthread_mutex_lock(&watcher->lock);
  watcher->stopping |= stop;
  watcher->refresh = true;
  pthread_cond_broadcast(&watcher->changed);
  pthread_mutex_unlock(&watcher->lock);
}

void sb_camera_watcher_stop(sb_camera_watcher *watcher) {
  if (!watcher) return;
  wake(watcher, true);
  pthread_join(watcher->thread, NULL);
  for (size_t i = 0; i < watcher->count; i++) sb_camera_watch_cancel(watcher->watches[i]); /* all at once */
  for (size_t i = 0; i < watcher->count; i++) sb_camera_watch_free(watcher->watches[i]);
  release(watcher);
}

void sb_camera_watcher_refresh(sb_camera_watcher *watcher) {
  wake(watcher, false);
}

/* ---- For other threads. Under the lock, as a watch may be removed at any time. */

static sb_camera_watch *watch_of(sb_camera_watcher *watcher, const char *name) {
  for (size_t i = 0; i < watcher->count; i++)
    if (!strcmp(sb_camera_watch_camera(watcher->watches[i])->name, name)) return watcher->watches[i];
  return NULL;
}

bool sb_camera_watcher_state(sb_camera_watcher *watcher, const char *name, sb_camera_state *out) {
  pthread_mutex_lock(&watcher->lock);
  sb_camera_watch *watch = watch_of(watcher, name);
  if (watch) *out = sb_camera_watch_state(watch);
  pthread_mutex_unlock(&watcher->lock);
  return watch != NULL;
}

size_t sb_camera_watcher_states(sb_camera_watcher *watcher, sb_camera_watched *out, size_t most) {
  pthread_mutex_lock(&watcher->lock);
  size_t count = watcher->count < most ? watcher->count : most;
  for (size_t i = 0; i < count; i++) {
    snprintf(out[i].name, sizeof out[i].name, "%s", sb_camera_watch_camera(watcher->watches[i])->name);
    out[i].state = sb_camera_watch_state(watcher->watches[i]);
  }
  pthread_mutex_unlock(&watcher->lock);
  return count;
}

sb_status sb_camera_watcher_snapshot(sb_camera_watcher *watcher, const char *name, uint8_t **bytes, size_t *size,
                                     sb_error *error) {
  pthread_mutex_lock(&watcher->lock);
  sb_camera_watch *watch = watch_of(watcher, name);
  sb_status status = watch ? sb_camera_watch_snapshot(watch, bytes, size, error)
                           : sb_fail(error, SB_BUSY, "the camera is not watched yet");
  pthread_mutex_unlock(&watcher->lock);
  return status;
}

sb_status sb_camera_watcher_try(sb_camera_watcher *watcher, const sb_engine_camera *camera, sb_camera_probe *out,
                                sb_error *error) {
  if (atomic_flag_test_and_set(&watcher->trying))
    return sb_fail(error, SB_BUSY, "another camera is being tried; try again in a moment");
  sb_status status = sb_camera_try(watcher->options.launcher, camera, watcher->options.sandbox, out, error);
  atomic_flag_clear(&watcher->trying);
  return status;
}
