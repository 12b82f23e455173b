#include "http/core/live_sessions.h"

#include <stdlib.h>
#include <time.h>

struct sb_http_live_sessions {
  pthread_mutex_t lock;
  pthread_cond_t left;
  size_t count;
  bool stopping;
};

sb_status sb_http_live_sessions_new(sb_http_live_sessions **out, sb_error *error) {
  sb_http_live_sessions *sessions = sb_alloc(1, sizeof *sessions, error);
  if (!sessions) return SB_NO_MEMORY;
  pthread_mutex_init(&sessions->lock, NULL);
  pthread_cond_init(&sessions->left, NULL);
  *out = sessions;
  return SB_OK;
}

bool sb_http_live_sessions_enter(sb_http_live_sessions *sessions, size_t most) {
  pthread_mutex_lock(&sessions->lock);
  bool room = sessions->count < most && !sessions->stopping;
  sessions->count += room;
  pthread_mutex_unlock(&sessions->lock);
  return room;
}

void sb_http_live_sessions_leave(sb_http_live_sessions *sessions) {
  pthread_mutex_lock(&sessions->lock);
  sessions->count--;
  pthread_cond_broadcast(&sessions->left);
  pthread_mutex_unlock(&sessions->lock);
}

bool sb_http_live_sessions_stop(sb_http_live_sessions *sessions, double ms) {
  double start_ms = sb_monotonic_ms();
  bool empty = false;
  pthread_mutex_lock(&sessions->lock);
  sessions->stopping = true;
  while (!(empty = !sessions->count) && sb_monotonic_ms() - start_ms < ms) {
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec++;
    pthread_cond_timedwait(&sessions->left, &sessions->lock, &soon);
  }
  pthread_mutex_unlock(&sessions->lock);
  return empty;
}

bool sb_http_live_sessions_stopping(sb_http_live_sessions *sessions) {
  pthread_mutex_lock(&sessions->lock);
  bool stopping = sessions->stopping;
  pthread_mutex_unlock(&sessions->lock);
  return stopping;
}

size_t sb_http_live_sessions_count(sb_http_live_sessions *sessions) {
  pthread_mutex_lock(&sessions->lock);
  size_t count = sessions->count;
  pthread_mutex_unlock(&sessions->lock);
  return count;
}

void sb_http_live_sessions_free(sb_http_live_sessions *sessions) {
  if (!sessions) return;
  pthread_cond_destroy(&sessions->left);
  pthread_mutex_destroy(&sessions->lock);
  free(sessions);
}
