#include "http/core/camera_looks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of more callers and cameras than there is room for, the oldest is forgotten: it gets an entry more. */
enum { LOOKS = 256, PERIOD_MS = 60000, KEY_MAX = 192 };

typedef struct look {
  char key[KEY_MAX]; /* caller and camera; "": unused */
  double at_ms;
} look;

struct sb_http_camera_looks {
  pthread_mutex_t lock;
  look looks[LOOKS];
};

sb_status sb_http_camera_looks_new(sb_http_camera_looks **out, sb_error *error) {
  sb_http_camera_looks *looks = sb_alloc(1, sizeof *looks, error);
  if (!looks) return SB_NO_MEMORY;
  pthread_mutex_init(&looks->lock, NULL);
  *out = looks;
  return SB_OK;
}

void sb_http_camera_looks_free(sb_http_camera_looks *looks) {
  if (looks) pthread_mutex_destroy(&looks->lock);
  free(looks);
}

/* The camera stands first: a caller whose name is too long may share its entries with another, a camera never. */
static void write_key(const char *caller, const char *camera, char key[KEY_MAX]) {
  snprintf(key, KEY_MAX, "%s %s", camera, caller);
}

/* The place of a key, else the oldest one. */
static look *find(sb_http_camera_looks *looks, const char *key) {
  look *oldest = &looks->looks[0];
  for (size_t i = 0; i < LOOKS; i++) {
    look *one = &looks->looks[i];
    if (!strcmp(one->key, key)) return one;
    if (one->at_ms < oldest->at_ms) oldest = one;
  }
  return oldest;
}

bool sb_http_camera_looks_is_due(sb_http_camera_looks *looks, const char *caller, const char *camera) {
  char key[KEY_MAX];
  write_key(caller, camera, key);
  pthread_mutex_lock(&looks->lock);
  const look *one = find(looks, key);
  bool due = strcmp(one->key, key) != 0 || sb_monotonic_ms() - one->at_ms >= PERIOD_MS;
  pthread_mutex_unlock(&looks->lock);
  return due;
}

void sb_http_camera_looks_note(sb_http_camera_looks *looks, const char *caller, const char *camera) {
  char key[KEY_MAX];
  write_key(caller, camera, key);
  pthread_mutex_lock(&looks->lock);
  look *one = find(looks, key);
  memcpy(one->key, key, sizeof key);
  one->at_ms = sb_monotonic_ms();
  pthread_mutex_unlock(&looks->lock);
}
